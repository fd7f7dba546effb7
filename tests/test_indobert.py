"""A checkpoint as IndoBERT's is: uncased WordPiece from vocab.txt, pytorch_model.bin with the heads of pretraining."""

import json

import pytest
import torch
from transformers import BertConfig, BertForPreTraining

from nlp.tagger import Tagger
from tests.conftest import tiny_config
from training.calibrate import calibrate
from training.export import export
from training.run import base_tokenizer
from training.train import train


@pytest.fixture(scope="module")
def indobert(corpus, tmp_path_factory):
    """The file set of indobenchmark/indobert-base-p1, in small."""
    path = tmp_path_factory.mktemp("indobert")
    letters = sorted({c for t in corpus for c in t.text.lower() if not c.isspace()})
    words = sorted({w for t in corpus for w in t.text.lower().split() if w.isalpha()})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{c}" for c in letters), *words]
    (path / "vocab.txt").write_text("\n".join(dict.fromkeys(vocabulary)), encoding="utf-8")
    (path / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True, "tokenizer_class": "BertTokenizer"}))
    config = BertConfig(
        vocab_size=len(dict.fromkeys(vocabulary)),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    config.save_pretrained(path)
    torch.manual_seed(0)
    torch.save(BertForPreTraining(config).state_dict(), path / "pytorch_model.bin")
    return path


def test_uncased_pieces_point_into_the_cased_text(indobert):
    text = "Ketua BAWASLU Kudus, Rofiah Hanum"
    encoding = base_tokenizer(str(indobert)).encode(text, add_special_tokens=False)
    assert [text[a:b] for a, b in encoding.offsets if b - a > 1][:1]
    assert "".join(text[a:b] for a, b in encoding.offsets) == text.replace(" ", "")


def test_fine_tunes_exports_and_tags(indobert, corpus_file, corpus, tmp_path, caplog):
    run = train(tiny_config(indobert, corpus_file, tmp_path / "run", epochs=4, accumulate=2, precision="bf16"))
    assert "its heads of pretraining are not used" in caplog.text
    calibrate(run, corpus_file)
    tagger = Tagger.load(export(run, tmp_path / "released", [corpus[0].text]))
    record = tagger.tag(corpus[0].text)
    for official in record.officials:
        assert all(corpus[0].text[a:b].strip() for a, b in official.mentions)


def test_pickled_code_is_not_run(indobert, corpus_file, tmp_path):
    """A checkpoint is weights only: anything else in the pickle is refused, never run."""
    import shutil

    from nlp.errors import NetralitasError

    evil = tmp_path / "evil"
    shutil.copytree(indobert, evil)
    marker = tmp_path / "ran"

    class Payload:
        def __reduce__(self):
            return open, (str(marker), "w")

    torch.save({"x": Payload()}, evil / "pytorch_model.bin")
    with pytest.raises(NetralitasError, match="cannot be loaded"):
        train(tiny_config(evil, corpus_file, tmp_path / "run"))
    assert not marker.exists()
