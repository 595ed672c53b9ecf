"""Pins: pinned crystals, to go back to, to compare, and to interpolate between."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.errors import TargetError, XCrystalError
from xcrystal.explorer.session.commands import Command, GoToPin, Interpolate, MovePin, Pin, Unpin
from xcrystal.explorer.session.controls import Controls
from xcrystal.explorer.session.navigation import Navigation
from xcrystal.explorer.session.points import Points
from xcrystal.explorer.session.state import MOST_PINS
from xcrystal.explorer.session.store import Store
from xcrystal.explorer.session.tabs.interpolation import Interpolation

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.explorer.session.state import Point


class Pins:
    """Acts on pinned crystals, which are numbered from 0 in their order."""

    def __init__(
        self, store: Store, points: Points, navigation: Navigation, interpolation: Interpolation, controls: Controls
    ) -> None:
        self._store, self._points, self._controls = store, points, controls
        self._navigation, self._interpolation = navigation, interpolation

    def add(self) -> bool:
        """Pin the crystal that is shown; of one that was loaded, what the model makes of it.

        Returns
        -------
        bool
            Whether it is pinned now; if not, ``message`` says why. It is never pinned twice.
        """
        with self._store.lock:
            if not self._store.idle:
                self._store.reactions.settle()  # what was decoded greedily is reranked before it is kept
            state = self._store.state
            loaded = state.loaded_shown
            if loaded is not None and loaded.z is None:
                self._store.report(f"{loaded.name} cannot be pinned: it has no latent vector. {loaded.reason}")
                return False
            point, pins = self._points.careful(self._store.state.point), self._store.state.pins
            if any(_same(point, pin) for pin in pins):
                self._store.report(f"{_formula(point)} is already pinned.")
                return True
            if len(pins) >= MOST_PINS:
                self._store.report(f"At most {MOST_PINS} crystals can be pinned: unpin one first.")
                return False
            self._store.commit(Pin(formula=_formula(point)), pins=(*pins, point))
            return True

    def remove(self, number: int) -> None:
        """Take a pin away.

        Raises
        ------
        TargetError
            If there is no such pin.
        """
        with self._store.lock:
            gone, pins = self.numbered(number), self._store.state.pins
            self._commit(Unpin(number, formula=_formula(gone)), tuple(pin for pin in pins if pin is not gone))

    def move(self, number: int, to: int) -> None:
        """Move a pin in the order; the first is 0.

        Raises
        ------
        TargetError
            If there is no such pin.
        """
        with self._store.lock:
            moved = self.numbered(number)
            others = [pin for pin in self._store.state.pins if pin is not moved]
            others.insert(max(0, min(int(to), len(others))), moved)
            if any(one is not other for one, other in zip(others, self._store.state.pins, strict=True)):
                self._commit(MovePin(number, int(to), formula=_formula(moved)), tuple(others))

    def _commit(self, command: Command, pins: tuple[Point, ...]) -> None:
        """Keep these pins; a powder pattern that is laid over is still of the same one, or of none."""
        state = self._store.state
        diffraction = state.diffraction
        of = next((pin for k, pin in enumerate(state.pins, 1) if f"pin {k}" == diffraction.second), None)
        if of is not None:
            place = next((k for k, pin in enumerate(pins, 1) if pin is of), None)
            diffraction = replace(diffraction, second="" if place is None else f"pin {place}")
        self._store.commit(command, pins=pins, diffraction=diffraction)

    def go_to(self, number: int) -> None:
        """Go to a pinned crystal.

        Raises
        ------
        TargetError
            If there is no such pin.
        """
        with self._store.lock:
            point = self.numbered(number)
            self._navigation.arrive(GoToPin(number, formula=_formula(point)), point)

    def interpolate(self, start: int | Structure, end: int | Structure, kind: str = "linear", frames: int = 16) -> bool:
        """Make the path from one pin to another and go to its first frame, as one step of undo.

        Parameters
        ----------
        start, end
            Numbers of pins; or a crystal from elsewhere, which is encoded.
        kind, frames
            As of ``Session.interpolate``.

        Returns
        -------
        bool
            Whether there is a path now; if not, ``message`` says why, or it was stopped.

        Raises
        ------
        TargetError
            If there is no such pin, or kind of path.
        """
        with self._store.lock:
            try:
                one, other = self._end_of(start), self._end_of(end)
            except TargetError:
                raise
            except XCrystalError as error:
                self._store.report(str(error))
                return False
            if _same(one, other):
                self._store.report("A path needs two different crystals.")
                return False
            command = Interpolate(kind, int(frames), formulas=(_formula(one), _formula(other)))
            if not self._interpolation.between(one, other, command):
                return False
            self._controls.bring_to_front("paths")
            return True

    def _end_of(self, source: int | Structure) -> Point:
        return self.numbered(source) if isinstance(source, int) else self._interpolation.end_point(source)

    def numbered(self, number: int) -> Point:
        """A pin by its number; raises TargetError if there is none."""
        pins = self._store.state.pins
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
