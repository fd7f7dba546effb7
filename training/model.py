"""The multi-task model: one BERT-type encoder, document heads pooled over windows, token heads.

A document's logits are linear in two poolings of its tokens: their mean, and their mean weighted by the softmax of
the evidence logits (focus). Both are sums over tokens, so windows are encoded one by one and combined afterwards
without approximation (:func:`pool_windows` here, ``nlp.encode.pool`` in numpy).
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import cast

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedModel

from nlp.errors import NetralitasError
from nlp.outputs import DOCUMENT_SIZE, TOKEN, TOKEN_SIZE
from nlp.schema import SCHEMA_VERSION
from nlp.tagger import SHAPE_FILE, read_shape

_log = logging.getLogger("netralitas")


@dataclass(frozen=True)
class WindowOutput:
    """One row a window: ``mean`` and ``focus`` document logits [w, DOCUMENT_SIZE], ``weight`` [w] log of the focus
    mass, ``length`` [w] tokens; and ``tokens`` [w, t, TOKEN_SIZE] logits."""

    mean: Tensor
    focus: Tensor
    weight: Tensor
    length: Tensor
    tokens: Tensor


@dataclass(frozen=True)
class Shape:
    """How texts are cut for a model; stored beside its weights."""

    window: int = 256
    overlap: int = 48
    schema_version: str = SCHEMA_VERSION


class NeutralityModel(nn.Module):
    """Encoder with document and token heads, over states standardised by dimension."""

    centre: Tensor
    spread: Tensor

    def __init__(self, encoder: nn.Module, hidden: int, shape: Shape, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = encoder
        self.shape = shape
        self.dropout = nn.Dropout(dropout)
        # Contrastive encoders such as e5 put all tokens close to one direction; heads learn from what differs.
        self.register_buffer("centre", torch.zeros(hidden))
        self.register_buffer("spread", torch.ones(hidden))
        self.token_head = nn.Linear(hidden, TOKEN_SIZE)
        self.mean_head = nn.Linear(hidden, DOCUMENT_SIZE)
        self.focus_head = nn.Linear(hidden, DOCUMENT_SIZE, bias=False)
        for head in (self.token_head, self.mean_head, self.focus_head):
            nn.init.normal_(head.weight, std=0.02)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> WindowOutput:
        """Encode windows: ``input_ids`` and ``attention_mask`` [w, t]."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        # The heads are small and their sums long: full precision.
        with torch.autocast(states.device.type, enabled=False):
            states = (states.float() - self.centre) / self.spread
            return self._heads(self.dropout(states), attention_mask.bool())

    @property
    def standardised(self) -> bool:
        """Whether centre and spread were set; the heads of a trained model hold for its own only."""
        return bool(self.centre.any())

    @torch.no_grad()
    def standardise(self, windows: Sequence[Tensor]) -> None:
        """Set centre and spread from the states of some windows' tokens, before training; fixed from then on."""
        self.eval()
        states = [self.encoder(input_ids=ids[None].to(self.centre.device)).last_hidden_state[0] for ids in windows]
        joined = torch.cat(states).float()
        self.centre.copy_(joined.mean(0))
        self.spread.copy_(joined.std(0).clamp(min=1e-3))

    def _heads(self, states: Tensor, mask: Tensor) -> WindowOutput:
        tokens = self.token_head(states)
        attention = tokens[..., TOKEN["evidence"].start].masked_fill(~mask, float("-inf"))
        weight = torch.logsumexp(attention, dim=1)
        focus = torch.einsum("wt,wth->wh", torch.exp(attention - weight[:, None]), states)
        length = mask.sum(1).to(states.dtype)
        mean = (states * mask[..., None]).sum(1) / length[:, None]
        return WindowOutput(self.mean_head(mean), self.focus_head(focus), weight, length, tokens)


