"""Measure how fast a model tags, beside what a careful user of torch or transformers would get of the same weights.

All ways tag the same texts in turn, round after round, so that what else the machine does disturbs all alike.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedTokenizerFast, pipeline

from nlp.clean import find_ignored
from nlp.encode import TextLogits, WindowEncoder, WindowLogits, encode
from nlp.outputs import DOCUMENT
from nlp.schema import Label
from nlp.tagger import LoadedModel, Tagger, load_model
from nlp.window import Window, tokenise, windows
from nlp.workers import cores, ordered_map
from training.corpus import CorpusText
from training.model import NeutralityModel
from training.predict import load_trained

PIPELINE_BATCHES: Final = (1, 8, 32)
"""Batch sizes of the transformers pipeline; the best one counts."""
_TORCH_TOKENS: Final = 8192
_MATRIX: Final = 2048
_POSTS: Final = ("post", "message")


@dataclass
class Way:
    """One way to tag: seconds of each round, and the labels it gave."""

    name: str
    run: Callable[[], list[Label]]
    seconds: list[float] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)


@dataclass(frozen=True)
class Result:
    """What a way reached: texts and tokens a second (medians of the rounds), with the range of texts a second; how many
    times the torch loop's speed, a median of the rounds' ratios; the share of texts with the torch loop's label; and
    the share of the machine's matrix peak."""

    name: str
    texts: float
    low: float
    high: float
    tokens: float
    ratio: float
    agreement: float | None
    peak: float


def mix(texts: Sequence[CorpusText], count: int) -> list[str]:
    """Half posts, half longer texts, in turn: ``count`` of them, or as many as there are of the rarer kind."""
    posts = [t.text for t in texts if t.kind in _POSTS]
    articles = [t.text for t in texts if t.kind not in _POSTS]
    return [text for pair in zip(posts, articles, strict=False) for text in pair][:count]


def _label(logits: TextLogits) -> Label:
    return list(Label)[int(logits.document[DOCUMENT["label"]].argmax())]


def _cut(text: str, model: LoadedModel) -> list[Window]:
    tokens = tokenise(text, model.tokenizer, find_ignored(text))
    return windows(tokens, model.tokenizer, model.shape.window, model.shape.overlap)


def _ours(model: LoadedModel, texts: Sequence[str]) -> Callable[[], list[Label]]:
    """Whole records by the batch engine's way: a window a run, a core a thread."""
    tagger = Tagger(model)
    return lambda: [record.label.name for record in ordered_map(tagger.tag, texts)]


def _batches(parts: Sequence[Window]) -> Iterator[list[int]]:
    """Window numbers by length, of at most so many padded tokens a batch."""
    batch: list[int] = []
    for i in sorted(range(len(parts)), key=lambda i: len(parts[i].ids)):
        if batch and (len(batch) + 1) * len(parts[i].ids) > _TORCH_TOKENS:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def _torch(model: NeutralityModel, trained: LoadedModel, texts: Sequence[str]) -> Callable[[], list[Label]]:
    """Logits of all windows, sorted by length, without gradients, on all cores; then labels."""

    def run() -> list[Label]:
        cut = [_cut(text, trained) for text in texts]
        flat = [w for parts in cut for w in parts]
        found: dict[int, WindowLogits] = {}
        with torch.inference_mode():
            for batch in _batches(flat):
                longest = max(len(flat[i].ids) for i in batch)
                ids, mask = torch.ones(len(batch), longest, dtype=torch.long), torch.zeros(len(batch), longest)
                for row, i in enumerate(batch):
                    ids[row, : len(flat[i].ids)] = torch.from_numpy(flat[i].ids)
                    mask[row, : len(flat[i].ids)] = 1
                out = model(ids, mask.long())
                for row, i in enumerate(batch):
                    parts = (out.mean[row], out.focus[row], out.tokens[row, : len(flat[i].ids)])
                    mean, focus, tokens = (x.numpy() for x in parts)
                    found[i] = WindowLogits(mean, focus, out.weight[row].item(), tokens)
        labels, at = [], 0
        for text, parts_of in zip(texts, cut, strict=True):
            logits = (found[i] for i in range(at, at + len(parts_of)))
            tokens_of = tokenise(text, trained.tokenizer, find_ignored(text))
            labels.append(_label(encode(tokens_of, parts_of, _replay(logits))))
            at += len(parts_of)
        return labels

    return run


