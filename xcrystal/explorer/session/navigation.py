"""Going somewhere: to known crystals, to a user's own, along an axis, to a place of the map, or anywhere."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.matching import match_rms
from xcrystal.crystal.reading import MAX_SEARCHED, check_structure, parse_structure, read_structure
from xcrystal.errors import (
    ReadError,
    UnsupportedCrystalError,
    UnsupportedElementWarning,
    XCrystalError,
    one_sentence,
)
from xcrystal.explorer.session.records import Loaded
from xcrystal.explorer.session.selection import Picking
from xcrystal.explorer.session.state import Point

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.crystal.canonical import Canonical
    from xcrystal.crystal.wyckoff import WyckoffCrystal

FIRST = ("mp-5986", "mp-22862")  # BaTiO3, NaCl
_FARTHEST = 100.0  # standard deviations; the decoder says nothing sensible long before
_BEYOND = 3.0  # widths of the map from its centre
_STRIDE = 0.5  # of a random step, in standard deviations of the atlas codes along each principal direction


class Going(Picking):
    """Acts that change where we are."""

    _walks = 0  # how many random steps have chosen their own seed

    def select(self, crystal: int | str) -> None:
        """Go to an atlas crystal, by row or material id, and decode its code."""
        with self._lock:
            try:
                row = self.atlas.row(crystal) if isinstance(crystal, str) else int(crystal)
                if not 0 <= row < len(self.atlas.z):
                    raise ReadError(f"The atlas has {len(self.atlas.z)} crystals; there is no row {row}.")
            except XCrystalError as error:
                self.report(str(error))
                return
            point = self._atlas_point(row)
            self._arrive_at(point, f"went to {point.material_id}")

    def load(self, source: Any) -> bool:
        """Go to a crystal of the user's: a path, a Structure, or a material id of the atlas.

        Returns
        -------
        bool
            Whether there is one to show.
        """
        with self._lock:
            if isinstance(source, str) and self._known(source):
                self.select(source)
                return True
            if isinstance(source, str) and re.fullmatch(r"(mp|mvc)-[0-9]+", source.strip()):
                self.report(f"{source.strip()} is not among the {len(self.atlas):,} crystals of the atlas.")
                return False
            try:
                structure = read_structure(source)
            except XCrystalError as error:
                self.report(str(error))
                return False
            if hasattr(source, "lattice"):
                return self._take(structure, structure.composition.reduced_formula, None)
            return self._take(structure, FilePath(source).name, str(source))

    def load_bytes(self, content: bytes, name: str) -> None:
        """Go to the crystal in an uploaded file."""
        with self._lock:
            try:
                structure = check_structure(parse_structure(bytes(content), name))
            except XCrystalError as error:
                self.report(str(error))
                return
            self._take(structure, name, None)

    def go(self, z: Any, label: str = "") -> None:
        """Go to any latent vector (latent_dim,)."""
        with self._lock:
            try:
                vector = self.model.vectors(z)[0]
            except XCrystalError as error:
                self.report(str(error))
                return
            point = self._point(vector, label or "decode of a given latent vector", (go_code(vector),))
            self._arrive_at(point, label or "went to a given latent vector")

    def move(self, axis: int | str, value: float) -> None:
        """Set one slider: the coordinate along an axis, in standard deviations of the atlas.

        Parameters
        ----------
        axis
            Name of an axis, or its number among ``axes``.
        value
            What is slow, such as an attribution, does not follow at once; ``settle`` brings it.
        """
        with self._lock:
            along = self.axis(axis)
            if not np.isfinite(value) or abs(value) > _FARTHEST:
                self.report(f"A slider goes to at most {_FARTHEST:.0f} standard deviations, not to {value}.")
                return
            z = along.move(self.z, float(value))
            line = f"session.move({along.name!r}, {float(value)!r})"
            code = self.state.point.code
            # neither an earlier place of the slider nor what was found there matters to where it is now
            for begin in ("session.search_nearer(", f"session.move({along.name!r}, "):
                if code and code[-1].startswith(begin):
                    code = code[:-1]
            label = f"moved along {along.name}, from the {self.state.base.label}"
            point = self._point(z, label, (*code, line), quick=True)
            self._commit(
                f"moved along {along.name}",
                gesture=("move", along.name),
                settle=False,
                point=point,
                shown="decoded",
            )

    def go_to_place(self, x: float, y: float, *, moving: bool = False) -> None:
        """Go to a place of the map, also where there is no crystal.

        Many latent vectors belong to a place of the map, or none: what is decoded lies near it, not on it. ``wanted``
        and the point's ``landed`` tell how far off.

        Parameters
        ----------
        x, y
            In map coordinates.
        moving
            While a hand drags: the most probable crystal is decoded, and the rest follows with ``settle``.
        """
        with self._lock:
            x, y = round(float(x), 4), round(float(y), 4)  # as the code that leads here has it
            places = self.atlas.table[["x", "y"]].to_numpy(dtype=float)
            away = np.abs(np.array([x, y]) - places.mean(axis=0)) / np.maximum(np.ptp(places, axis=0), 1e-9)
            if not (away < _BEYOND).all():  # also if one is not a number
                self.report("This place is not on the map.")
                return
            z = self.atlas.inverse.code(x, y)
            code = (f"session.go_to_place({x:.4f}, {y:.4f})",)
            point = self._point(z, f"decode at ({x:.2f}, {y:.2f}) of the map", code, quick=moving)
            point = replace(point, wanted=(x, y), landed=self._landing(point.structure))
            self._arrive_at(point, "went to a place of the map", gesture="place" if moving else None, settle=not moving)

    def surprise(self, seed: int | None = None) -> None:
        """Go to a draw from the prior; without a seed to the next one."""
        with self._lock:
            if not self.able("sample"):
                return
            seed = self._seed(seed)
            z = self.model.sample_latent(1, seed)[0]
            self._arrive_at(
                self._point(z, f"draw {seed} from the prior", (f"session.surprise(seed={seed})",)),
                "drew from the prior",
            )

    def wander(self, seed: int | None = None) -> None:
        """One random step from here, of about half a standard deviation of the atlas in all directions together."""
        with self._lock:
            seed = self._seed(seed)
            directions = self.atlas.directions
            noise = np.random.default_rng(seed).standard_normal(len(directions.scale))
            step = (_STRIDE * noise * directions.scale) @ directions.components
            z = (self.z + step).astype(np.float32)
            here = self.state.point
            origin = here.label if here.material_id or "random step" not in here.label else self.state.base.label
            point = self._point(z, f"random step from the {origin}", (*here.code, f"session.wander(seed={seed})"))
            self._commit("took a random step", point=point, shown="decoded")

    def undo_moves(self) -> None:
        """Go back to the crystal from which sliders were moved."""
        with self._lock:
            if self.moved:
                self._commit("took back what the sliders did", point=self.state.base, shown="decoded")

    def reset(self) -> None:
        """Back to the beginning, with nothing loaded, picked or made since; undo brings it all back."""
        with self._lock:
            self._commit("reset", **vars(self._history.first))

    @property
    def moved(self) -> bool:
        """Whether sliders were moved away from the crystal that ``undo_moves`` goes back to."""
        return self.state.point is not self.state.base

    # -- inside --------------------------------------------------------------------------------------------------

    def _arrive_at(self, point: Point, title: str, **options: Any) -> None:
        self._commit(title, point=point, base=point, shown="decoded", **options)

    def _atlas_point(self, row: int) -> Point:
        name = str(self.atlas.table["material_id"].iat[row])
        label = f"known crystal {name}" if self.model.lacks("decode") else f"decode of {name}"
        return self._point(self.atlas.z[row], label, (f"session.select({name!r})",), name)

    def _first_point(self) -> Point:
        """A crystal that everybody knows, or the one nearest the centre of the atlas."""
        known = [name for name in FIRST if self._known(name)]
        if known:
            return self._atlas_point(self.atlas.row(known[0]))
        centre = self.atlas.z.mean(axis=0, dtype=np.float64).astype(np.float32)
        return self._atlas_point(int(self.atlas.neighbours(centre, 1)[0][0, 0]))

    def _known(self, material_id: str) -> bool:
        try:
            self.atlas.row(material_id)
        except ReadError:
            return False
        return True

    def _seed(self, seed: int | None) -> int:
        if seed is None:
            seed, self._walks = self._walks, self._walks + 1
        return int(seed)

    def _take(self, structure: Structure, name: str, path: str | None) -> bool:
        """Encode a checked structure and go to its reconstruction; only draw it if it cannot be encoded."""
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                found = self.model.canonical(structure)
        except UnsupportedCrystalError as error:
            loaded = Loaded(name, structure, _space_group_number(structure), reason=str(error))
            self._commit(f"loaded {name}", loaded=loaded, shown="loaded")
            return True
        except XCrystalError as error:
            self.report(str(error))
            return False
        cautions = [str(w.message) for w in caught if issubclass(w.category, UnsupportedElementWarning)]
        code = structure_code(structure) if path is None else repr(path)
        point = self._reconstruction(found.crystal, name, f"session.load({code})")
        loaded = self._as_loaded(structure, found, name, point, one_sentence(" ".join(cautions)))
        self._arrive_at(point, f"loaded {name}", loaded=loaded)
        return True

    def _reconstruction(self, crystal: WyckoffCrystal, name: str, code: str) -> Point:
        return self._point(self.model.encode_canonical([crystal])[0], f"reconstruction of {name}", (code,))

    def _as_loaded(self, structure: Structure, found: Canonical, name: str, point: Point, caution: str) -> Loaded:
        return Loaded(
            name,
            structure,
            found.space_group,
            z=point.z,
            position=point.position,
            predicted=point.predicted,
            rms=match_rms(structure, point.structure),
            mirrored=found.mirrored,
            caution=caution,
        )


def go_code(z: np.ndarray) -> str:
    """A line of Python that brings a session to a latent vector (Z,), exactly."""
    return f"session.go([{', '.join(np.format_float_positional(x, trim='-') for x in z)}])"


def structure_code(structure: Structure) -> str:
    """A Structure as Python."""
    matrix, points = (np.round(rows, 6).tolist() for rows in (structure.lattice.matrix, structure.frac_coords))
    return f"Structure({matrix}, {[site.specie.symbol for site in structure]}, {points})"


def _space_group_number(structure: Structure) -> int | None:
    from xcrystal.crystal.canonical import space_group_number

    return (space_group_number(structure, handed=True) or None) if len(structure) <= MAX_SEARCHED else None
