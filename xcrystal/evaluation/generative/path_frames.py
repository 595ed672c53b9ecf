"""Paths through the latent space, decoded and measured frame by frame; what is made of it: ``interpolation``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.collections.tables import PROPERTIES
from xcrystal.crystal.geometry.contacts import shortest_contact
from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.crystal.symmetry.canonical import space_group_number
from xcrystal.evaluation.generative.invariance import TOLERANCE
from xcrystal.evaluation.shared.encoding import prepare
from xcrystal.evaluation.shared.parallel import Workers
from xcrystal.latent.paths import interpolate

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
    from xcrystal.generator import CrystalModel


@dataclass(frozen=True)
class Frames:
    """What the decoded structures of one path are.

    Attributes
    ----------
    contacts
        (S,) shortest contact of each frame by the sum of its covalent radii.
    formulas, space_groups
        Reduced formula and space group number of each frame.
    alike
        (S - 1,) whether a frame matches the next.
    crystals
        Each frame in canonical form; None if it cannot be encoded.
    """

    contacts: np.ndarray
    formulas: tuple[str, ...]
    space_groups: np.ndarray
    alike: np.ndarray
    crystals: tuple[WyckoffCrystal | None, ...]


@dataclass(frozen=True)
class Paths:
    """P paths of S frames through a latent space, and what was measured on them.

    Attributes
    ----------
    kind
        "linear", "spherical" or "flow".
    z
        (P, S, latent_dim) the frames.
    structures
        P lists of S decoded structures.
    chosen
        (P, S) whether another than the most probable crystal was taken; see ``xcrystal.model.choosing``.
    contacts, space_groups, formulas
        (P, S); see ``Frames``.
    alike
        (P, S - 1) whether a frame matches the next.
    energies, energies_again
        (P, S) predicted formation energies, eV/atom: of the frames, and of the codes of their decoded structures (NaN
        where these cannot be encoded).
    detours
        (P, S) distance of those codes from the frames, by the distance between the ends; NaN where that is none.
    """

    kind: str
    z: np.ndarray
    structures: list[list[Structure]]
    chosen: np.ndarray
    contacts: np.ndarray
    space_groups: np.ndarray
    formulas: np.ndarray
    alike: np.ndarray
    energies: np.ndarray
    energies_again: np.ndarray
    detours: np.ndarray


def measure_paths(
    model: CrystalModel,
    starts: np.ndarray,
    ends: np.ndarray,
    steps: int = 16,
    kind: str = "linear",
    workers: Workers | None = None,
    effort: str = "normal",
) -> Paths:
    """Decode paths between latent vectors and measure their frames.

    Parameters
    ----------
    starts, ends
        (P, latent_dim) each.
    steps, kind
        As for ``xcrystal.latent.paths.interpolate``.
    workers
        Those that look at structures; without, this process does.
    effort
        As for ``CrystalModel.decode``.
    """
    from xcrystal.model.choosing import MOST_PROBABLE

    z = interpolate(np.atleast_2d(starts), np.atleast_2d(ends), steps, kind, model.prior)
    decoded = model.decode(z.reshape(-1, z.shape[-1]), effort)
    structures = [decoded[i : i + steps] for i in range(0, len(decoded), steps)]
    looked_at = (workers or Workers()).map(path_frames, structures, f"{kind} paths")
    crystals = [crystal for path in looked_at for crystal in path.crystals]
    there = np.array([crystal is not None for crystal in crystals], dtype=bool)
    again = np.full((len(crystals), z.shape[-1]), np.nan)
    again[there] = model.encode_canonical([crystal for crystal in crystals if crystal is not None])
    energies_again = np.full(len(crystals), np.nan)
    energies_again[there] = _energies(model, again[there])
    lengths = np.linalg.norm(z[:, -1] - z[:, 0], axis=-1)[:, None]
    one = lengths <= TOLERANCE * np.linalg.norm(z[:, 0], axis=-1)[:, None]  # a path from a crystal to itself
    apart = np.linalg.norm(again.reshape(z.shape) - z, axis=-1)
    return Paths(
        kind=kind,
        z=z,
        structures=structures,
        chosen=np.array([[s.properties["chosen"] != MOST_PROBABLE for s in path] for path in structures], dtype=bool),
        contacts=np.array([path.contacts for path in looked_at]),
        space_groups=np.array([path.space_groups for path in looked_at]),
        formulas=np.array([path.formulas for path in looked_at]),
        alike=np.array([path.alike for path in looked_at]),
        energies=_energies(model, z.reshape(-1, z.shape[-1])).reshape(-1, steps),
        energies_again=energies_again.reshape(-1, steps),
        detours=np.divide(apart, lengths, out=np.full_like(apart, np.nan), where=~one),
    )


def path_frames(structures: Sequence[Structure]) -> Frames:
    """Look at the decoded structures of one path."""
    contacts = [
        shortest_contact(s.lattice.matrix, s.frac_coords, np.array([site.specie.Z for site in s])).ratio
        for s in structures
    ]
    found = [prepare(s) for s in structures]
    crystals = tuple(None if isinstance(pair, str) else pair[1] for pair in found)
    groups = [
        space_group_number(structure) if crystal is None else crystal.space_group
        for structure, crystal in zip(structures, crystals, strict=True)
    ]
    return Frames(
        np.array(contacts),
        tuple(s.composition.reduced_formula for s in structures),
        np.array(groups),
        np.array([match_rms(one, other) is not None for one, other in pairwise(structures)], dtype=bool),
        crystals,
    )


def _energies(model: CrystalModel, z: np.ndarray) -> np.ndarray:
    """(n,) predicted formation energies, NaN from a model that learned none."""
    return model.predict(z).get(PROPERTIES[0], np.full(len(z), np.nan))
