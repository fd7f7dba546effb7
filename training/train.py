"""Fine-tune a base encoder on the corpus. Seeded; a run that was killed goes on at its last checkpoint."""

import datetime as dt
import hashlib
import json
import platform
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional
from transformers import AutoTokenizer

from nlp.errors import NetralitasError
from nlp.outputs import DOCUMENT, TOKEN
from training import model as model_io
from training.config import LossWeights, TrainConfig
from training.corpus import CorpusText, read_corpus
from training.features import UNKNOWN, Batch, batches, build_features, collate
from training.model import NeutralityModel, Shape, pool_windows

CHECKPOINT_SECONDS = 120.0
"""Time between checkpoints; one is written at the end of each epoch, too."""

STANDARDISE_TEXTS = 64
"""Training texts whose states set the scale of the heads' input."""

Progress = Callable[[int, int, float], None]
"""Called after each step with the step, the number of steps and the smoothed loss."""


def base_tokenizer(base: str) -> Tokenizer:
    """The fast tokenizer of a base encoder, without truncation and padding.

    Raises:
        NetralitasError: the base has none.
    """
    try:
        loaded = AutoTokenizer.from_pretrained(base, use_fast=True, trust_remote_code=False)
    except (OSError, ValueError) as e:
        raise NetralitasError(f"base {base!r}: its tokenizer cannot be loaded: {e}") from e
    tokenizer: Tokenizer = loaded.backend_tokenizer
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def losses(model: NeutralityModel, batch: Batch, smoothing: float) -> dict[str, Tensor]:
    """Loss of each head for a batch; a head without a known target gives zero."""
    out = model(batch.ids, batch.mask)
    document = pool_windows(out, batch.document, len(batch.target))
    result = {}
    label = batch.target[:, DOCUMENT["label"]]
    result["label"] = functional.cross_entropy(
        document[:, DOCUMENT["label"]], label.argmax(1), label_smoothing=smoothing
    )
    for name in ("flags", "forms", "subjects"):
        target = batch.target[:, DOCUMENT[name]]
        known = target != UNKNOWN
        loss = functional.binary_cross_entropy_with_logits(document[:, DOCUMENT[name]], target, reduction="none")
        result[name] = (loss * known).sum() / known.sum().clamp(min=1)
    for name in ("spans", "regions", "roles", "statuses"):
        logits, target = out.tokens[..., TOKEN[name]].flatten(0, 1), batch.targets[name].flatten()
        total = functional.cross_entropy(logits, target, ignore_index=UNKNOWN, reduction="sum")
        result[name] = total / (target != UNKNOWN).sum().clamp(min=1)
    target = batch.targets["evidence"]
    known = target != UNKNOWN
    loss = functional.binary_cross_entropy_with_logits(
        out.tokens[..., TOKEN["evidence"]].squeeze(-1), target.clamp(min=0).float(), reduction="none"
    )
    result["evidence"] = (loss * known).sum() / known.sum().clamp(min=1)
    return result


def _total(parts: dict[str, Tensor], weights: LossWeights) -> Tensor:
    return torch.stack([getattr(weights, name) * value for name, value in parts.items()]).sum()


def _optimizer(model: NeutralityModel, config: TrainConfig) -> torch.optim.AdamW:
    groups: dict[tuple[bool, bool], list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        groups.setdefault((name.startswith("encoder."), parameter.ndim > 1), []).append(parameter)
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "lr": config.learning_rate if in_encoder else config.head_learning_rate,
                # Biases and norms are not decayed.
                "weight_decay": config.weight_decay if matrix else 0.0,
            }
            for (in_encoder, matrix), parameters in groups.items()
        ],
        fused=True,
    )


def schedule(step: int, steps: int, warmup: float) -> float:
    """Linear warm-up, then linear decay to zero: the share of the full learning rate at a step."""
    rise = max(1, int(steps * warmup))
    return (step + 1) / rise if step < rise else max(0.0, (steps - step) / max(1, steps - rise))