def pool_windows(out: WindowOutput, document: Tensor, count: int) -> Tensor:
    """Combine windows' logits into those of ``count`` documents: [count, DOCUMENT_SIZE].

    ``document`` [w] holds each window's document. Mean logits are weighted by length, focus logits by mass.
    """
    zeros = out.length.new_zeros(count)
    share = out.length / zeros.index_add(0, document, out.length)[document]
    top = torch.full_like(zeros, float("-inf")).scatter_reduce(0, document, out.weight, "amax")
    mass = torch.exp(out.weight - top[document])
    mass = mass / zeros.index_add(0, document, mass)[document]
    rows = share[:, None] * out.mean + mass[:, None] * out.focus
    return rows.new_zeros(count, rows.shape[1]).index_add(0, document, rows)


def load_encoder(base: str, window: int) -> PreTrainedModel:
    """Load a pretrained encoder to be trained: a hub id or a directory of any BERT-type encoder.

    Dropout within the encoder is off: on a CPU, drawing its masks takes an eighth of a training step's time. Attention
    runs unfused: the fused kernel is slow at bf16 on CPUs (together 1,550 tokens/s against 1,140).

    Raises:
        NetralitasError: the base cannot be loaded, or its positions are fewer than the window.
    """
    try:
        config = AutoConfig.from_pretrained(base, trust_remote_code=False)
        config.attention_probs_dropout_prob = config.hidden_dropout_prob = 0.0
        encoder, loading = AutoModel.from_pretrained(
            base,
            config=config,
            trust_remote_code=False,
            weights_only=True,
            add_pooling_layer=False,
            attn_implementation="eager",
            output_loading_info=True,
        )
    except (OSError, ValueError, UnpicklingError) as e:
        raise NetralitasError(
            f"base {base!r} cannot be loaded: {e}\nGive a hub id, a directory, or run 'netralitas base build' first"
        ) from e
    if loading["missing_keys"]:
        some = ", ".join(sorted(loading["missing_keys"])[:3])
        raise NetralitasError(f"base {base!r}: its weights lack {some}; it is no whole BERT-type encoder")
    if unused := sorted({key.split(".")[0] for key in loading["unexpected_keys"]}):
        _log.warning("base %s: its heads of pretraining are not used (%s)", base, ", ".join(unused))
    if config.max_position_embeddings < window:
        raise NetralitasError(
            f"window: {window} is more than the {config.max_position_embeddings} positions of base {base!r}"
        )
    return cast(PreTrainedModel, encoder)


def from_base(base: str, shape: Shape, dropout: float, seed: int) -> NeutralityModel:
    """Put fresh heads on a pretrained encoder; of a model trained before, take the heads too, to train it further.

    Raises:
        NetralitasError: see :func:`load_encoder` and :func:`load`.
    """
    torch.manual_seed(seed)
    if (Path(base) / SHAPE_FILE).exists():
        trained = load(Path(base))
        trained.encoder.set_attn_implementation("eager")  # type: ignore[operator]
        trained.shape, trained.dropout = shape, nn.Dropout(dropout)
        return trained
    encoder = load_encoder(base, shape.window)
    return NeutralityModel(encoder, encoder.config.hidden_size, shape, dropout)


def save(model: NeutralityModel, directory: Path) -> None:
    """Write encoder configuration, all weights (one safetensors file) and the shape."""
    directory.mkdir(parents=True, exist_ok=True)
    model.encoder.config.save_pretrained(directory)  # type: ignore[operator, union-attr]
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, directory / "model.safetensors")
    (directory / SHAPE_FILE).write_text(json.dumps(asdict(model.shape), indent=1) + "\n", encoding="utf-8")


def load(directory: Path) -> NeutralityModel:
    """Load what :func:`save` wrote, in evaluation mode.

    Raises:
        NetralitasError: a file is missing, or the model was trained for another label schema.
    """
    read = read_shape(directory)
    try:
        config = AutoConfig.from_pretrained(directory, trust_remote_code=False)
        weights = load_file(directory / "model.safetensors")
    except (OSError, ValueError, TypeError) as e:
        raise NetralitasError(f"{directory}: no trained model of netralitas: {e}") from e
    encoder = AutoModel.from_config(config, add_pooling_layer=False)  # type: ignore[no-untyped-call]
    model = NeutralityModel(encoder, config.hidden_size, Shape(read.window, read.overlap))
    model.load_state_dict(weights)
    return model.eval()
