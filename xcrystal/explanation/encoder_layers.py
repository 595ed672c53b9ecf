"""What the layers of an encoder hold of crystals, and what a target makes of it.

Shapes: n crystals, W width, S tokens: one of the whole crystal and one of each orbit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
    from xcrystal.explanation.targets import Target
    from xcrystal.generator import CrystalModel

_CHUNK = 128


def layer_activations(
    model: CrystalModel, crystals: Sequence[WyckoffCrystal], target: Target, layer: int
) -> tuple[np.ndarray, np.ndarray]:
    """Activations behind a block of the encoder, and gradients of a target.

    Parameters
    ----------
    model, crystals
        The model, and crystals in canonical form.
    target
        What the gradients are of.
    layer
        The block, counted from 1.

    Returns
    -------
    tuple of ndarray
        (n, W) float64 means over the tokens of a crystal, and (n, W) float64 changes of the target where all of its
        tokens are moved alike.
    """
    import torch

    block = model.network.encoder.blocks[layer - 1]
    held, changes = [], []
    for start in range(0, len(crystals), _CHUNK):
        batch = model.batch(crystals[start : start + _CHUNK])
        with torch.inference_mode(False), torch.enable_grad():
            batch = batch.to(model.device)
            shift = torch.zeros(len(batch), model.network.config.width, device=model.device, requires_grad=True)
            seen: list[Any] = []

            def moved(module: Any, given: Any, found: Any, shift: Any = shift, seen: list[Any] = seen) -> Any:
                seen.append(found[0].detach())
                return found[0] + shift[:, None], found[1]

            hook = block.register_forward_hook(moved)
            try:
                value = target.of(model.network.posterior(batch)[0]).sum()
            finally:
                hook.remove()
            (gradient,) = torch.autograd.grad(value, shift)
        present = torch.nn.functional.pad(batch.mask, (1, 0), value=True)[..., None]
        held.append(((seen[0] * present).sum(dim=1) / present.sum(dim=1)).double().cpu().numpy())
        changes.append(gradient.double().cpu().numpy())
    return np.concatenate(held), np.concatenate(changes)
