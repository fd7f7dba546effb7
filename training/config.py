"""A training run's configuration: one TOML file, strictly read; an unknown key is an error."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nlp.errors import NetralitasError, describe_error

Positive = Annotated[float, Field(gt=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LossWeights(_Strict):
    """Weight of each head's loss; document losses are means over classes, token losses means over tokens."""

    label: float = Field(default=1.5, ge=0)
    flags: float = Field(default=0.5, ge=0)
    forms: float = Field(default=3.0, ge=0)
    subjects: float = Field(default=1.5, ge=0)
    spans: float = Field(default=1.0, ge=0)
    regions: float = Field(default=0.5, ge=0)
    roles: float = Field(default=0.5, ge=0)
    statuses: float = Field(default=0.25, ge=0)
    evidence: float = Field(default=0.5, ge=0)


class TrainConfig(_Strict):
    """Everything a training run depends on, beside the corpus itself. Paths are relative to the working directory."""

    corpus: Path
    base: str = Field(description="hub id or directory of a BERT-type encoder, or a model trained before")
    output: Path
    seed: int = 0
    epochs: int = Field(default=8, ge=1)
    batch_tokens: int = Field(default=1024, ge=64, description="tokens a step, padding included")
    accumulate: int = Field(default=1, ge=1, description="batches whose gradients make one step")
    learning_rate: Positive = 1e-4
    head_learning_rate: Positive = 1e-3
    weight_decay: float = Field(default=0.01, ge=0)
    warmup: float = Field(default=0.1, ge=0, le=1, description="share of the steps")
    clip_norm: Positive = 1.0
    dropout: float = Field(default=0.1, ge=0, lt=1, description="on the heads' input")
    mask_tokens: float = Field(default=0.0, ge=0, lt=1, description="share of the input tokens hidden at each step")
    swap: float = Field(default=0.0, ge=0, le=1, description="share of the texts whose names are drawn anew")
    noise: float = Field(default=0.0, ge=0, le=1, description="share of the texts spoilt as feeds spoil them")
    share: float = Field(default=1.0, gt=0, le=1, description="share of the training texts, for learning curves")
    label_smoothing: float = Field(default=0.05, ge=0, lt=1)
    precision: Literal["bf16", "fp32"] = "bf16"
    window: int = Field(default=256, ge=16)
    overlap: int = Field(default=48, ge=0)
    weights: LossWeights = LossWeights()


def read_config(path: Path) -> TrainConfig:
    """Read a configuration file.

    Raises:
        NetralitasError: unreadable, not TOML, an unknown key or a bad value, each named.
    """
    try:
        return TrainConfig.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as e:
        raise NetralitasError(f"{path}: the configuration cannot be read: {e}") from e
    except tomllib.TOMLDecodeError as e:
        raise NetralitasError(f"{path}: not TOML: {e}") from e
    except ValidationError as e:
        raise NetralitasError(f"{path}: {describe_error(e)}") from e