def _replay(logits: Iterator[WindowLogits]) -> WindowEncoder:
    """An encoder that gives what was computed before, window by window."""
    return lambda _: next(logits)


def _pipeline(run: Path, trained: LoadedModel, texts: Sequence[str], size: int) -> Callable[[], list[Label]]:
    """A text classification of the same encoder as users write it, over the same windows; its labels mean nothing."""
    config = AutoConfig.from_pretrained(run, num_labels=len(Label), trust_remote_code=False)
    model = AutoModelForSequenceClassification.from_config(config)  # type: ignore[no-untyped-call]
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(run / "tokenizer.json"), pad_token="<pad>")  # type: ignore[no-untyped-call]
    classify = pipeline("text-classification", model=model.eval(), tokenizer=tokenizer, device="cpu")
    parts = [trained.tokenizer.decode(w.ids.tolist()) for text in texts for w in _cut(text, trained)]
    limit = trained.shape.window

    def tag() -> list[Label]:
        classify(parts, batch_size=size, truncation=True, max_length=limit)
        return []

    return tag


def matrix_peak(kind: str) -> float:
    """Operations a second of a large matrix product on all cores, "float32", "bfloat16" or "int8"; best of five."""
    if kind == "int8":
        a, b = (torch.randint(-100, 100, (_MATRIX, _MATRIX), dtype=torch.int8) for _ in range(2))

        def multiply() -> Tensor:
            return torch._int_mm(a, b)
    else:
        x, y = (torch.randn(_MATRIX, _MATRIX, dtype=getattr(torch, kind)) for _ in range(2))

        def multiply() -> Tensor:
            return x @ y

    multiply()
    times = []
    for _ in range(5):
        began = time.perf_counter()
        multiply()
        times.append(time.perf_counter() - began)
    return 2 * _MATRIX**3 / min(times)


def operations_per_token(model: NeutralityModel, length: float) -> float:
    """Multiplications and additions for a token of a window of ``length``: two for each weight of a matrix, and those
    of attention, 4 · length · width a layer."""
    config: Any = model.encoder.config
    weights = sum(p.numel() for n, p in model.encoder.named_parameters() if p.dim() == 2 and "embedding" not in n)
    return float(2 * weights + 4 * length * config.hidden_size * config.num_hidden_layers)


def bench(run: Path, released: Path, texts: Sequence[str], rounds: int = 5) -> tuple[list[Result], int]:
    """Tag ``texts`` with the trained model ``run`` in torch and with its ``released`` weights; the results, the torch
    loop's first, and the number of tokens.

    Raises:
        NetralitasError: no such models.
    """
    trained, plain = load_trained(run), load_model(released)
    torch.set_num_threads(cores())
    encoder = trained.encoder
    model: NeutralityModel = encoder.model  # type: ignore[attr-defined]
    tokens = [len(w.ids) for text in texts for w in _cut(text, trained)]
    ways = [
        Way("torch fp32, sorted by length", _torch(model, trained, texts)),
        Way(f"netralitas, {plain.runtime}", _ours(plain, texts)),
    ]
    sizes = {size: _pipeline(run, trained, texts[: max(1, len(texts) // 8)], size) for size in PIPELINE_BATCHES}
    best = min(sizes, key=lambda size: _seconds(sizes[size]))
    ways.append(Way(f"transformers pipeline, batches of {best}", _pipeline(run, trained, texts, best)))
    for way in ways:
        way.labels = way.run()
    for _ in range(rounds):
        for way in ways:
            way.seconds.append(_seconds(way.run))
    peak = max(matrix_peak(kind) for kind in ("float32", "bfloat16", "int8"))
    work = operations_per_token(model, float(np.mean(tokens))) * sum(tokens)
    first = ways[0]
    return [
        Result(
            name=way.name,
            texts=len(texts) / statistics.median(way.seconds),
            low=len(texts) / max(way.seconds),
            high=len(texts) / min(way.seconds),
            tokens=sum(tokens) / statistics.median(way.seconds),
            ratio=statistics.median(a / b for a, b in zip(first.seconds, way.seconds, strict=True)),
            agreement=float(np.mean([a is b for a, b in zip(first.labels, way.labels, strict=True)]))
            if way.labels
            else None,
            peak=work / statistics.median(way.seconds) / peak,
        )
        for way in ways
    ], sum(tokens)


def _seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began
