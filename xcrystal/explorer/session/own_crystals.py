"""A user's own crystals, laid over the map."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xcrystal.crystal.reading import read_structure
from xcrystal.errors import ReadingWarning, TargetError, XCrystalError, one_sentence
from xcrystal.explorer.session.commands import ClearOverlay, Overlay, PlainCrystal
from xcrystal.explorer.session.navigation import Navigation
from xcrystal.explorer.session.points import Points
from xcrystal.explorer.session.state import Own
from xcrystal.explorer.session.store import Store
from xcrystal.explorer.visitors import check_file

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal

SUFFIXES = (".cif", ".vasp", ".poscar", ".xyz", ".extxyz", ".json")
MOST = 1000  # crystals; each is a marker of its own
_TOGETHER = 32  # encoded at once
_NAMED = 3  # failures, and cautions, that are listed in full


class OwnCrystals:
    """Acts on a user's list of crystals."""

    def __init__(self, store: Store, points: Points, navigation: Navigation) -> None:
        self._store, self._points, self._navigation = store, points, navigation

    def overlay(self, sources: Any) -> None:
        """Lay crystals over the map, in place of those that lie there; undo brings these back.

        Parameters
        ----------
        sources
            A folder, a path, a Structure, or a list of paths and Structures. What cannot be read or encoded is left
            out, which ``message`` says.
        """
        with self._store.lock:
            try:
                given = _listed(sources)
            except (OSError, TypeError) as error:
                self._store.report(f"These crystals cannot be read: {error}.")
                return
            if not given:
                self._store.report("There is no crystal to lay over the map.")
                return
            named = [(_name(source, k), source) for k, source in enumerate(given[:MOST])]
            with self._store.working(Overlay(()), len(named)) as tick:
                own, failed, cautions = self.encoded(named, tick)
            if own:
                plain = tuple(PlainCrystal.of(one.structure) for one in own)
                self._store.commit(Overlay(plain), own=tuple(own))
            if len(given) > MOST:
                failed.append(f"only the first {MOST:,} of {len(given):,} were read")
            said = [f"{said}: {_shortened(of)}." for said, of in (("Left out", failed), ("Read so", cautions)) if of]
            if said:
                self._store.report(" ".join(said))

    def clear(self) -> None:
        """Take one's own crystals off the map."""
        with self._store.lock:
            if self._store.state.own:
                self._store.commit(ClearOverlay(), own=())

    def show(self, number: int) -> None:
        """Go to one of the crystals over the map, as if it were loaded; the first is 0.

        Raises
        ------
        TargetError
            If there is no such crystal.
        """
        with self._store.lock:
            if not 0 <= number < len(self._store.state.own):
                raise TargetError(
                    f"There are {len(self._store.state.own)} own crystals on the map; there is no number {number}."
                )
            own = self._store.state.own[number]
            self._navigation.take(own.structure, own.name)

    def encoded(
        self, given: list[tuple[str, Any]], tick: Callable[[str], bool]
    ) -> tuple[list[Own], list[str], list[str]]:
        """Those that can be encoded, why the others cannot, and what was said where they were read.

        Parameters
        ----------
        given
            Names and what is read.
        tick
            Called with each name; says whether to go on.
        """
        read: list[tuple[str, Structure, WyckoffCrystal]] = []
        own: list[Own] = []
        failed: list[str] = []
        cautions: list[str] = []
        for k, (name, source) in enumerate(given):
            try:
                with warnings.catch_warnings(record=True) as said:
                    warnings.simplefilter("ignore")
                    warnings.simplefilter("always", ReadingWarning)
                    check_file(source)
                    structure = read_structure(source)
                    read.append((name, structure, self._points.model.canonical(structure).crystal))
                cautions += [one_sentence(str(warning.message)).rstrip(".") for warning in said]
            except XCrystalError as error:
                failed.append(f"{name} ({one_sentence(str(error)).rstrip('.')})")
            going = tick(name)
            if len(read) == _TOGETHER or (read and (k == len(given) - 1 or not going)):
                own += self._placed(read)
                read = []
            if not going:
                failed.append(f"what comes after {name}, since it was stopped")
                break
        return own, failed, cautions

    def _placed(self, read: list[tuple[str, Structure, WyckoffCrystal]]) -> list[Own]:
        z = self._points.model.encode_canonical([crystal for _, _, crystal in read])
        positions = self._points.atlas.place(z)
        return [
            Own(name, structure, vector, (float(x), float(y)))
            for (name, structure, _), vector, (x, y) in zip(read, z, positions, strict=True)
        ]


def _shortened(said: list[str]) -> str:
    """The first of them, and how many more there are."""
    return "; ".join(said[:_NAMED]) + (f"; and {len(said) - _NAMED} more" if len(said) > _NAMED else "")


def _listed(sources: Any) -> list[Any]:
    """What is to be read, one by one; a folder gives its crystal files in the order of their names."""
    if isinstance(sources, (str, os.PathLike)):
        path = Path(sources)
        if path.is_dir():
            return sorted(found for found in path.iterdir() if _is_crystal_file(found))
        return [path]
    if hasattr(sources, "lattice"):
        return [sources]
    if not isinstance(sources, Iterable):
        raise TypeError(f"a {type(sources).__name__} is neither a folder nor a list of crystals")
    return list(sources)


def _is_crystal_file(path: Path) -> bool:
    return path.is_file() and (path.suffix.lower() in SUFFIXES or path.name.upper().startswith(("POSCAR", "CONTCAR")))


def _name(source: Any, number: int) -> str:
    if isinstance(source, (str, os.PathLike)):
        return Path(source).name
    composition = getattr(source, "composition", None)
    return str(composition.reduced_formula) if composition is not None else f"crystal {number + 1}"
