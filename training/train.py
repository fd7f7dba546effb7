"""Fine-tune a base encoder on the corpus. Seeded; a run that was killed goes on at its last checkpoint."""

import datetime as dt
import hashlib
import json
import shutil
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from datasets import Dataset
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from nlp.errors import NetralitasError
from nlp.outputs import DOCUMENT, TOKEN
from training import model as model_io
from training.config import LossWeights, TrainConfig
from training.corpus import CorpusText, read_corpus
from training.features import UNKNOWN, Batch, batches, build_features, collate, inner_tokens
from training.model import NeutralityModel, Shape, pool_windows
from training.noise import noise_share
from training.run import (
    Progress,
    base_tokenizer,
    checkpoint_due,
    git_commit,
    hardware,
    load_checkpoint,
    mask_id_of,
    save_checkpoint,
    schedule,
    versions,
)
from training.sources import telling_sources
from training.swap import swap_share

STANDARDISE_TEXTS = 64
"""Training texts whose states set the scale of the heads' input."""


def losses(model: torch.nn.Module, batch: Batch, smoothing: float) -> dict[str, Tensor]:
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


def fingerprint(config: TrainConfig, processes: int) -> str:
    """SHA-256 over the corpus file, every setting but the output, and the processes: what a resumed run must share."""
    settings = config.model_dump_json(exclude={"output"}) + str(processes)
    return hashlib.sha256(config.corpus.read_bytes() + settings.encode()).hexdigest()


def _provenance(config: TrainConfig, commit: str, texts: Sequence[CorpusText], seconds: float) -> dict[str, Any]:
    before = Path(config.base) / "training.json"
    return {
        "config": config.model_dump(mode="json"),
        "corpus_sha256": hashlib.sha256(config.corpus.read_bytes()).hexdigest(),
        "train_texts": len(texts),
        "warnings": telling_sources(texts),
        "commit": commit,
        "finished": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds),
        "versions": versions(),
        # Of a model trained further, how it was trained before.
        "base_training": json.loads(before.read_text(encoding="utf-8")) if before.exists() else None,
    }


def mask_tokens(ids: Tensor, mask: Tensor, share: float, mask_id: int) -> Tensor:
    """Put the mask token in the place of a random share of the tokens; padding and each window's ends stay.

    ``ids`` and ``mask`` [w, t]. It keeps the model from leaning on single words.
    """
    drawn = torch.rand(ids.shape, device=ids.device) < share
    return ids.masked_fill(drawn & inner_tokens(mask), mask_id)


def choose_share(texts: Sequence[CorpusText], share: float, seed: int) -> list[CorpusText]:
    """A random share of the texts, for learning curves; a smaller share lies within a larger one of the same seed."""
    order = np.random.default_rng(seed).permutation(len(texts))
    return [texts[i] for i in sorted(order[: max(1, round(share * len(texts)))])]


@dataclass(frozen=True)
class Step:
    """One optimizer step: its epoch (from 1), its number in it, its batches of document indices, and whether it ends
    the epoch."""

    epoch: int
    number: int
    groups: list[list[int]]
    last: bool


def step_plan(lengths: NDArray[np.int64], config: TrainConfig, processes: int) -> list[Step]:
    """All steps of a run: each holds ``accumulate`` batches for each process; an epoch's last step is filled up with
    its first batches, so that every process has as many."""
    size = config.accumulate * processes
    out = []
    for epoch in range(config.epochs):
        groups = list(batches(lengths, config.batch_tokens, config.seed + epoch))
        groups += [groups[i % len(groups)] for i in range(-len(groups) % size)]
        chunks = [groups[i : i + size] for i in range(0, len(groups), size)]
        out += [Step(epoch + 1, n, chunk, n == len(chunks)) for n, chunk in enumerate(chunks, 1)]
    return out


@dataclass
class _Run:
    """What every step of a run needs."""

    config: TrainConfig
    machine: Accelerator
    model: NeutralityModel
    parallel: torch.nn.Module
    optimizer: torch.optim.Optimizer
    data: Dataset
    plan: list[Step]
    pad_id: int
    mask_id: int


def _prepare(config: TrainConfig, texts: Sequence[CorpusText], tokenizer: Tokenizer) -> _Run:
    # Without a GPU, half precision by autocast is ours: Accelerate would ask the CPU for what it need not have.
    machine = Accelerator(cpu=not torch.cuda.is_available())
    shape = Shape(config.window, config.overlap)
    model = model_io.from_base(config.base, shape, config.dropout, config.seed).to(machine.device)
    if config.swap:
        texts = swap_share(texts, config.swap, config.seed)
    if config.noise:
        texts = noise_share(texts, config.noise, config.seed)
    data = build_features(texts, tokenizer, shape)
    if not model.standardised:
        sample = np.random.default_rng(config.seed).permutation(len(data))[:STANDARDISE_TEXTS]
        model.standardise([torch.tensor(ids) for i in sample for ids in data[int(i)]["ids"]])
    model.train()
    return _Run(
        config=config,
        machine=machine,
        model=model,
        parallel=machine.prepare_model(model) if machine.num_processes > 1 else model,
        optimizer=_optimizer(model, config),
        data=data,
        plan=step_plan(np.array(data["length"]), config, machine.num_processes),
        pad_id=int(model.encoder.config.pad_token_id or 0),  # type: ignore[union-attr, arg-type]
        mask_id=mask_id_of(tokenizer),
    )


