"""Ordered approximants of a disordered crystal that was loaded, laid over the map as a user's own crystals are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from xcrystal.crystal.symmetry.canonical import space_group_number
from xcrystal.disorder.approximants import Approximants, spread_of
from xcrystal.disorder.approximants import approximants as ordered_cells
from xcrystal.errors import XCrystalError
from xcrystal.explorer import words
from xcrystal.explorer.session.commands import MakeApproximants, PlainCrystal
from xcrystal.explorer.session.own_crystals import OwnCrystals
from xcrystal.explorer.session.points import Points
from xcrystal.explorer.session.state import Own
from xcrystal.explorer.session.store import Store

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.explorer.session.records import Loaded

COUNT = 10
MOST = 50  # that may be asked for
_TOLERANCES = (0.005, 0.05)  # of an occupancy; the larger one if no cell that keeps to the smaller can be encoded


@dataclass(frozen=True, eq=False)
class Listed:
    """An ordered approximant on the map.

    Attributes
    ----------
    number
        Its place among a user's own crystals, from 0.
    own
        It.
    space_group
        Number; 0 if none is found.
    predicted
        Property name to value, at its latent vector.
    """

    number: int
    own: Own
    space_group: int
    predicted: dict[str, float]


class OrderedApproximants:
    """Makes, lists and shows ordered cells that stand for the disordered crystal that was loaded."""

    def __init__(self, store: Store, points: Points, own_crystals: OwnCrystals) -> None:
        self._store, self._points, self._own_crystals = store, points, own_crystals
        self._facts: WeakKeyDictionary[Own, tuple[int, dict[str, float]]] = WeakKeyDictionary()

    @property
    def disordered(self) -> Loaded | None:
        """The crystal that is shown, if it was loaded and is disordered; None otherwise."""
        loaded = self._store.state.loaded_shown
        return loaded if loaded is not None and loaded.reason and not loaded.structure.is_ordered else None

    def make(self, count: int = COUNT, seed: int = 0, *, structure: Structure | None = None) -> None:
        """Lay ordered approximants of a disordered crystal over the map, in place of own crystals there.

        Parameters
        ----------
        count
            The most that are made, the most random first; those that cannot be encoded are left out.
        seed
            Of the sample, where there are too many arrangements to look at all.
        structure
            The disordered crystal; by default the one that was loaded.
        """
        with self._store.lock:
            loaded = self.disordered
            disordered = structure if structure is not None else None if loaded is None else loaded.structure
            if disordered is None:
                self._store.report("Load a disordered crystal first: ordered approximants stand for its shared sites.")
                return
            if not self._store.allow(self._points.model.lacks("encode")):
                return
            known = loaded is not None and structure is None
            name = loaded.name if loaded is not None and known else words.formula_of(disordered)
            count = max(1, min(int(count), MOST))
            command = MakeApproximants(count, int(seed), structure=PlainCrystal.of(disordered), name=name)
            try:
                own, said = self._made(disordered, command)
            except XCrystalError as error:
                self._store.report(str(error))
                return
            if own:
                self._store.commit(command, own=tuple(own))
            if said:
                self._store.report(said)

    def _made(self, disordered: Structure, command: MakeApproximants) -> tuple[list[Own], str]:
        """Those that can be encoded, and in a sentence what else there is to say."""
        own: list[Own] = []
        failed: list[str] = []
        error = 0.0
        with self._store.working(command, command.count) as tick:
            for tolerance in _TOLERANCES:
                cells = self._cells(disordered, command, tolerance)
                error, failed = cells.composition_error, []
                for cell in cells:
                    if self._store.stopped:
                        break
                    named = [(f"{command.name}, ordering {len(own) + 1}", cell.structure)]
                    found, reasons, _ = self._own_crystals.encoded(named, lambda _: True)
                    own += [replace(one, of=command.name, weight=cell.weight, made=command) for one in found]
                    failed += reasons
                    tick("", len(found))
                if own or self._store.stopped:
                    break
        if not own:
            if self._store.stopped:
                return own, "No ordered approximant was made: it was stopped."
            reason = f": {failed[0].removeprefix(f'{command.name}, ordering 1 (').removesuffix(')')}" if failed else ""
            return own, f"No ordered approximant of {command.name} can be encoded{reason}."
        said = []
        if failed:
            said.append(f"{len(failed)} more ordered approximants cannot be encoded, and are left out.")
        if error > _TOLERANCES[0]:
            said.append(f"Occupancies are off by up to {error:.3f}, so that cells are small enough to be encoded.")
        if self._store.stopped:
            said.append("It was stopped early.")
            own = [replace(one, made=None) for one in own]  # asked for as many, it would look at other supercells
        return own, " ".join(said)

    def _cells(self, structure: Structure, command: MakeApproximants, tolerance: float) -> Approximants:
        return ordered_cells(
            structure,
            command.count,
            self._points.model.max_atoms,
            tolerance=tolerance,
            model=None,
            seed=command.seed,
            should_stop=lambda: self._store.stopped,
        )

    @property
    def listed(self) -> list[Listed]:
        """The ordered approximants that are on the map."""
        found = [(number, own) for number, own in enumerate(self._store.state.own) if own.of]
        new = [own for _, own in found if own not in self._facts]
        if new:
            model = self._points.model
            predicted = model.predict(np.stack([own.z for own in new])) if model.properties else {}
            for k, own in enumerate(new):
                values = {name: float(of[k]) for name, of in predicted.items()}
                self._facts[own] = space_group_number(own.structure), values
        return [Listed(number, own, *self._facts[own]) for number, own in found]

    @property
    def coverage(self) -> float:
        """Share of the arrangements in cells of their size that those on the map stand for."""
        return sum(one.own.weight for one in self.listed)

    def spread(self, weighted: bool = False) -> dict[str, tuple[float, float]]:
        """Mean and standard deviation of each predicted property over those on the map.

        Parameters
        ----------
        weighted
            Whether each counts by how many arrangements symmetry makes equal to it; otherwise each counts once.
        """
        listed = self.listed
        weights = [one.own.weight if weighted else 1.0 for one in listed]
        return spread_of([one.predicted for one in listed], weights)
