"""The built-in base: its file is read right, and the cut vocabulary segments Indonesian as the whole one does."""

import struct

import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from nlp.errors import NetralitasError
from nlp.window import load_tokenizer
from training import base

SENTENCES = [
    "Ketua Bawaslu Kota Pekalongan, Sugiharto, meminta ASN menjaga netralitas.",
    "Camat itu diduga mengarahkan kepala desa; laporan diterima Panwaslih kemarin.",
]


@pytest.fixture(scope="module")
def source():
    return base.read_wheel()


@pytest.fixture(scope="module")
def built(source, tmp_path_factory):
    path = tmp_path_factory.mktemp("built")
    base.build(source, base.choose_pieces(source, SENTENCES, min_count=1), path)
    return path


def test_q4_blocks():
    block = struct.pack("<e", 0.5) + bytes([0x80 + n for n in range(16)])
    values = base._dequantise(block, 32)
    assert values[:3].tolist() == [-4.0, -3.5, -3.0]
    assert set(values[16:]) == {0.0}


def test_similar_sentences_are_near(built):
    model = AutoModel.from_pretrained(built, add_pooling_layer=False).eval()
    tokenizer = AutoTokenizer.from_pretrained(built)
    texts = [SENTENCES[0], SENTENCES[0].replace("meminta", "diminta"), SENTENCES[1]]
    with torch.inference_mode():
        vectors = [model(**tokenizer(t, return_tensors="pt")).last_hidden_state[0].mean(0) for t in texts]
    near, far = (torch.cosine_similarity(vectors[0], v, dim=0) for v in vectors[1:])
    assert near > far + 0.02


def test_cut_vocabulary_segments_alike(source, built):
    whole = base.build_tokenizer([p for p in source.pieces if p[0] != "<mask>"])
    for text in SENTENCES:
        assert load_tokenizer(built).encode(text).tokens == whole.encode(text).tokens


def test_latin_names_have_no_unknown_piece(built):
    encoding = load_tokenizer(built).encode("Žofia Åkerlund-O'Neill 123 @ß")
    assert "<unk>" not in encoding.tokens


def test_committed_vocabulary_is_of_this_base(source):
    from pathlib import Path

    import training.base as module

    keep = base.read_vocabulary(Path(module.__file__).parent.parent / "data" / "vocabulary.txt")
    assert 20_000 < len(keep) < 30_000
    assert set(keep) <= {p for p, _ in source.pieces}


def test_problems_are_named(source, tmp_path):
    (tmp_path / "x.bin").write_bytes(b"GGUF" + b"\0" * 64)
    with pytest.raises(NetralitasError, match="not an E5S1 file"):
        base.read_wheel(tmp_path / "x.bin")
    with pytest.raises(NetralitasError, match="unknown to the base"):
        base.build(source, ["▁tidakadadisini"], tmp_path / "out")
    with pytest.raises(NetralitasError, match="cannot be read"):
        base.read_vocabulary(tmp_path / "none.txt")
    assert torch.isfinite(source.weights["embeddings.word_embeddings.weight"]).all()
