"""Adapt a base encoder to a field by masked language modelling on plain text, before fine-tuning (Gururangan et al.
2020). Seeded; a run that was killed goes on at its last checkpoint.

Of 15 % of the tokens, 80 % are masked, 10 % replaced by random ones and 10 % left (Devlin et al. 2019). The head of
the modelling is new, tied to the embeddings, and thrown away at the end.
"""

import datetime as dt
import hashlib
import json
import lzma
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoTokenizer, PreTrainedModel

from nlp.errors import NetralitasError
from training.features import UNKNOWN, batches, inner_tokens
from training.model import load_encoder
from training.run import (
    Progress,
    base_tokenizer,
    checkpoint_due,
    git_commit,
    load_checkpoint,
    mask_id_of,
    save_checkpoint,
    schedule,
    versions,
)

_CHOSEN: Final = 0.15
_HELD_OUT: Final = 50
"""Every so manieth window is held out, to measure on."""
_SHORTEST: Final = 16


@dataclass(frozen=True)
class AdaptConfig:
    """Everything an adaptation depends on, beside the texts."""

    base: str
    texts: tuple[Path, ...]
    output: Path
    epochs: int = 1
    learning_rate: float = 2e-4
    batch_tokens: int = 2048
    window: int = 256
    max_texts: int | None = None
    seed: int = 0


class MaskedModel(nn.Module):
    """An encoder with a head that guesses hidden tokens; the output weights are the embeddings."""

    def __init__(self, encoder: PreTrainedModel) -> None:
        super().__init__()
        self.encoder = encoder
        vocabulary, hidden = self.embeddings.shape
        self.transform = nn.Sequential(nn.Linear(hidden, hidden), nn.GELU(), nn.LayerNorm(hidden))
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    @property
    def embeddings(self) -> Tensor:
        """The encoder's embeddings, [vocabulary, hidden]."""
        return cast(Tensor, self.encoder.get_input_embeddings().weight)

    def forward(self, ids: Tensor, mask: Tensor, target: Tensor) -> Tensor:
        """Mean loss over the hidden tokens: ``target`` [w, t] is UNKNOWN elsewhere."""
        states = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        hidden = target != UNKNOWN
        # Only hidden tokens are guessed: the vocabulary is long.
        guesses = functional.linear(self.transform(states[hidden]), self.embeddings, self.bias)
        return functional.cross_entropy(guesses.float(), target[hidden])


def read_plain(paths: Iterable[Path]) -> Iterator[str]:
    """Texts of JSON Lines files with a key ``text``, plain or ``.xz``; of a corpus, those of its training split.

    Raises:
        NetralitasError: unreadable, or a line without text; file and line are named.
    """
    for path in paths:
        try:
            with lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open(encoding="utf-8") as f:
                for n, line in enumerate(f, 1):
                    try:
                        row = json.loads(line)
                        text, split = row["text"], row.get("split", "train")
                    except (ValueError, KeyError, AttributeError, TypeError) as e:
                        raise NetralitasError(f"{path}:{n}: no JSON object with the key 'text': {e!r}") from e
                    if split == "train":
                        yield str(text)
        except (OSError, UnicodeDecodeError, lzma.LZMAError) as e:
            raise NetralitasError(f"{path}: cannot be read: {e}") from e


def cut(texts: Iterable[str], tokenizer: Tokenizer, window: int) -> list[list[int]]:
    """Windows of ids with the tokenizer's special tokens; a text's last piece is dropped where it is very short."""
    room = window - tokenizer.num_special_tokens_to_add(is_pair=False)
    out = []
    for text in texts:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        empty = tokenizer.encode("").ids
        for start in range(0, len(ids), room):
            piece = ids[start : start + room]
            if len(piece) >= _SHORTEST:
                out.append([empty[0], *piece, empty[-1]])
    return out


def hide(ids: Tensor, mask: Tensor, mask_id: int, vocabulary: int) -> tuple[Tensor, Tensor]:
    """Hide tokens of ``ids`` [w, t]; return the new ids and the targets, UNKNOWN where nothing was chosen."""
    chosen = (torch.rand(ids.shape) < _CHOSEN) & inner_tokens(mask)
    fate = torch.rand(ids.shape)
    hidden = ids.masked_fill(chosen & (fate < 0.8), mask_id)
    swapped = chosen & (fate >= 0.9)
    hidden = torch.where(swapped, torch.randint(vocabulary, ids.shape), hidden)
    return hidden, ids.masked_fill(~chosen, UNKNOWN)


