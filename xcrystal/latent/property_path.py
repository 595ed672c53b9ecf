"""A path along which a property rises and falls, of verified steps: what the slider of a property moves along.

A straight line in the direction of a property changes what is predicted at the latent vector, but seldom the crystal
that is decoded there. So the stops of this path are what steering reaches from a crystal, down and up: each is decoded
and encoded again, and its value is the property predicted at the decoded crystal's own latent vector. What a stop says
is what its crystal has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xcrystal.latent.steering import DIRECTIONS, Steering, Step, steer

if TYPE_CHECKING:
    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas

STEPS = 8  # in each direction


class PropertyPath:
    """Stops of a path, found one by one as ``extend`` is called.

    Parameters
    ----------
    model, atlas
        What decodes and predicts, and the data that stops keep near to.
    z
        (Z,) where the path begins.
    target
        One of the properties that the model predicts.
    steps
        The most in each direction.
    hold
        What stays as it is: "elements", "space_group".
    seed
        Of the random part of the search.

    Attributes
    ----------
    target
        The property.
    complete
        Whether all has been searched.

    Raises
    ------
    TargetError
        If there is no such property, or thing to hold.
    InvalidCrystalError
        If ``z`` is no latent vector, or its crystal cannot be encoded.
    """

    def __init__(
        self,
        model: CrystalModel,
        atlas: Atlas,
        z: np.ndarray,
        target: str,
        steps: int = STEPS,
        hold: frozenset[str] = frozenset(),
        seed: int = 0,
    ) -> None:
        self.target, self.complete = target, False
        lower, higher = (steer(model, atlas, z, target, direction, steps, hold, seed) for direction in DIRECTIONS)
        self._ways: tuple[Steering, Steering] = lower, higher
        self._found: tuple[list[Step], list[Step]] = [], []

    @property
    def start(self) -> Step:
        """Where it begins; its latent vector is the one that was given."""
        return self._ways[0].start

    @property
    def stops(self) -> tuple[Step, ...]:
        """All stops so far, the lowest value first; ``start`` is one of them."""
        lower, higher = self._found
        return (*reversed(lower), self.start, *higher)

    @property
    def values(self) -> np.ndarray:
        """(n,) the property at the own latent vector of each stop's decoded crystal; they rise."""
        return np.array([stop.value for stop in self.stops])

    @property
    def reasons(self) -> tuple[str, str]:
        """Why there are no lower, and no higher values; empty while they are searched."""
        lower, higher = self._ways
        return lower.reason, higher.reason

    def extend(self) -> bool:
        """Look for one more stop, in the direction that has fewer; True as long as there may be others."""
        order = sorted((0, 1), key=lambda k: len(self._found[k]))
        for k in order:
            if not self._ways[k].reason:
                step = next(self._ways[k], None)
                if step is not None:
                    self._found[k].append(step)
                break
        self.complete = all(self.reasons)
        return not self.complete

    def at(self, value: float) -> Step:
        """The stop whose value is nearest."""
        return self.stops[int(np.abs(self.values - value).argmin())]


def spread(atlas: Atlas, target: str) -> float:
    """Standard deviation of a property over known crystals, in its unit; 1 if the atlas does not know it."""
    if target not in atlas.table:
        return 1.0
    return float(np.nanstd(atlas.table[target].to_numpy(dtype=float))) or 1.0


def property_path(
    model: CrystalModel,
    atlas: Atlas,
    z: np.ndarray,
    target: str,
    steps: int = STEPS,
    hold: frozenset[str] = frozenset(),
    seed: int = 0,
) -> PropertyPath:
    """Find the complete path of a property through a latent vector (Z,); takes about 0.1 s for each stop.

    Parameters and errors as for ``PropertyPath``.

    >>> path = property_path(model, atlas, atlas.z[0], "band_gap")  # doctest: +SKIP
    >>> path.at(2.0).structure, path.at(2.0).value  # doctest: +SKIP
    """
    path = PropertyPath(model, atlas, z, target, steps, hold, seed)
    while path.extend():
        pass
    return path