def save_checkpoint(
    path: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, state: dict[str, Any]
) -> None:
    """Write a checkpoint beside the old one, then swap: a kill at any moment leaves a whole one."""
    new = path.with_name(path.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, new / "model.safetensors")
    moments = {f"{i}.{k}": v for i, s in optimizer.state_dict()["state"].items() for k, v in s.items()}
    save_file(moments, new / "optimizer.safetensors")
    (new / "state.json").write_text(json.dumps(state), encoding="utf-8")
    old = path.with_name(path.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if path.exists():
        path.rename(old)
    new.rename(path)
    shutil.rmtree(old, ignore_errors=True)


def load_checkpoint(path: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Put a checkpoint's weights and moments back; return the state it was saved with."""
    model.load_state_dict(load_file(path / "model.safetensors"))
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in load_file(path / "optimizer.safetensors").items():
        index, name = key.split(".")
        state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    loaded: dict[str, Any] = json.loads((path / "state.json").read_text(encoding="utf-8"))
    return loaded


def git_commit() -> str:
    """The commit of the code, with ``-dirty`` where it was changed; ``unknown`` outside a repository."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def fingerprint(config: TrainConfig) -> str:
    """SHA-256 over the corpus file and every setting but the output: what a resumed run must share."""
    settings = config.model_dump_json(exclude={"output"})
    return hashlib.sha256(config.corpus.read_bytes() + settings.encode()).hexdigest()


def _provenance(config: TrainConfig, commit: str, texts: int, seconds: float) -> dict[str, Any]:
    packages = ("torch", "transformers", "tokenizers", "datasets", "numpy")
    return {
        "config": config.model_dump(mode="json"),
        "corpus_sha256": hashlib.sha256(config.corpus.read_bytes()).hexdigest(),
        "train_texts": texts,
        "commit": commit,
        "finished": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds),
        "versions": {"python": platform.python_version(), **{p: version(p) for p in packages}},
    }


def mask_tokens(ids: Tensor, mask: Tensor, share: float, mask_id: int) -> Tensor:
    """Put the mask token in the place of a random share of the tokens; padding and each window's ends stay.

    ``ids`` and ``mask`` [w, t]. It keeps the model from leaning on single words.
    """
    drawn = torch.rand(ids.shape, device=ids.device) < share
    inner = mask.bool()
    # The last token of a window is where its mask ends.
    inner = inner & torch.roll(inner, -1, dims=1)
    inner[:, 0] = False
    return ids.masked_fill(drawn & inner, mask_id)


def mask_id_of(tokenizer: Tokenizer) -> int:
    """Id that stands for a hidden token: the mask token, or the unknown token of a vocabulary without one.

    Raises:
        NetralitasError: the vocabulary has neither.
    """
    for token in ("<mask>", "[MASK]", "<unk>", "[UNK]"):
        found = tokenizer.token_to_id(token)
        if found is not None:
            return int(found)
    raise NetralitasError("tokenizer: its vocabulary has no mask and no unknown token")


def choose_share(texts: Sequence[CorpusText], share: float, seed: int) -> list[CorpusText]:
    """A random share of the texts, for learning curves; a smaller share lies within a larger one of the same seed."""
    order = np.random.default_rng(seed).permutation(len(texts))
    return [texts[i] for i in sorted(order[: max(1, round(share * len(texts)))])]


def train(config: TrainConfig, progress: Progress | None = None) -> Path:
    """Fine-tune on the corpus's training split; return the trained model's directory.

    Killed and started again, it goes on at the last checkpoint and ends with the same weights.

    Raises:
        NetralitasError: bad corpus or base, no training texts, or an output of another run.
    """
    texts = choose_share([t for t in read_corpus(config.corpus) if t.split == "train"], config.share, config.seed)
    if not texts:
        raise NetralitasError(f"{config.corpus}: no text has split 'train'; run 'netralitas data split' first")
    mark, commit = fingerprint(config), git_commit()
    checkpoint = config.output / "checkpoint"
    if (config.output / "model.safetensors").exists():
        raise NetralitasError(f"{config.output}: holds a finished model; choose another output or remove it")
    shape = Shape(config.window, config.overlap)
    tokenizer = base_tokenizer(config.base)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = model_io.from_base(config.base, shape, config.dropout, config.seed).to(device)
    optimizer = _optimizer(model, config)
    rates = [group["lr"] for group in optimizer.param_groups]
    data = build_features(texts, tokenizer, shape)
    sample = np.random.default_rng(config.seed).permutation(len(data))[:STANDARDISE_TEXTS]
    model.standardise([torch.tensor(ids) for i in sample for ids in data[int(i)]["ids"]])
    lengths = np.array(data["length"])
    plan = [list(batches(lengths, config.batch_tokens, config.seed + epoch)) for epoch in range(config.epochs)]
    steps = sum(map(len, plan))
    state: dict[str, Any] = {"fingerprint": mark, "step": 0, "seconds": 0.0, "sums": {}}
    if (checkpoint / "state.json").exists():
        state = load_checkpoint(checkpoint, model, optimizer)
        if state["fingerprint"] != mark:
            raise NetralitasError(
                f"{checkpoint}: of a run with another corpus or configuration; remove it to start anew"
            )
    model.train()
    pad_id = int(model.encoder.config.pad_token_id or 0)  # type: ignore[union-attr, arg-type]
    mask_id = mask_id_of(tokenizer)
    step: int = state["step"]
    sums: dict[str, float] = state["sums"]
    average = float("nan")
    config.output.mkdir(parents=True, exist_ok=True)
    began = saved = time.monotonic()
    todo = [(epoch, n, group) for epoch, groups in enumerate(plan) for n, group in enumerate(groups, 1)]
    for epoch, n, group in todo[step:]:
        # Seeding each step makes a resumed run draw the same masks.
        torch.manual_seed(config.seed * 1_000_003 + step)
        rows = data[group]
        batch = collate([{k: v[i] for k, v in rows.items()} for i in range(len(group))], pad_id).to(device)
        if config.mask_tokens:
            batch = replace(batch, ids=mask_tokens(batch.ids, batch.mask, config.mask_tokens, mask_id))
        for parameters, rate in zip(optimizer.param_groups, rates, strict=True):
            parameters["lr"] = rate * schedule(step, steps, config.warmup)
        with torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bf16"):
            parts = losses(model, batch, config.label_smoothing)
        loss = _total(parts, config.weights)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
        optimizer.step()
        optimizer.zero_grad()
        step += 1
        value = loss.item()
        average = value if np.isnan(average) else 0.95 * average + 0.05 * value
        for name, part in parts.items():
            sums[name] = sums.get(name, 0.0) + part.item()
        last = n == len(plan[epoch])
        seconds = state["seconds"] + time.monotonic() - began
        if last:
            means = {name: round(total / n, 4) for name, total in sums.items()}
            with (config.output / "log.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps({"epoch": epoch + 1, "seconds": round(seconds), **means}) + "\n")
            sums.clear()
        if last or time.monotonic() - saved > CHECKPOINT_SECONDS:
            now = {"fingerprint": mark, "step": step, "seconds": seconds, "sums": sums}
            save_checkpoint(checkpoint, model, optimizer, now)
            saved = time.monotonic()
        if progress:
            progress(step, steps, average)
    seconds = state["seconds"] + time.monotonic() - began
    _finish(config, model.cpu(), tokenizer, _provenance(config, commit, len(texts), seconds))
    return config.output


def _finish(config: TrainConfig, model: NeutralityModel, tokenizer: Tokenizer, provenance: dict[str, Any]) -> None:
    tokenizer.save(str(config.output / "tokenizer.json"))
    (config.output / "training.json").write_text(json.dumps(provenance, indent=1) + "\n", encoding="utf-8")
    # The weights come last: their presence says that the run is finished.
    partial = config.output / "finished.new"
    model_io.save(model.eval(), partial)
    for file in sorted(partial.iterdir(), key=lambda f: f.suffix == ".safetensors"):
        file.replace(config.output / file.name)
    partial.rmdir()
    shutil.rmtree(config.output / "checkpoint")
