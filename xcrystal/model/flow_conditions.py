"""What the conditional prior is told of crystals: properties, elements, symmetry, each known or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ELEMENTS = 95  # index by atomic number
# how often a part of a condition is hidden in training, and all of it
_HIDDEN_PROPERTY, _HIDDEN_GROUP, _HIDDEN_SYSTEM, _HIDDEN_SOURCE, _HIDDEN_ALL = 0.4, 0.6, 0.4, 0.1, 0.1


@dataclass(frozen=True, eq=False)
class Conditions:
    """What is known or wanted of B crystals.

    Attributes
    ----------
    properties
        (B, 3) float32 formation energy (eV/atom), band gap (eV) and energy above hull (eV/atom); NaN where unknown.
    elements
        (B, 95) int8 by atomic number: 1 present, -1 absent, 0 unknown.
    group
        (B,) int64 space group number; 0 where unknown.
    system
        (B,) int64 crystal system, 0 (triclinic) to 6 (cubic); -1 where unknown.
    source
        (B,) int8: 1 of the training data themselves, -1 of what was added to them, 0 unknown.
    """

    properties: np.ndarray
    elements: np.ndarray
    group: np.ndarray
    system: np.ndarray
    source: np.ndarray

    def __len__(self) -> int:
        return len(self.group)

    def rows(self, rows: np.ndarray) -> Conditions:
        """The conditions of some rows (n,)."""
        return Conditions(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def hidden(self, rng: np.random.Generator) -> Conditions:
        """With parts hidden at random: of the elements any number, of the rest each by its own."""
        count, none = len(self), rng.random(len(self)) < _HIDDEN_ALL

        def away(share: float) -> np.ndarray:
            return (rng.random(count) < share) | none

        properties = self.properties.copy()
        for k in range(properties.shape[1]):
            properties[away(_HIDDEN_PROPERTY), k] = np.nan
        # of the present elements some and of the absent ones some; a third of the time none of a kind, or all
        shares = np.clip(rng.uniform(-0.5, 1.5, (count, 2)), 0, 1)
        shares[none] = 0
        seen = rng.random(self.elements.shape) < np.where(self.elements > 0, shares[:, :1], shares[:, 1:])
        return Conditions(
            properties,
            np.where(seen, self.elements, 0).astype(np.int8),
            np.where(away(_HIDDEN_GROUP), 0, self.group),
            np.where(away(_HIDDEN_SYSTEM), -1, self.system),
            np.where(away(_HIDDEN_SOURCE), 0, self.source).astype(np.int8),
        )

    def nothing(self) -> Conditions:
        """As many conditions that know nothing."""
        return Conditions(
            np.full_like(self.properties, np.nan),
            np.zeros_like(self.elements),
            np.zeros_like(self.group),
            np.full_like(self.system, -1),
            np.zeros_like(self.source),
        )
