"""Crystals that a session holds beside the current one: the one that was loaded, neighbours, and what may make a
measured pattern.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from pymatgen.core import Structure

    from xcrystal.diffraction.identification import Match
    from xcrystal.explorer.session.commands import IdentifyPattern


@dataclass(frozen=True, eq=False)
class Loaded:
    """A crystal that a user brought.

    Attributes
    ----------
    name
        File name or formula; comes from outside, so escape it.
    structure
        As it was read.
    space_group
        Number of its own group (of an enantiomorphic pair it may be the higher one, while the model knows the lower),
        or None if none was found or the cell is too large to look for it.
    z
        (latent_dim,) its latent vector, or None if it cannot be encoded.
    position
        (x, y) UMAP coordinates, or None if it cannot be encoded.
    predicted
        Property name to value, at its own latent vector; None if it cannot be encoded.
    rms
        Of the match with its reconstruction, in units of (V / N)^(1/3); None without a match.
    reason
        Why it cannot be encoded; empty if it can.
    mirrored
        Whether it is chiral and its latent vector is that of its mirror image.
    caution
        Why what the model says of it is to be doubted; empty if there is no cause.
    relaxed
        Whether it was not read, but relaxed here.
    """

    name: str
    structure: Structure
    space_group: int | None
    z: np.ndarray | None = None
    position: tuple[float, float] | None = None
    predicted: dict[str, float] | None = None
    rms: float | None = None
    reason: str = ""
    mirrored: bool = False
    caution: str = ""
    relaxed: bool = False

    @property
    def caption(self) -> str:
        """What it is called beside others; to be escaped as the name."""
        return self.name if self.relaxed else f"loaded: {self.name}"


@dataclass(frozen=True, eq=False)
class PatternMatches:
    """What a search by the measured pattern found.

    Attributes
    ----------
    asked
        The act: what the search was told.
    matches
        Best first.
    positions
        (x, y) UMAP coordinates of each; None of what cannot be encoded.
    """

    asked: IdentifyPattern
    matches: tuple[Match, ...]
    positions: tuple[tuple[float, float] | None, ...]

    @property
    def told(self) -> str:
        """The formula or the elements that the search was told; may be empty."""
        return self.asked.formula or self.asked.elements


@dataclass(frozen=True)
class Neighbour:
    """An atlas crystal near the current one."""

    row: int
    material_id: str
    formula: str
    distance: float
