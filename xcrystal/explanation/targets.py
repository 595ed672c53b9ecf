"""What can be explained. Every target is a number that follows from the latent vector, so one way explains them all."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.collections.tables import PROPERTIES, UNITS
from xcrystal.crystal.elements import symbol
from xcrystal.errors import DatasetError, TargetError

if TYPE_CHECKING:
    from torch import Tensor

    from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas
    from xcrystal.latent.axes import Axis

_FEWEST = 50  # latent vectors that a density is estimated from
_HELD_OUT = 250
_OF_CRYSTAL = re.compile(r"space group|element of orbit\s+\d{1,6}")
_NUMBERED = re.compile(r"(latent|space group|element of orbit)\s+(\d{1,6})")


@dataclass(frozen=True, eq=False)
class Target:
    """A number to explain.

    Attributes
    ----------
    name
        What it is.
    unit
        Its unit, "" if it has none.
    of
        Latent vectors (B, Z) to the target (B,); torch, differentiable.
    """

    name: str
    unit: str
    of: Callable[[Tensor], Tensor]


def of_one_crystal(target: str | Target) -> bool:
    """Whether a name means something else for each crystal: its own space group, the element of one of its orbits."""
    return isinstance(target, str) and _OF_CRYSTAL.fullmatch(target) is not None


def target_of(
    model: CrystalModel,
    target: str | Target,
    crystal: WyckoffCrystal | None = None,
    atlas: Atlas | None = None,
) -> Target:
    """The target of a name.

    Parameters
    ----------
    model
        The model to explain.
    target
        One of the properties that the model predicts; "latent 17", one number of z; "space group", the log-odds
        that the decoder gives the crystal's own space group, or "space group 221" that of another; "element of orbit
        1", the log-odds of this element when the decoder is led through the crystal (orbits count from 1 in
        their canonical order, which is that of ``Attribution.names`` at level "orbits"); "density", the log-density of
        z among the latent vectors of the atlas. A ``Target`` is returned as it is.
    crystal
        That is explained, in canonical form; "space group" and "element of orbit 1" need it.
    atlas
        Whose density it is; by default that of the model's name.

    Raises
    ------
    TargetError
        If there is no such target.
    """
    if isinstance(target, Target):
        return target
    if target in model.properties:
        return property_target(model, target)
    if target == "density":
        return density_target(model, atlas)
    if target == "space group" and crystal is not None:
        return group_target(model, crystal.space_group)
    found = _NUMBERED.fullmatch(target)
    if found:
        kind, number = found[1], int(found[2])
        if kind == "latent":
            return latent_target(model, number)
        if kind == "space group":
            return group_target(model, number)
        if crystal is not None:
            return element_target(model, crystal, number)
    if target in PROPERTIES and not model.properties:
        raise TargetError(f"The model {model.name!r} has learned no properties: its training data had none.")
    if of_one_crystal(target):
        raise TargetError(f"The target {target!r} is one crystal's, and here no single crystal is explained.")
    known = ", ".join(
        [*model.properties, "latent 0", "space group", "space group 221", "element of orbit 1", "density"]
    )
    raise TargetError(f"There is no target {target!r}; there are, for instance: {known}.")


def property_target(model: CrystalModel, name: str) -> Target:
    """A predicted property."""
    column = PROPERTIES.index(name)
    return Target(name, UNITS[name], lambda z: model.network.properties(z)[:, column])


def latent_target(model: CrystalModel, number: int) -> Target:
    """One number of the latent vector."""
    if not 0 <= number < model.latent_dim:
        raise TargetError(f"There is no latent dimension {number}; they go from 0 to {model.latent_dim - 1}.")
    return Target(f"latent {number}", "", lambda z: z[:, number])


def direction_target(axis: Axis) -> Target:
    """The coordinate along an axis through latent space, in standard deviations of the atlas along it."""
    import torch

    def of(z: Tensor) -> Tensor:
        vector, mean = (torch.as_tensor(v, dtype=z.dtype, device=z.device) for v in (axis.vector, axis.mean))
        return (z - mean) @ vector / axis.scale

    return Target(axis.name, "standard deviations", of)


def distance_target(model: CrystalModel, other: Any) -> Target:
    """The distance in z to another crystal: a Structure, a file's path, or a latent vector (Z,).

    Raises
    ------
    ReadError, InvalidCrystalError, UnsupportedCrystalError
        If the other crystal cannot be encoded.
    """
    import torch

    code = np.asarray(other if isinstance(other, np.ndarray) else model.encode(other)[0], dtype=np.float32).reshape(-1)
    if code.shape != (model.latent_dim,):
        raise TargetError(f"Latent vectors of this model have {model.latent_dim} numbers, not {len(code)}.")

    def of(z: Tensor) -> Tensor:
        # the small number keeps the gradient finite where the distance is 0
        return ((z - torch.from_numpy(code).to(z)).square().sum(dim=1) + 1e-12).sqrt()

    return Target("distance", "", of)


def group_target(model: CrystalModel, number: int) -> Target:
    """Log-odds of a space group, by the decoder: log p - log(1 - p)."""
    if not 1 <= number <= 230:
        raise TargetError(f"There is no space group {number}; they are numbered from 1 to 230.")

    def of(z: Tensor) -> Tensor:
        from xcrystal.model.following import group_log_odds

        return group_log_odds(model.network, z, number)

    return Target(f"space group {number}", "nats", of)


def element_target(model: CrystalModel, crystal: WyckoffCrystal, orbit: int) -> Target:
    """Log-odds of the element of an orbit, counted from 1, by a decoder that is led through the crystal."""
    if not 1 <= orbit <= len(crystal.elements):
        raise TargetError(f"There is no orbit {orbit}; this crystal has {len(crystal.elements)}, counted from 1.")
    batch = cache(lambda: model.batch([crystal]))  # once it is needed, which it is not of a served model

    def of(z: Tensor) -> Tensor:
        from xcrystal.model.following import element_log_odds

        return element_log_odds(model.network, z, batch(), orbit - 1)

    return Target(f"{symbol(int(crystal.elements[orbit - 1]))} on orbit {orbit}", "nats", of)


def atlas_for(what: str, model: CrystalModel, atlas: Atlas | None = None) -> Atlas:
    """The atlas that is given, or else that of the model's name, for ``what`` needs one.

    Raises
    ------
    TargetError
        If there is none, or it is of another model.
    """
    from xcrystal.latent.atlas import open_atlas

    if atlas is None:
        atlas = vars(model).get("_atlas")  # kept with the model, and gone with it
    if atlas is None:
        try:
            atlas = vars(model)["_atlas"] = open_atlas(model.name)
        except DatasetError as error:
            raise TargetError(f"{what} needs an atlas, and there is none: {error}") from error
    if atlas.z.shape[1] != model.latent_dim:
        raise TargetError(f"{what} needs latent vectors of this model; {atlas!r} has not.")
    return atlas


def density_target(model: CrystalModel, atlas: Atlas | None = None) -> Target:
    """Log-density of a latent vector among the latent vectors of an atlas: a Gaussian kernel estimate.

    Its one width is the likeliest for latent vectors that are held out (Duin, IEEE Trans. Comput. C-25, 1175, 1976).

    Raises
    ------
    TargetError
        If there is no atlas, or it has too few latent vectors.
    """
    import torch

    atlas = atlas_for("The target 'density'", model, atlas).reference
    if len(atlas) < _FEWEST:
        raise TargetError(
            f"The target 'density' needs at least {_FEWEST} latent vectors of this model; {atlas!r} has not."
        )
    codes = torch.from_numpy(atlas.z)
    kept = vars(atlas)  # with the atlas, and gone with it
    width: float = kept["_kernel_width"] if "_kernel_width" in kept else _kernel_width(codes)
    kept["_kernel_width"] = width

    def of(z: Tensor) -> Tensor:
        return _log_density(z, codes.to(z), width)

    return Target("density", "nats", of)


def _log_density(z: Tensor, codes: Tensor, width: float) -> Tensor:
    # not cdist: its gradient is not defined where a latent vector is one of the latent vectors
    squared = z.square().sum(1)[:, None] + codes.square().sum(1) - 2 * z @ codes.T
    return _log_kernels(squared, width, codes.shape[1])


def _log_kernels(squared: Tensor, width: float, size: int) -> Tensor:
    """(B,) log of the mean of Gaussians of ``size`` dimensions at squared distances (B, N)."""
    import torch

    norm = size * float(np.log(width * np.sqrt(2 * np.pi))) + float(np.log(squared.shape[1]))
    return torch.logsumexp(-squared.clamp(min=0) / (2 * width**2), dim=1) - norm


def _kernel_width(codes: Tensor) -> float:
    import torch

    rows = torch.from_numpy(np.random.default_rng(0).permutation(len(codes)))
    count = min(_HELD_OUT, len(codes) // 5)
    squared = torch.cdist(codes[rows[:count]], codes[rows[count:]]).square()
    typical = float(codes.std(dim=0).square().mean().sqrt())
    widths = [typical * float(f) for f in np.geomspace(0.1, 1.5, 16)]
    return max(widths, key=lambda w: float(_log_kernels(squared, w, codes.shape[1]).mean()))
