"""What every training run shares: schedule, checkpoints, the base's tokenizer, and what a run says of its machine."""

import json
import os
import platform
import re
import resource
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AutoTokenizer

from nlp.errors import NetralitasError
from nlp.tagger import SHAPE_FILE
from nlp.window import load_tokenizer

CHECKPOINT_SECONDS = 120.0
"""Time between checkpoints; one is written at the end of each epoch, too."""

Progress = Callable[[int, int, float], None]
"""Called after each step with the step, the number of steps and the smoothed loss."""


def base_tokenizer(base: str) -> Tokenizer:
    """The fast tokenizer of a base encoder, without truncation and padding.

    Raises:
        NetralitasError: the base has none.
    """
    if (Path(base) / SHAPE_FILE).exists():
        return load_tokenizer(Path(base))
    try:
        loaded = AutoTokenizer.from_pretrained(base, use_fast=True, trust_remote_code=False)
    except (OSError, ValueError) as e:
        raise NetralitasError(f"base {base!r}: its tokenizer cannot be loaded: {e}") from e
    tokenizer: Tokenizer = loaded.backend_tokenizer
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def schedule(step: int, steps: int, warmup: float) -> float:
    """Linear warm-up, then linear decay to zero: the share of the full learning rate at a step."""
    rise = max(1, int(steps * warmup))
    return (step + 1) / rise if step < rise else max(0.0, (steps - step) / max(1, steps - rise))


def checkpoint_due(saved: float) -> bool:
    """Whether it is time for a checkpoint, the last one having been written at ``saved`` (monotonic clock)."""
    return time.monotonic() - saved > CHECKPOINT_SECONDS


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


def is_first_process() -> bool:
    """Whether this is the process that writes, of those that ``torchrun`` or ``accelerate launch`` started."""
    return os.environ.get("RANK", "0") == "0"


def hardware(machine: Accelerator) -> dict[str, Any]:
    """What a run was made on: the processor, its cores in use, processes, GPU if any, and the peak of memory."""
    processor = platform.processor() or platform.machine()
    with suppress(OSError):
        names = re.findall(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
        processor = names[0] if names else processor
    return {
        "processor": processor,
        "threads": torch.get_num_threads(),
        "processes": machine.num_processes,
        "gpu": torch.cuda.get_device_name() if machine.device.type == "cuda" else None,
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that a run's result depends on."""
    packages = ("torch", "accelerate", "transformers", "tokenizers", "datasets", "numpy")
    return {"python": platform.python_version(), **{p: version(p) for p in packages}}
