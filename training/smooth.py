"""Make a model fit for int8: move outliers of activations into the weights (SmoothQuant, Xiao et al. 2023, eq. 4).

A few dimensions of a feed-forward layer's input are ten to a hundred times the others; quantised with one scale for
all, these cost the others their bits. Divided by a factor for each dimension, which its column of weights takes up,
the layer gives the same in fp32 and loses less in int8.
"""

import copy
from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn

from training.model import NeutralityModel

STRENGTH: Final = 0.8
"""How much of the spread goes into the weights (α); of 0.5, 0.7, 0.75, 0.8 and 0.9 the nearest to fp32 on dev."""
_SMALLEST: Final = 1e-5


class SmoothedLinear(nn.Module):
    """A linear layer whose input is divided by ``scale`` [in] and whose weights are multiplied by it."""

    inverse: Tensor

    def __init__(self, linear: nn.Linear, scale: Tensor) -> None:
        super().__init__()
        self.linear = copy.deepcopy(linear)
        with torch.no_grad():
            self.linear.weight.mul_(scale)
        self.register_buffer("inverse", 1 / scale)

    def forward(self, x: Tensor) -> Tensor:
        """The same as the layer it stands for."""
        out: Tensor = self.linear(x * self.inverse)
        return out


@torch.no_grad()
def smooth(model: NeutralityModel, windows: Sequence[Tensor]) -> NeutralityModel:
    """A copy of a model with its feed-forward layers smoothed by what ``windows`` [t] of token ids make of them."""
    smoothed = copy.deepcopy(model).eval()
    layers = {n: m for n, m in smoothed.encoder.named_modules() if _is_feed_forward(m)}
    largest = {name: torch.zeros(layer.in_features) for name, layer in layers.items()}

    def watch(name: str) -> Any:
        def look(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            values = inputs[0].abs().flatten(0, -2).amax(0)
            largest[name] = torch.maximum(largest[name], values.float())

        return layers[name].register_forward_pre_hook(look)

    hooks = [watch(name) for name in layers]
    for ids in windows:
        smoothed(ids[None], torch.ones_like(ids[None]))
    for hook in hooks:
        hook.remove()
    for name, layer in layers.items():
        weights = layer.weight.abs().amax(0).clamp(min=_SMALLEST)
        scale = largest[name].clamp(min=_SMALLEST) ** STRENGTH / weights ** (1 - STRENGTH)
        parent, _, last = name.rpartition(".")
        # The median, so that most dimensions stay about what they were.
        setattr(smoothed.encoder.get_submodule(parent), last, SmoothedLinear(layer, scale / scale.median()))
    return smoothed


def _is_feed_forward(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear) and module.in_features != module.out_features