def _take_step(run: _Run, step: int, rates: Sequence[float]) -> tuple[float, dict[str, float]]:
    """One optimizer step; return the loss and its parts, as means over this process's batches."""
    config, machine = run.config, run.machine
    # Seeding each step makes a resumed run draw the same masks; each process draws its own.
    torch.manual_seed((config.seed * 1_000_003 + step) * machine.num_processes + machine.process_index)
    for parameters, rate in zip(run.optimizer.param_groups, rates, strict=True):
        parameters["lr"] = rate * schedule(step, len(run.plan), config.warmup)
    mine = run.plan[step].groups[machine.process_index :: machine.num_processes]
    total, sums = 0.0, dict.fromkeys(LossWeights.model_fields, 0.0)
    for i, group in enumerate(mine, 1):
        rows = run.data[group]
        batch = collate([{k: v[j] for k, v in rows.items()} for j in range(len(group))], run.pad_id).to(machine.device)
        if config.mask_tokens:
            batch = replace(batch, ids=mask_tokens(batch.ids, batch.mask, config.mask_tokens, run.mask_id))
        # Gradients are exchanged once a step.
        with nullcontext() if i == len(mine) else machine.no_sync(run.parallel):
            with torch.autocast(machine.device.type, torch.bfloat16, enabled=config.precision == "bf16"):
                parts = losses(run.parallel, batch, config.label_smoothing)
            loss = _total(parts, config.weights) / len(mine)
            loss.backward()  # type: ignore[no-untyped-call]
        total += loss.item()
        for name, part in parts.items():
            sums[name] += part.item() / len(mine)
    torch.nn.utils.clip_grad_norm_(run.model.parameters(), config.clip_norm)
    run.optimizer.step()
    run.optimizer.zero_grad()
    return total, sums


def train(config: TrainConfig, progress: Progress | None = None) -> Path:
    """Fine-tune on the corpus's training split; return the trained model's directory.

    Killed and started again, it goes on at the last checkpoint and ends with the same weights. Started on several
    processes by ``torchrun`` or ``accelerate launch``, each takes its share of every step; the first one writes.

    Raises:
        NetralitasError: bad corpus or base, no training texts, or an output of another run.
    """
    texts = choose_share([t for t in read_corpus(config.corpus) if t.split == "train"], config.share, config.seed)
    if not texts:
        raise NetralitasError(f"{config.corpus}: no text has split 'train'; run 'netralitas data split' first")
    commit = git_commit()
    checkpoint = config.output / "checkpoint"
    if (config.output / "model.safetensors").exists():
        raise NetralitasError(f"{config.output}: holds a finished model; choose another output or remove it")
    tokenizer = base_tokenizer(config.base)
    run = _prepare(config, texts, tokenizer)
    rates = [group["lr"] for group in run.optimizer.param_groups]
    mark = fingerprint(config, run.machine.num_processes)
    state: dict[str, Any] = {"fingerprint": mark, "step": 0, "seconds": 0.0, "sums": {}}
    if (checkpoint / "state.json").exists():
        state = load_checkpoint(checkpoint, run.model, run.optimizer)
        if state["fingerprint"] != mark:
            raise NetralitasError(
                f"{checkpoint}: of a run with another corpus or configuration, or on another number of processes; "
                "remove it to start anew"
            )
    config.output.mkdir(parents=True, exist_ok=True)
    sums, average = Counter[str](state["sums"]), float("nan")
    began = saved = time.monotonic()
    for step in range(state["step"], len(run.plan)):
        value, parts = _take_step(run, step, rates)
        average = value if np.isnan(average) else 0.95 * average + 0.05 * value
        sums.update(parts)
        now = {"fingerprint": mark, "step": step + 1, "seconds": state["seconds"] + time.monotonic() - began}
        if run.plan[step].last:
            if run.machine.is_main_process:
                _log_epoch(config.output, run.plan[step], now["seconds"], sums)
            sums.clear()
        if run.machine.is_main_process:
            if run.plan[step].last or checkpoint_due(saved):
                save_checkpoint(checkpoint, run.model, run.optimizer, now | {"sums": sums})
                saved = time.monotonic()
            if progress:
                progress(step + 1, len(run.plan), average)
    if run.machine.is_main_process:
        seconds = state["seconds"] + time.monotonic() - began
        facts = _provenance(config, commit, texts, seconds) | {"hardware": hardware(run.machine)}
        _finish(config, run.model.cpu(), tokenizer, facts)
    run.machine.wait_for_everyone()
    run.machine.end_training()
    return config.output


def _log_epoch(output: Path, last: Step, seconds: float, sums: Mapping[str, float]) -> None:
    means = {name: round(total / last.number, 4) for name, total in sums.items()}
    with (output / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps({"epoch": last.epoch, "seconds": round(seconds), **means}) + "\n")


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
