"""Pins: crystals that are kept at hand, to go back to, to compare, and to walk between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xcrystal.errors import TargetError, XCrystalError
from xcrystal.explorer.session.interpolation import Travelling
from xcrystal.explorer.session.state import MOST_PINS

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.explorer.session.state import Point


class Pinning(Travelling):
    """Acts on pinned crystals, which are numbered from 0 in their order.

    Attributes
    ----------
    front
        Name of the part of the explorer that was last asked to come to the front; a view hears of it as "front".
    """

    front: str = ""

    def pin(self) -> bool:
        """Pin the crystal that is shown; of one that was loaded, what the model makes of it.

        Returns
        -------
        bool
            Whether it is pinned now; if not, ``message`` says why. It is never pinned twice.
        """
        with self._lock:
            if not self.at_rest:
                self.settle()  # what was decoded quickly is decoded with care before it is kept
            loaded = self.shown_loaded
            if loaded is not None and loaded.z is None:
                self.report(f"{loaded.name} cannot be pinned: it has no place in latent space. {loaded.reason}")
                return False
            point, pins = self._careful(self.state.point), self.state.pins
            if any(_same(point, pin) for pin in pins):
                self.report(f"{_formula(point)} is already pinned.")
                return True
            if len(pins) >= MOST_PINS:
                self.report(f"At most {MOST_PINS} crystals can be pinned: unpin one first.")
                return False
            self._commit(f"pinned {_formula(point)}", pins=(*pins, point))
            return True

    def unpin(self, number: int) -> None:
        """Take a pin away.

        Raises
        ------
        TargetError
            If there is no such pin.
        """
        with self._lock:
            gone, pins = self._pin(number), self.state.pins
            self._commit(f"unpinned {_formula(gone)}", pins=tuple(pin for pin in pins if pin is not gone))

    def move_pin(self, number: int, to: int) -> None:
        """Give a pin another place in the order; the first is 0.

        Raises
        ------
        TargetError
            If there is no such pin.
        """
        with self._lock:
            moved = self._pin(number)
            others = [pin for pin in self.state.pins if pin is not moved]
            others.insert(max(0, min(int(to), len(others))), moved)
            if any(one is not other for one, other in zip(others, self.state.pins, strict=True)):
                self._commit(f"moved the pin of {_formula(moved)}", pins=tuple(others))

    def go_to_pin(self, number: int) -> None:
        """Go to a pinned crystal.

        Raises
        ------
        TargetError
            If there is no such pin.
        """
        with self._lock:
            point = self._pin(number)
            self._arrive_at(point, f"went to the pinned {_formula(point)}")

    def interpolate_pins(
        self, start: int | Structure, end: int | Structure, kind: str = "linear", frames: int = 16
    ) -> bool:
        """Make the path from one pin to another and go to its first frame, as one step of undo.

        Parameters
        ----------
        start, end
            Numbers of pins; or a crystal from elsewhere, which is encoded.
        kind, frames
            As of ``interpolate``.

        Returns
        -------
        bool
            Whether there is a path now; if not, ``message`` says why, or it was stopped.

        Raises
        ------
        TargetError
            If there is no such pin, or kind of path.
        """
        with self._lock:
            try:
                one, other = self._end_of(start), self._end_of(end)
            except TargetError:
                raise
            except XCrystalError as error:
                self.report(str(error))
                return False
            if _same(one, other):
                self.report("A path needs two different crystals.")
                return False
            if not self._travel(one, other, kind, frames, f"made a path from {_formula(one)} to {_formula(other)}"):
                return False
            self.front = "paths"
            self._emit("front")
            return True

    def _end_of(self, source: int | Structure) -> Point:
        return self._pin(source) if isinstance(source, int) else self._end_point(source)

    def _pin(self, number: int) -> Point:
        pins = self.state.pins
        if not 0 <= number < len(pins):
            raise TargetError(f"{_count(len(pins))} pinned; there is no pin {number}.")
        return pins[number]


def _same(one: Point, other: Point) -> bool:
    if one is other or not np.array_equal(one.z, other.z):
        return one is other
    a, b = one.structure, other.structure  # one vector can be decoded in several ways
    return a.species == b.species and all(
        np.allclose(x, y, atol=1e-3) for x, y in ((a.lattice.matrix, b.lattice.matrix), (a.frac_coords, b.frac_coords))
    )


def _formula(point: Point) -> str:
    return str(point.structure.composition.reduced_formula)


def _count(pins: int) -> str:
    return "1 crystal is" if pins == 1 else f"{pins} crystals are"
