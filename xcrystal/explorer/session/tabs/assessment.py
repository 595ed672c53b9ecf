"""What takes longer to say of a crystal: its report, and what the decoder nearly decoded instead."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from xcrystal.crystal.symmetry.groups import space_group
from xcrystal.errors import TargetError, UnsupportedElementWarning, XCrystalError, check_one_of
from xcrystal.explorer.session.commands import ShowAlternative
from xcrystal.explorer.session.navigation import Navigation
from xcrystal.explorer.session.points import Points
from xcrystal.explorer.session.store import Store

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.assessment.crystal_report import CrystalReport
    from xcrystal.assessment.novelty import KnownCrystals
    from xcrystal.explorer.session.state import Point

KINDS = ("group", "element")
LIKELY = 0.001  # what is less probable is not offered
_MOST = 6  # offered of each kind


@dataclass(frozen=True)
class Alternative:
    """What the decoder nearly decoded instead.

    Attributes
    ----------
    kind
        "group" (another space group) or "element" (another element on one orbit).
    value
        Number of the space group, or symbol of the element.
    orbit
        Number of the orbit; None for a space group.
    words
        "P4mm (99)", or "F instead of O on 4a".
    probability
        That the decoder gives it.
    """

    kind: str
    value: int | str
    orbit: int | None
    words: str
    probability: float


class Assessment:
    """The report of the crystal, and the decoder's runners-up."""

    def __init__(self, store: Store, points: Points, navigation: Navigation) -> None:
        self._store, self._points, self._navigation = store, points, navigation
        self._reports: WeakKeyDictionary[Point, CrystalReport] = WeakKeyDictionary()
        self.schedule: Callable[[], object] | None = None  # set by who shows reports: has ``make`` called before long

    @cached_property
    def known_crystals(self) -> KnownCrystals:
        """The crystals of the atlas as the model decodes them, made as they are asked for."""
        from xcrystal.assessment.novelty import KnownCrystals

        return KnownCrystals(self._points.model, self._points.atlas)

    @property
    def report(self) -> CrystalReport | None:
        """The report of the decoded crystal; None during a drag, and until ``make`` has made it."""
        return self._reports.get(self._store.state.point) if self._store.idle else None

    def make(self) -> CrystalReport:
        """Make the report of the decoded crystal, if there is none yet."""
        from xcrystal.assessment.crystal_report import crystal_report

        with self._store.lock:
            point = self._store.state.point
            if point not in self._reports:
                self._reports[point] = crystal_report(
                    self._points.model, self._points.atlas, point.structure, point.z, self.known_crystals
                )
                self._store.emit("judged")
            return self._reports[point]

    def update(self) -> None:
        """Have the report made if there is somebody to show it to; a script that wants it calls ``make``."""
        if self.schedule and self.report is None:
            self.schedule()

    # -- runners-up

    def alternatives(self) -> list[Alternative]:
        """What the decoder nearly decoded instead: space groups, then elements, the most probable first."""
        structure = self._store.state.point.structure
        properties, sites = structure.properties, structure.site_properties
        groups = [
            Alternative("group", int(number), None, f"{space_group(int(number)).symbol} ({int(number)})", float(p))
            for number, p in properties.get("likely_groups", ())
            if p >= LIKELY and number != properties.get("space_group")
        ]
        elements = []
        for orbit, likely in enumerate(properties.get("likely_elements", ())):
            site = sites["orbit"].index(orbit)
            own, where = structure[site].specie.symbol, sites["wyckoff"][site]
            elements += [
                Alternative("element", symbol, orbit, f"{symbol} instead of {own} on {where}", float(p))
                for symbol, p in likely
                if p >= LIKELY and symbol != own
            ]
        elements.sort(key=lambda found: -found.probability)
        return [*groups[:_MOST], *elements[:_MOST]]

    def show_alternative(self, kind: str, value: int | str, orbit: int | None = None) -> None:
        """Go to what the present crystal would be in another space group, or with another element on one orbit.

        The alternative is encoded, and what is shown is the decode of its latent vector, as of any other crystal.

        Parameters
        ----------
        kind
            "group" or "element".
        value
            Number of a space group, or symbol of an element.
        orbit
            Whose element is exchanged; its number is the site property ``orbit``.

        Raises
        ------
        TargetError
            If there is no such kind, space group, element or orbit.
        """
        check_one_of(kind, KINDS, "kind of alternative")
        if kind == "group" and not self._store.allow(self._points.model.lacks("runners_up")):
            return
        with self._store.lock:
            self._store.reactions.settle()
            structure, words = self._alternative(kind, value, orbit)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter(
                        "ignore", UnsupportedElementWarning
                    )  # the facts panel says how probable it is
                    z = self._points.model.encode(structure)[0]
            except XCrystalError as error:
                self._store.report(f"It cannot be shown {words}: {error}")
                return
            here = self._store.state.point
            command = ShowAlternative(kind, value, orbit, words=words)
            point = self._points.at(z, command.label(here.label), (*here.commands, command))
            self._navigation.arrive(command, point)
            missed = self._missed(kind, structure)
            if missed:
                self._store.report(f"Encoded and decoded again, it is not {words}: {missed}.")

    def _alternative(self, kind: str, value: int | str, orbit: int | None) -> tuple[Structure, str]:
        from pymatgen.core import Element

        if kind == "group":
            try:
                return self._points.model.decode(self._store.state.point.z, group=int(value))[
                    0
                ], f"in space group {int(value)}"
            except (XCrystalError, TypeError, ValueError) as error:
                raise TargetError(f"There is no space group {str(value)[:20]!r}.") from error
        orbits = self._store.state.point.structure.site_properties["orbit"]
        if not isinstance(value, str) or not Element.is_valid_symbol(value):
            raise TargetError(f"There is no element {str(value)[:20]!r}.")
        if orbit not in orbits:
            raise TargetError(f"There is no orbit {orbit}; there are 0 to {max(orbits)}.")
        structure = self._store.state.point.structure.copy()
        for site, own in enumerate(orbits):
            if own == orbit:
                structure[site] = value
        where = self._store.state.point.structure.site_properties["wyckoff"][orbits.index(orbit)]
        return structure, f"with {value} on {where}"

    def _missed(self, kind: str, wanted: Structure) -> str:
        """What the crystal has instead of what was asked for; empty if it has that."""
        found = self._store.state.point.structure
        if kind == "group" and found.properties["space_group"] != wanted.properties["space_group"]:
            return f"it is in space group {found.properties['space_group']}"
        formula = found.composition.reduced_formula
        return "" if formula == wanted.composition.reduced_formula else f"it is {formula}"
