"""Where to go: to known crystals, to a user's own, along an axis, to UMAP coordinates, or anywhere."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.limits import MAX_SEARCHED
from xcrystal.crystal.reading import check_drawable, parse_structure, read_drawable
from xcrystal.errors import (
    InvalidCrystalError,
    ReadError,
    ReadingWarning,
    UnsupportedCrystalError,
    UnsupportedElementWarning,
    XCrystalError,
    one_sentence,
)
from xcrystal.explorer import words
from xcrystal.explorer.session.commands import (
    Command,
    Go,
    GoToCoordinates,
    Load,
    Move,
    PlainCrystal,
    RandomStep,
    Reset,
    Sample,
    SearchNearer,
    UndoMoves,
    as_floats,
)
from xcrystal.explorer.session.points import Points
from xcrystal.explorer.session.records import Loaded
from xcrystal.explorer.session.sliders import Sliders
from xcrystal.explorer.session.state import Point
from xcrystal.explorer.session.store import Store
from xcrystal.explorer.visitors import check_file

if TYPE_CHECKING:
    from pymatgen.core import Structure

_FARTHEST = 100.0  # standard deviations; the decoder says nothing sensible long before
_BEYOND = 3.0  # widths of the map from its centre
_STRIDE = 0.5  # of a random step, in standard deviations of the atlas along each principal direction


class Navigation:
    """Acts that change where we are."""

    def __init__(self, store: Store, points: Points, sliders: Sliders) -> None:
        self._store, self._points, self._sliders = store, points, sliders
        self._drawn = 0  # how many random steps have chosen their own seed

    def select(self, crystal: int | str) -> None:
        """Go to an atlas crystal, by row or material id, and decode its latent vector."""
        with self._store.lock:
            try:
                row = self._points.atlas.row(crystal) if isinstance(crystal, str) else int(crystal)
                if not 0 <= row < len(self._points.atlas.z):
                    raise ReadError(f"The atlas has {len(self._points.atlas.z)} crystals; there is no row {row}.")
            except XCrystalError as error:
                self._store.report(str(error))
                return
            point = self._points.of_row(row)
            self.arrive(point.commands[-1], point)

    def load(self, source: Any) -> bool:
        """Go to a crystal of the user's: a path, a Structure, or a material id of the atlas.

        Returns
        -------
        bool
            Whether there is one to show.
        """
        with self._store.lock:
            if isinstance(source, str) and self._points.known(source):
                self.select(source)
                return True
            if isinstance(source, str) and re.fullmatch(r"(mp|mvc)-[0-9]+", source.strip()):
                return self._refuse(
                    source.strip(),
                    f"{source.strip()} is not among the {len(self._points.atlas):,} crystals of the atlas.",
                )
            try:
                check_file(source)
                with warnings.catch_warnings(record=True) as said:
                    warnings.simplefilter("always")
                    structure = read_drawable(source)
            except XCrystalError as error:
                return self._refuse(_file_name(source), str(error))
            if hasattr(source, "lattice"):
                return self.take(structure, words.formula_of(structure))
            return self.take(structure, FilePath(source).name, str(source), said)

    def load_gallery(self, name: str) -> bool:
        """Go to an entry of the gallery of structure types, by its name."""
        from xcrystal.crystal.gallery.types import entries

        with self._store.lock:
            found = next((entry for entry in entries() if entry.name == name), None)
            if found is None:
                return self._refuse(name, f"The gallery has no entry {name[:60]!r}.")
            return self.take(found.structure, f"{found.formula}, {found.name}")

    def load_text(self, text: str) -> bool:
        """Go to what a text names: a crystal of the atlas, by its id, formula or words of a search; or else a file."""
        with self._store.lock:
            try:
                row = self._points.find(text)
            except ReadError as error:
                self._store.report(str(error))
                return False
            if row is None:
                return self.load(text)
            self.select(row)
            return True

    def load_bytes(self, content: bytes, name: str) -> None:
        """Go to the crystal in an uploaded file."""
        with self._store.lock:
            try:
                with warnings.catch_warnings(record=True) as said:
                    warnings.simplefilter("always")
                    structure = check_drawable(parse_structure(bytes(content), name))
            except XCrystalError as error:
                self._refuse(name, str(error))
                return
            self.take(structure, name, said=said)

    def go(self, z: Any, label: str = "") -> None:
        """Go to any latent vector (latent_dim,)."""
        with self._store.lock:
            try:
                vector = self._points.model.vectors(z)[0]
            except XCrystalError as error:
                self._store.report(str(error))
                return
            command = Go(as_floats(vector), name=label)
            self.arrive(command, self._points.at(vector, command.label(), [command]))

    def move(self, axis: int | str, value: float) -> None:
        """Set one slider: the coordinate along an axis, in standard deviations of the atlas.

        Parameters
        ----------
        axis
            Name of an axis, or its number among ``axes``.
        value
            What is slow, such as an attribution, does not follow at once; ``settle`` brings it.
        """
        with self._store.lock:
            along = self._sliders.axis(axis)
            if not np.isfinite(value) or abs(value) > _FARTHEST:
                self._store.report(f"A slider goes to at most {_FARTHEST:.0f} standard deviations, not to {value}.")
                return
            state = self._store.state
            command = Move(along.name, float(value))
            before = state.point.commands
            # neither an earlier position of the slider nor what was found there matters to where it is now
            if before and isinstance(before[-1], SearchNearer):
                before = before[:-1]
            if before and isinstance(before[-1], Move) and before[-1].axis == along.name:
                before = before[:-1]
            z = along.move(state.point.z, float(value))
            point = self._points.at(z, command.label(state.base.label), (*before, command), quick=True)
            self._store.commit(command, gesture=("move", along.name), settle=False, point=point, shown="decoded")

    def go_to_coordinates(self, x: float, y: float, *, moving: bool = False) -> None:
        """Go to UMAP coordinates, also where there is no crystal.

        Many latent vectors belong to a point of the map, or none: what is decoded lies near it, not on it. The point's
        ``wanted`` and ``landed`` tell how far off.

        Parameters
        ----------
        x, y
            UMAP coordinates.
        moving
            During a drag: the crystal is decoded greedily, and what is slow follows with ``settle``.
        """
        with self._store.lock:
            x, y = round(float(x), 4), round(float(y), 4)  # as the code that leads here has it
            placed = self._points.atlas.table[["x", "y"]].to_numpy(dtype=float)
            away = np.abs(np.array([x, y]) - placed.mean(axis=0)) / np.maximum(np.ptp(placed, axis=0), 1e-9)
            if not (away < _BEYOND).all():  # also if one is not a number
                self._store.report("This point is not on the map.")
                return
            command = GoToCoordinates(x, y)
            z = self._points.atlas.inverse.code(x, y)
            point = self._points.at(z, command.label(), [command], quick=moving)
            point = replace(point, wanted=(x, y), landed=self._points.landing(point.structure))
            self.arrive(command, point, gesture="map" if moving else None, settle=not moving)

    def sample(self, seed: int | None = None) -> None:
        """Go to a draw from the prior; without a seed to the next one."""
        with self._store.lock:
            if not self._store.allow(self._points.model.lacks("sample")):
                return
            command = Sample(seed=self._seed(seed))
            z = self._points.model.sample_latent(1, command.seed)[0]
            self.arrive(command, self._points.at(z, command.label(), [command]))

    def random_step(self, seed: int | None = None) -> None:
        """One random step from here, of about half a standard deviation of the atlas in all directions together."""
        with self._store.lock:
            command = RandomStep(seed=self._seed(seed))
            directions = self._points.atlas.directions
            noise = np.random.default_rng(command.seed).standard_normal(len(directions.scale))
            here = self._store.state.point
            z = (here.z + (_STRIDE * noise * directions.scale) @ directions.components).astype(np.float32)
            again = here.material_id is None and any(isinstance(one, RandomStep) for one in here.commands)
            origin = self._store.state.base.label if again else here.label
            point = self._points.at(z, command.label(origin), (*here.commands, command))
            self._store.commit(command, point=point, shown="decoded")

    def undo_moves(self) -> None:
        """Go back to the crystal from which sliders were moved."""
        with self._store.lock:
            if self.moved:
                self._store.commit(UndoMoves(), point=self._store.state.base, shown="decoded")

    def reset(self) -> None:
        """Go back to the beginning, with nothing loaded, selected or made since; undo brings it all back."""
        with self._store.lock:
            self._store.commit(Reset(), **vars(self._store.history.first))

    @property
    def moved(self) -> bool:
        """Whether sliders were moved away from the crystal that ``undo_moves`` goes back to."""
        return self._store.state.point is not self._store.state.base

    def arrive(
        self, command: Command, point: Point, *, gesture: Hashable | None = None, settle: bool = True, **also: object
    ) -> None:
        """Go to a point, from which sliders then move away."""
        self._store.commit(command, gesture=gesture, settle=settle, point=point, base=point, shown="decoded", **also)

    def _seed(self, seed: int | None) -> int:
        if seed is None:
            seed, self._drawn = self._drawn, self._drawn + 1
        return int(seed)

    def take(
        self,
        structure: Structure,
        name: str,
        path: str | None = None,
        said: Sequence[warnings.WarningMessage] = (),
    ) -> bool:
        """Show a structure as it was loaded, and go to its reconstruction if it can be encoded.

        ``said`` are the warnings that came with reading it, which are shown beside it.
        """
        command = Load(PlainCrystal.of(structure) if path is None else path, name=name)
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                found = self._points.model.canonical(structure)
        except (UnsupportedCrystalError, InvalidCrystalError) as error:
            self._draw_only(structure, command, str(error), _cautions(said))
            return True
        except XCrystalError as error:
            return self._refuse("", str(error))
        point = self._points.reconstruction(found, command)
        loaded = self._points.loaded(structure, found, name, point, _cautions([*said, *caught]))
        self._store.commit(command, point=point, base=point, loaded=loaded, shown="loaded")
        return True

    def _refuse(self, name: str, reason: str) -> bool:
        """Say why ``name`` is not shown; gives False."""
        self._store.refuse(reason if name in reason else f"{name[:60]} could not be read: {reason}")
        return False

    def _draw_only(self, structure: Structure, command: Load, reason: str, caution: str) -> None:
        """Show a crystal that cannot be encoded; the point of latent space stays.

        What can be encoded in its place, such as an ordered approximant of a disordered crystal, is for ``take``.
        """
        loaded = Loaded(command.name, structure, _space_group_number(structure), reason=reason, caution=caution)
        self._store.commit(command, loaded=loaded, shown="loaded")


def _file_name(source: Any) -> str:
    """Of a path; nothing for a crystal, or for the content of a file."""
    return FilePath(source).name if isinstance(source, (str, os.PathLike)) and "\n" not in str(source) else ""


def _cautions(said: Iterable[warnings.WarningMessage]) -> str:
    """Our own warnings in one line; those of libraries are left out."""
    ours = (ReadingWarning, UnsupportedElementWarning)
    return one_sentence(" ".join(str(w.message) for w in said if issubclass(w.category, ours)))


def _space_group_number(structure: Structure) -> int | None:
    from xcrystal.crystal.symmetry.canonical import space_group_number

    return (space_group_number(structure, handed=True) or None) if len(structure) <= MAX_SEARCHED else None
