"""Crystals designed to a user's wishes, in the explorer."""

from __future__ import annotations

import math
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Event
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from xcrystal.crystal.collections.tables import PROPERTIES
from xcrystal.energetics.hull import energy_above_hull
from xcrystal.errors import RelaxationError, XCrystalError
from xcrystal.explorer.session.commands import DesignCrystals, ShowDesign
from xcrystal.explorer.session.navigation import Navigation
from xcrystal.explorer.session.points import Points, way_to
from xcrystal.explorer.session.state import Point
from xcrystal.explorer.session.store import Store
from xcrystal.generator import CrystalModel
from xcrystal.inverse_design.candidates import Candidate, Design
from xcrystal.inverse_design.design_targets import Targets, beyond, read_targets
from xcrystal.inverse_design.designing import DRAWS, Search, conditional_prior

if TYPE_CHECKING:
    from pymatgen.core import Structure

MOST_DESIGNS = 50
_PACE = 0.1  # seconds between two events
_Ends = Collection[float | None] | None


@dataclass
class RunningDesign:
    """A search that is going on: what is wanted, the share that is done, and a few words."""

    targets: Targets
    share: float = 0.0
    words: str = ""


class CrystalDesign:
    """Looks for crystals with wanted properties, elements and symmetry; they become ``state.designs``.

    Attributes
    ----------
    running
        The search that is going on, or None.
    last
        What the last search found, or None.
    design_of
        The search that found a point of ``state.designs``; none of those that came from a saved session.
    candidates
        What is known of the points of ``state.designs``; not of those that came from a saved session.
    """

    def __init__(self, store: Store, points: Points, navigation: Navigation) -> None:
        self._store, self._points, self._navigation = store, points, navigation
        self._stopping = Event()
        self.running: RunningDesign | None = None
        self.last: Design | None = None
        self.design_of: WeakKeyDictionary[Point, Design] = WeakKeyDictionary()
        self.candidates: WeakKeyDictionary[Point, Candidate] = WeakKeyDictionary()
        self._heights: WeakKeyDictionary[Point, float] = WeakKeyDictionary()

    @property
    def obstacle(self) -> str:
        """Why nothing can be designed here, in a sentence; empty if it can."""
        model = self._points.model
        if not isinstance(model, CrystalModel):
            return "Designing needs a model of xcrystal's own."
        try:
            conditional_prior(model)
        except XCrystalError as error:
            return str(error)
        return ""

    def caution(self, **wanted: Any) -> str:
        """What lies beyond the data of what is wanted, in a sentence; keywords are those of ``design``."""
        return " ".join(beyond(_targets(**wanted), self._points.atlas))

    def count(self, **wanted: Any) -> int:
        """How many known crystals have what is wanted; keywords are those of ``design``.

        Raises
        ------
        TargetError
            If it contradicts itself, or nothing is wanted.
        """
        return _targets(**wanted).count(self._points.atlas)

    def design(
        self,
        *,
        band_gap: _Ends = None,
        formation_energy_per_atom: _Ends = None,
        e_above_hull: _Ends = None,
        require: Collection[str] = (),
        exclude: Collection[str] = (),
        only: Collection[str] = (),
        space_group: int | str = 0,
        crystal_system: str = "",
        prototype: str = "",
        n_atoms: _Ends = None,
        near_shown: bool = False,
        potential: str = "",
        count: int = 12,
        seed: int = 0,
    ) -> int:
        """Look for crystals; everything else goes on meanwhile, and ``stop`` ends it with what was found.

        Parameters
        ----------
        band_gap, formation_energy_per_atom, e_above_hull
            (lowest, highest), None for an open end; eV, eV/atom, eV/atom.
        require, exclude, only
            Symbols of elements.
        space_group, crystal_system, prototype
            Of the crystals; empty for any.
        n_atoms
            (fewest, most) of the primitive cell.
        near_shown
            Look near to the crystal that is shown.
        potential
            An interatomic potential that the best are shown to, such as "chgnet".
        count
            The most candidates, up to 50.
        seed
            Of everything random.

        Returns
        -------
        int
            How many were found; if none, ``message`` says why.
        """
        if not self._store.allow(self.obstacle or ("Something is being designed already." if self.running else "")):
            return 0
        if not 1 <= int(count) <= MOST_DESIGNS:
            self._store.report(f"There are 1 to {MOST_DESIGNS} designs, not {int(count)}.")
            return 0
        try:
            targets = _targets(
                band_gap=band_gap,
                formation_energy_per_atom=formation_energy_per_atom,
                e_above_hull=e_above_hull,
                require=require,
                exclude=exclude,
                only=only,
                space_group=space_group,
                crystal_system=crystal_system,
                prototype=prototype,
                n_atoms=n_atoms,
            )
        except XCrystalError as error:
            self._store.report(str(error))
            return 0
        with self._store.lock:
            if self.running:
                self._store.report("Something is being designed already.")
                return 0
            self._stopping.clear()
            self.running = RunningDesign(targets)
            here = self._store.state.point if near_shown else None  # one may go on meanwhile
        found = None
        try:
            command = _command(targets, int(count), seed, bool(near_shown), potential)
            found = self._search(targets, command, here)
        except XCrystalError as error:
            self._store.report(str(error))
            return 0
        finally:
            if found is None:
                self.running = None
                self._store.emit("designing")
        with self._store.lock:  # nobody shall see that the search has ended and not yet what it found
            self.running = None
            self.last = found
            points = self._as_points(found, command, here)
            self.design_of.update((point, found) for point in points)
            self._store.commit(command, designs=tuple(points))
            if found.notes:
                self._store.report(" ".join(found.notes))
            elif not len(found):
                self._store.report(f"Nothing was found: {targets.words}.")
            self._store.emit("designing")
        return len(found)

    def stop(self) -> None:
        """End a search, which keeps what it has; may be called from any thread at any time."""
        self._stopping.set()

    def show(self, number: int) -> None:
        """Go to a candidate, by its number in the list, from 0."""
        with self._store.lock:
            designs = self._store.state.designs
            if not 0 <= int(number) < len(designs):
                self._store.report(f"There is no candidate {int(number)} among {len(designs)}.")
                return
            self._navigation.arrive(ShowDesign(int(number)), designs[int(number)])

    def command_of(self, point: Point) -> DesignCrystals | None:
        """The search that found a point of ``state.designs``, also in a reopened session."""
        return next((one for one in reversed(point.commands) if isinstance(one, DesignCrystals)), None)

    def in_range(self, point: Point) -> bool | None:
        """Whether the predictions for a point of ``state.designs`` lie in all ranges; None if nobody knows them."""
        command = self.command_of(point)
        if command is None:
            return None
        for name in PROPERTIES:
            low, high = getattr(command, name) or (None, None)
            value = point.predicted.get(name, math.nan)
            if not (low is None or low <= value) or not (high is None or value <= high):
                return False
        return True

    def hull_height(self, point: Point) -> float:
        """How far the predicted energy of a point lies above the hull of known crystals, eV/atom; NaN if not known."""
        if point in self.candidates:
            return self.candidates[point].hull_height
        if point not in self._heights:
            self._heights[point] = math.nan
            with suppress(RelaxationError, KeyError):  # too many elements, or energies that nobody knows
                energy = point.predicted["formation_energy_per_atom"]
                self._heights[point] = energy_above_hull(point.structure.composition, energy, self._points.atlas)
        return self._heights[point]

    # -- inside

    def _search(self, targets: Targets, command: DesignCrystals, here: Point | None) -> Design:
        seen = 0.0

        def progress(share: float, words: str) -> bool:
            nonlocal seen
            if self.running is not None:
                self.running.share, self.running.words = share, words
            if time.monotonic() - seen > _PACE:
                seen = time.monotonic()
                self._store.emit("designing")
            return not self._stopping.is_set()

        model = self._points.model
        assert isinstance(model, CrystalModel)  # or there is an obstacle
        # ``design`` would warn of what the notes say; this is a thread of its own, and filters are of the process
        near = None if here is None else np.asarray(here.z)
        search = Search(model, self._points.atlas, targets, command.seed, near=near, potential=command.potential)
        return search.run(command.count, DRAWS, progress, beyond(targets, self._points.atlas))

    def _as_points(self, found: Design, command: DesignCrystals, here: Point | None) -> list[Point]:
        if not len(found):
            return []
        shown = [ShowDesign(k, wanted=found.targets.words) for k in range(len(found))]
        structures: list[Structure] = found.structures
        before = () if here is None else way_to(here)
        points = self._points.of(
            np.asarray(found.z),
            structures,
            [one.label() for one in shown],
            [(*before, command, one) for one in shown],
        )
        # what is said of a candidate is said of the crystal itself, at its own latent vector
        points = [
            replace(point, predicted=one.predicted, intervals=one.intervals, nonzero=one.nonzero)
            for point, one in zip(points, found.candidates, strict=True)
        ]
        self.candidates.update(zip(points, found.candidates, strict=True))
        return points


def _targets(
    require: Collection[str] = (), exclude: Collection[str] = (), only: Collection[str] = (), **others: Any
) -> Targets:
    return read_targets(elements={"require": require, "exclude": exclude, "only": only}, **others)


def _command(targets: Targets, count: int, seed: int, near_shown: bool, potential: str) -> DesignCrystals:
    given = targets.arguments
    given |= {rule: tuple(symbols) for rule, symbols in given.pop("elements", {}).items()}
    return DesignCrystals(
        wanted=targets.words, count=count, seed=seed, near_shown=near_shown, potential=potential, **given
    )
