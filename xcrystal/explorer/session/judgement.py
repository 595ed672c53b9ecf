"""What is said of a crystal that takes longer than a glance: its report, and what the decoder nearly gave instead."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from xcrystal.crystal.groups import space_group
from xcrystal.errors import TargetError, UnsupportedElementWarning, XCrystalError
from xcrystal.explorer.session.selection import Picking

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.assessment.crystal_report import CrystalReport
    from xcrystal.assessment.novelty import KnownCrystals
    from xcrystal.explorer.session.state import Point, State

KINDS = ("group", "element")
LIKELY = 0.001  # what is less probable is not offered
_MOVED = "moved along "  # how titles of a slider's moves begin
_MOST = 6  # offered of each kind


@dataclass(frozen=True)
class Alternative:
    """What the decoder nearly gave instead.

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
        That the decoder gave it.
    """

    kind: str
    value: int | str
    orbit: int | None
    words: str
    probability: float


class Judging(Picking):
    """The report of the crystal, and a look at the decoder's runners-up."""

    _told: tuple[State, str] | None = None  # what the story was told of: the state before, and the title

    @cached_property
    def _reports(self) -> WeakKeyDictionary[Point, CrystalReport]:
        return WeakKeyDictionary()

    @cached_property
    def known_crystals(self) -> KnownCrystals:
        """The crystals of the atlas as the model decodes them, made as they are asked for."""
        from xcrystal.assessment.novelty import KnownCrystals

        return KnownCrystals(self.model, self.atlas)

    @property
    def judgement(self) -> CrystalReport | None:
        """The report of the decoded crystal; None while a hand moves, and until ``judge`` has made it."""
        return self._reports.get(self.state.point) if self.at_rest else None

    def judge(self) -> CrystalReport:
        """Make the report of the decoded crystal, if there is none yet."""
        from xcrystal.assessment.crystal_report import crystal_report

        with self._lock:
            point = self.state.point
            if point not in self._reports:
                self._reports[point] = crystal_report(
                    self.model, self.atlas, point.structure, point.z, self.known_crystals
                )
                self._emit("judged")
            return self._reports[point]

    def _judge(self) -> None:
        if self._views:  # somebody to show it to; a script that wants it calls ``judge``
            self.judge()

    def _tell_story(self, before: State, after: State, title: str, *, again: bool = False) -> None:
        self._told = before, title
        super()._tell_story(before, after, self._directed(before, after, title), again=again)

    def _directed(self, before: State, after: State, title: str) -> str:
        """The title of a slider's move, with which way it went, and how far."""
        name = title.removeprefix(_MOVED)
        if name == title:
            return title
        try:
            axis = self.axis(name)
        except TargetError:
            return title
        here, there = (float(axis.coordinates(state.point.z)[0]) for state in (before, after))
        if axis.family == "property":
            return f"{'towards' if there >= here else 'away from'} {name}"
        return f"{title} by {there - here:+.1f}".replace("-", "−")

    def _refine(self) -> bool:
        other = super()._refine()
        if other and self._told is not None:  # the story told of the crystal that was decoded quickly
            before, title = self._told
            self._tell_story(before, self.state, title, again=True)
        return other

    # -- runners-up

    def alternatives(self) -> list[Alternative]:
        """What the decoder nearly gave instead: space groups, then elements, the most probable first."""
        structure = self.structure
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

        The alternative is encoded, and what is shown is the decode of its code, as of any other crystal.

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
        self._one_of(kind, KINDS, "kind of alternative")
        if kind == "group" and not self.able("runners_up"):
            return
        with self._lock:
            self.settle()
            structure, words = self._alternative(kind, value, orbit)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", UnsupportedElementWarning)  # the facts tell how probable it is
                    z = self.model.encode(structure)[0]
            except XCrystalError as error:
                self.report(f"It cannot be shown {words}: {error}")
                return
            line = f"session.show_alternative({kind!r}, {value!r}" + ("" if orbit is None else f", {orbit}") + ")"
            point = self._point(z, f"{self.label}, but {words}", (*self.state.point.code, line))
            self._commit(f"looked at it {words}", point=point, base=point, shown="decoded")
            missed = self._missed(kind, structure)
            if missed:
                self.report(f"Encoded and decoded again, it is not {words}: {missed}.")

    def _alternative(self, kind: str, value: int | str, orbit: int | None) -> tuple[Structure, str]:
        from pymatgen.core import Element

        if kind == "group":
            try:
                return self.model.decode(self.z, group=int(value))[0], f"in space group {int(value)}"
            except (XCrystalError, TypeError, ValueError) as error:
                raise TargetError(f"There is no space group {str(value)[:20]!r}.") from error
        orbits = self.structure.site_properties["orbit"]
        if not isinstance(value, str) or not Element.is_valid_symbol(value):
            raise TargetError(f"There is no element {str(value)[:20]!r}.")
        if orbit not in orbits:
            raise TargetError(f"There is no orbit {orbit}; there are 0 to {max(orbits)}.")
        structure = self.structure.copy()
        for site, own in enumerate(orbits):
            if own == orbit:
                structure[site] = value
        where = self.structure.site_properties["wyckoff"][orbits.index(orbit)]
        return structure, f"with {value} on {where}"

    def _missed(self, kind: str, wanted: Structure) -> str:
        """What the crystal has instead of what was asked for; empty if it has that."""
        found = self.structure
        if kind == "group" and found.properties["space_group"] != wanted.properties["space_group"]:
            return f"it is in space group {found.properties['space_group']}"
        formula = found.composition.reduced_formula
        return "" if formula == wanted.composition.reduced_formula else f"it is {formula}"