def _batch(windows: Sequence[list[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    width = max(map(len, windows))
    ids = torch.tensor([w + [pad_id] * (width - len(w)) for w in windows])
    return ids, torch.tensor([[1] * len(w) + [0] * (width - len(w)) for w in windows])


def adapt(config: AdaptConfig, progress: Progress | None = None) -> dict[str, Any]:
    """Adapt a base; write an encoder's directory that ``train`` takes as its base. Return what was measured.

    Raises:
        NetralitasError: bad base or texts, or an output that is of another run.
    """
    if (config.output / "model.safetensors").exists():
        raise NetralitasError(f"{config.output}: holds a finished encoder; choose another output or remove it")
    tokenizer = base_tokenizer(config.base)
    texts = list(read_plain(config.texts))
    if config.max_texts is not None:
        order = np.random.default_rng(config.seed).permutation(len(texts))[: config.max_texts]
        texts = [texts[i] for i in sorted(order)]
    windows = cut(texts, tokenizer, config.window)
    held, kept = windows[::_HELD_OUT], [w for i, w in enumerate(windows) if i % _HELD_OUT]
    if not kept:
        raise NetralitasError("no text is long enough to adapt to; give more of them")
    torch.manual_seed(config.seed)
    encoder = load_encoder(config.base, config.window)
    model = MaskedModel(encoder)
    mark = _mark(config, texts)
    lengths = np.array([len(w) for w in kept])
    plan = [g for epoch in range(config.epochs) for g in batches(lengths, config.batch_tokens, config.seed + epoch)]
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=0.01, fused=True)
    state = _resume(config.output / "checkpoint", model, optimizer, mark)
    pad_id = int(encoder.config.pad_token_id or 0)
    mask_id, vocabulary = mask_id_of(tokenizer), len(model.bias)
    if "before" not in state:
        state["before"] = _measure(model, held, pad_id, mask_id, vocabulary)
    began = saved = time.monotonic()
    average = float("nan")
    for step in range(state["step"], len(plan)):
        torch.manual_seed(config.seed * 1_000_003 + step)
        ids, mask = _batch([kept[i] for i in plan[step]], pad_id)
        hidden, target = hide(ids, mask, mask_id, vocabulary)
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * schedule(step, len(plan), 0.06)
        with torch.autocast("cpu", torch.bfloat16):
            loss = model(hidden, mask, target)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        value = loss.item()
        average = value if np.isnan(average) else 0.98 * average + 0.02 * value
        if checkpoint_due(saved):
            seconds = state["seconds"] + time.monotonic() - began
            save_checkpoint(
                config.output / "checkpoint", model, optimizer, state | {"step": step + 1, "seconds": seconds}
            )
            saved = time.monotonic()
        if progress:
            progress(step + 1, len(plan), average)
    facts = {
        "base": config.base,
        "texts": len(texts),
        "tokens": int(lengths.sum()),
        "epochs": config.epochs,
        "learning_rate": config.learning_rate,
        "seed": config.seed,
        "loss_before": state["before"],
        "loss_after": _measure(model, held, pad_id, mask_id, vocabulary),
        "seconds": round(state["seconds"] + time.monotonic() - began),
        "files": {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in config.texts},
        "commit": git_commit(),
        "finished": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "versions": versions(),
    }
    _finish(config, encoder, facts)
    return facts


def _mark(config: AdaptConfig, texts: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    settings = [config.base, config.epochs, config.learning_rate, config.batch_tokens, config.window, config.seed]
    return hashlib.sha256(digest.digest() + json.dumps(settings).encode()).hexdigest()


def _resume(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, mark: str) -> dict[str, Any]:
    if not (path / "state.json").exists():
        return {"fingerprint": mark, "step": 0, "seconds": 0.0}
    state = load_checkpoint(path, model, optimizer)
    if state["fingerprint"] != mark:
        raise NetralitasError(f"{path}: of a run with other texts or settings; remove it to start anew")
    return state


@torch.no_grad()
def _measure(
    model: MaskedModel, windows: Sequence[list[int]], pad_id: int, mask_id: int, vocabulary: int
) -> float | None:
    """Mean loss over held-out windows, the same tokens hidden each time."""
    if not windows:
        return None
    model.eval()
    torch.manual_seed(0)
    losses: list[float] = []
    lengths: NDArray[np.int64] = np.array([len(w) for w in windows])
    for group in batches(lengths, 2048, 0):
        ids, mask = _batch([windows[i] for i in group], pad_id)
        hidden, target = hide(ids, mask, mask_id, vocabulary)
        if (target != UNKNOWN).any():
            losses.append(model(hidden, mask, target).item())
    model.train()
    return round(float(np.mean(losses)), 4) if losses else None


def _finish(config: AdaptConfig, encoder: PreTrainedModel, facts: dict[str, Any]) -> None:
    output = config.output
    partial = output / "finished.new"
    partial.mkdir(parents=True, exist_ok=True)
    encoder.save_pretrained(partial)
    AutoTokenizer.from_pretrained(config.base, trust_remote_code=False).save_pretrained(partial)
    (partial / "adaptation.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    # The weights come last: their presence says that the run is finished.
    for file in sorted(partial.iterdir(), key=lambda f: f.suffix == ".safetensors"):
        file.replace(output / file.name)
    partial.rmdir()
    shutil.rmtree(output / "checkpoint", ignore_errors=True)
