"""What a decoder says of a latent vector, as plain arrays: to be read without torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal

EFFORTS = ("fast", "normal", "thorough")
"""How long a decoder searches: see ``xcrystal.model.choosing``."""


@dataclass(frozen=True)
class Decoded:
    """One decoded crystal as plain arrays, and how sure the decoder was.

    Attributes
    ----------
    group
        Space group number; ``cell`` (6,) conventional cell in Å and degrees.
    atoms
        In the primitive cell.
    letter, element, coordinates
        (n,), (n,) and (n, 3) of its orbits.
    group_probability
        Of the space group that was taken; ``element_probability`` (n,) of each orbit's element.
    letter_probability
        Of the least certain Wyckoff position, or of the end.
    likely, likely_probability
        (n, 4) the most probable elements of each orbit, and their probabilities.
    likely_groups, likely_groups_probability
        (4,) the most probable space groups, and their probabilities.
    chosen
        "most probable", or why another candidate was taken.
    """

    group: int
    cell: np.ndarray
    atoms: int
    letter: np.ndarray
    element: np.ndarray
    coordinates: np.ndarray
    group_probability: float
    element_probability: np.ndarray
    letter_probability: float
    likely: np.ndarray
    likely_probability: np.ndarray
    likely_groups: np.ndarray
    likely_groups_probability: np.ndarray
    chosen: str = "most probable"

    @property
    def crystal(self) -> WyckoffCrystal:
        """The same as a crystal; what orders of its elements are equivalent is not looked for."""
        identity = np.arange(len(self.letter))[None]
        return WyckoffCrystal(self.group, self.cell, self.letter, self.element, self.coordinates, identity)

    @property
    def certainty(self) -> float:
        """Probability of the least certain choice of a group, letter or element."""
        return min(self.group_probability, self.letter_probability, float(self.element_probability.min(initial=1.0)))
