"""Powder diffraction: the pattern of the crystal that is shown, another one laid over it, and a search by a pattern."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.errors import ReadError, TargetError, XCrystalError, check_one_of
from xcrystal.explorer import words
from xcrystal.explorer.session.commands import IdentifyPattern, ReadPattern, RemovePattern, ShowPattern
from xcrystal.explorer.session.display import Display
from xcrystal.explorer.session.navigation import Navigation
from xcrystal.explorer.session.points import Points
from xcrystal.explorer.session.records import PatternMatches
from xcrystal.explorer.session.state import PatternView, Point
from xcrystal.explorer.session.store import Store
from xcrystal.explorer.visitors import check_file
from xcrystal.wrapping import differentiable

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.diffraction.identification import Match
    from xcrystal.diffraction.measured import MeasuredPattern
    from xcrystal.diffraction.powder import Pattern, Unit

MEASURED = "measured"
SOURCES = {
    "CuKa": "Cu Kα",
    "MoKa": "Mo Kα",
    "CoKa": "Co Kα",
    "FeKa": "Fe Kα",
    "CrKa": "Cr Kα",
    "AgKa": "Ag Kα",
    "0.5": "synchrotron",
}
WIDEST = 2.0  # degrees
MOST_MATCHES = 20
_BEGIN, _END = 5.0, 90.0  # degrees of 2θ with Cu Kα; other sources show the same spacings
_SMALLEST_D = 0.7  # Å, that a long measured pattern leads to
_STEPS = 130  # of a search with a formula: stages, and crystals whose cells are refined


class _Stopped(Exception):
    """The search is to end."""


class Diffraction:
    """Acts on powder patterns."""

    def __init__(self, store: Store, points: Points, navigation: Navigation, display: Display) -> None:
        self._store, self._points = store, points
        self._navigation, self._display = navigation, display

    @property
    def last(self) -> PatternMatches | None:
        """What the last search by the measured pattern found, or None."""
        return self._store.state.matches

    # -- patterns

    @property
    def pattern(self) -> Pattern:
        """Of the crystal that is shown: the loaded one if it is shown alone, otherwise the decode.

        Raises
        ------
        XCrystalError
            If it has none, such as one with an element whose scattering is not known.
        """
        loaded = self._display.loaded_alone
        return self._calculated(self._store.state.point.structure if loaded is None else loaded.structure)

    @property
    def second(self) -> Pattern | MeasuredPattern | None:
        """What is laid over it; None if nothing is, or what was chosen is gone.

        Raises
        ------
        XCrystalError
            As for ``pattern``.
        """
        state = self._store.state
        if state.diffraction.second == MEASURED:
            return state.measured
        found = self._structures().get(state.diffraction.second)
        return None if found is None else self._calculated(found)

    @property
    def choices(self) -> dict[str, str]:
        """What can be laid over it: names for ``show(second=...)``, and words that may come from a file."""
        found = {"": "nothing"}
        if self._store.state.measured is not None:
            found[MEASURED] = f"measured: {self._store.state.measured.name}"
        for name, structure in self._structures().items():
            found[name] = f"{name}: {words.formula_of(structure)}"
        return found

    def _structures(self) -> dict[str, Structure]:
        state = self._store.state
        found: dict[str, Structure] = {}
        if state.loaded is not None:
            found["loaded"] = state.loaded.structure
        points: dict[str, Point | None] = dict(zip("AB", state.ends, strict=True))
        points |= {f"pin {number}": pin for number, pin in enumerate(state.pins, 1)}
        return found | {name: point.structure for name, point in points.items() if point is not None}

    @property
    def limits(self) -> tuple[float, float]:
        """The range of 2θ that is shown, degrees: that of the measured pattern if it is laid over, at this source."""
        from xcrystal.diffraction.powder import angles, in_unit, to_two_theta, wavelength_of

        state = self._store.state
        wavelength = wavelength_of(state.diffraction.source)
        measured = state.measured if state.diffraction.second == MEASURED else None
        if measured is None:
            of, ends = wavelength_of("CuKa"), np.array([_BEGIN, _END])
        else:
            of, ends = measured.wavelength, measured.two_theta[[0, -1]]
        low, high = to_two_theta(in_unit(ends, of, "q"), wavelength, "q")
        high = min(high, float(angles(np.array([_SMALLEST_D]), wavelength)[0]), 179.0)
        return (float(low), float(high)) if low < high else (0.0, float(high))

    def _calculated(self, structure: Structure) -> Pattern:
        from xcrystal.diffraction.powder import Broadening, xrd
        from xcrystal.diffraction.reflections import cell_of_decode

        shown = self._store.state.diffraction
        width = Broadening(shown.fwhm, shown.size or math.inf)
        cell, unit, limits = cell_of_decode(structure), _unit(shown.unit), (0.0, self.limits[1])
        return xrd(cell, source=shown.source, broadening=width, unit=unit, limits=limits)

    # -- acts

    def show(
        self,
        *,
        source: str | float | None = None,
        unit: str | None = None,
        fwhm: float | None = None,
        size: float | None = None,
        second: str | None = None,
    ) -> None:
        """Show patterns in another way; what is not given stays as it is.

        Parameters
        ----------
        source
            A characteristic line such as "CuKa", or a wavelength in Å.
        unit
            Of the axis: "two_theta" (degrees) or "q" (1/Å).
        fwhm
            Width of the peaks that the instrument makes, degrees of 2θ, up to 2.
        size
            Of the crystallites, nm; 0 for ones so large that they do not broaden.
        second
            What is laid over the pattern: "loaded", "A", "B", "pin 1", "measured", or "" for nothing.

        Raises
        ------
        TargetError
            If there is no such source, unit, width, size or pattern.
        """
        with self._store.lock:
            before = self._store.state.diffraction
            after = PatternView(
                before.source if source is None else str(source),
                before.unit if unit is None else unit,
                before.fwhm if fwhm is None else float(fwhm),
                before.size if size is None else float(size),
                before.second if second is None else second,
            )
            check_view(after)
            if second is not None:
                check_one_of(after.second, self.choices, "pattern to lay over")
            if after != before:
                changed = {name: value for name, value in vars(after).items() if value != getattr(before, name)}
                self._store.commit(ShowPattern(**changed), diffraction=after)

    def read(self, source: str | os.PathLike[str], *, line: str | float | None = None, unit: str = "two_theta") -> bool:
        """Read a measured pattern and lay it over the calculated one.

        Parameters
        ----------
        source
            The path of a file that ``xcrystal.read_pattern`` reads.
        line
            The characteristic line or wavelength (Å) that it was measured with, if the file does not say it.
        unit
            Of the positions in columns: "two_theta" (degrees) or "q" (1/Å).

        Returns
        -------
        bool
            Whether it could be read; if not, ``message`` says why, and nothing has changed.
        """
        from xcrystal.diffraction.measured import read_pattern

        check_one_of(unit, ("two_theta", "q"), "unit")
        try:
            check_file(source)
            found = read_pattern(source, source=line, unit=_unit(unit))
        except XCrystalError as error:
            self._store.report(str(error))
            return False
        self._take_pattern(found, ReadPattern(os.fspath(source), line=line, unit=unit))
        return True

    def read_bytes(
        self, content: bytes, name: str, *, line: str | float | None = None, unit: str = "two_theta"
    ) -> bool:
        """``read`` of the content of a file that was uploaded."""
        from xcrystal.diffraction.measured import parse_pattern

        check_one_of(unit, ("two_theta", "q"), "unit")
        name = FilePath(name).name or "pattern"
        try:
            found = parse_pattern(bytes(content), name, source=line, unit=_unit(unit))
        except XCrystalError as error:
            self._store.report(str(error))
            return False
        self._take_pattern(found, ReadPattern(name, line=line, unit=unit))
        return True

    def _take_pattern(self, found: MeasuredPattern, command: ReadPattern) -> None:
        from xcrystal.diffraction.powder import wavelength_of

        line = next(
            (name for name in SOURCES if abs(wavelength_of(name) - found.wavelength) < 3e-4), None
        )  # Kα1 alone is another one
        with self._store.lock:
            shown = replace(self._store.state.diffraction, source=line or f"{found.wavelength:g}", second=MEASURED)
            self._store.commit(command, measured=found, diffraction=shown, matches=None)

    def remove(self) -> None:
        """Take the measured pattern away."""
        with self._store.lock:
            state = self._store.state
            if state.measured is not None:
                second = "" if state.diffraction.second == MEASURED else state.diffraction.second
                shown = replace(state.diffraction, second=second)
                self._store.commit(RemovePattern(), measured=None, diffraction=shown, matches=None)

    # -- which crystal makes the measured pattern

    def identify(self, elements: str = "", formula: str = "", n: int = 8) -> int:
        """Look for the crystals that explain the measured pattern best; they become ``last``, until another is read.

        Parameters
        ----------
        elements
            Symbols, such as "Na Cl": what is looked for is made of these, of all or of some of them.
        formula
            The composition: crystals in latent space that nobody has entered are looked for, too.
        n
            The most that are kept, up to 20.

        Returns
        -------
        int
            How many were found. A search that is stopped, or cannot begin, leaves ``last`` as it was; ``message``
            says why.
        """
        from xcrystal.diffraction.identification import identify

        command = IdentifyPattern(elements.strip(), formula.strip(), int(n))
        measured = self._store.state.measured
        try:
            if measured is None:
                raise ReadError("Load a measured pattern first: it is what crystals are looked for by.")
            if not 1 <= command.n <= MOST_MATCHES:
                raise TargetError(f"There are 1 to {MOST_MATCHES} matches, not {command.n}.")
            model = differentiable(self._points.model)
            with self._store.working(command, _STEPS) as tick:

                def progress(stage: str) -> None:
                    if not tick(stage):
                        raise _Stopped

                found = identify(
                    measured,
                    command.elements or None,
                    command.formula or None,
                    command.n,
                    model=model,
                    atlas=self._points.atlas,
                    progress=progress,
                )
                positions = tuple(match_position(self._points, match) for match in found)
                made = PatternMatches(command, tuple(found), positions)
                with self._store.lock:  # while it is still at work: the end of a search comes with what it found
                    if self._store.state.measured is not measured:
                        self._store.report("Another pattern was loaded meanwhile; look for crystals once more.")
                        return 0
                    self._store.commit(command, matches=made)
        except _Stopped:
            kept = "" if self.last is None else "; the matches of the search before are kept"
            self._store.report(f"The search was stopped{kept}.")
            return 0
        except XCrystalError as error:
            self._store.report(str(error))
            return 0
        if not found:
            self._store.report(f"No crystal of {made.told or 'the atlas'} was found that could make this pattern.")
        return len(found)

    def go_to_match(self, number: int) -> None:
        """Go to a match, by its number in ``last``, from 0: to an entry of the atlas, or to a proposed crystal, which
        is loaded."""
        found = () if self.last is None else self.last.matches
        with self._store.lock:
            if not 0 <= int(number) < len(found):
                self._store.report(f"There is no match {int(number)} among {len(found)}.")
                return
            match = found[int(number)]
            if match.material_id is not None:
                self._navigation.select(match.material_id)
            else:
                self._navigation.take(match.structure, match_name(match, int(number)))


def match_position(points: Points, match: Match) -> tuple[float, float] | None:
    """UMAP coordinates (x, y) of an entry of the atlas, or of a proposed crystal; None if it cannot be encoded."""
    if match.material_id is None:
        return points.landing(match.structure)
    x, y = points.atlas.inverse.places[points.atlas.row(match.material_id)]
    return float(x), float(y)


def match_name(match: Match, number: int) -> str:
    """What a proposed match is called once it is loaded; the first has number 0."""
    return f"{match.formula}, match {number + 1}"


def _unit(name: str) -> Unit:
    return "q" if name == "q" else "two_theta"


def check_view(view: PatternView) -> None:
    """Raise TargetError if patterns cannot be shown so; what is laid over them is not looked at."""
    from xcrystal.diffraction.powder import UNITS, wavelength_of

    wavelength_of(view.source)
    check_one_of(view.unit, UNITS, "unit")
    if not 0.01 <= view.fwhm <= WIDEST:
        raise TargetError(f"The width of peaks is between 0.01 and {WIDEST:g} degrees, not {view.fwhm:g}.")
    if not (view.size == 0 or 1 <= view.size <= 1e5):
        raise TargetError(f"Crystallites have 1 to 100,000 nm, or 0 for large ones, not {view.size:g}.")
