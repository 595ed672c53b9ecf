"""Picking crystals of the atlas, by a query or on the map; and the axes that sliders move along, also between picks."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from xcrystal.errors import DatasetError, ReadError, TargetError, UnsupportedElementWarning, XCrystalError
from xcrystal.explorer.session.core import Core
from xcrystal.explorer.session.state import Point, Selection
from xcrystal.latent.axes import FAMILIES, LATENTS, Axes, Axis, coordinates
from xcrystal.latent.searching import search

if TYPE_CHECKING:
    import pandas as pd

GROUPS = ("A", "B")
_LONGEST_NAME = 80


class Picking(Core):
    """Acts on selections, on the groups that are kept of them, and on axes."""

    # -- selections ----------------------------------------------------------------------------------------------

    def search(self, query: str) -> None:
        """Pick the atlas crystals that a query describes; see ``xcrystal.latent.searching.search``.

        If it describes none, or is not understood, that is said and what was picked stays.
        """
        with self._lock:
            query = " ".join(str(query).split())
            try:
                rows = search(self.atlas, query)
            except ReadError as error:
                self.report(str(error))
                return
            if len(rows) == 0:
                self.report(f"Nothing in the atlas is {query[:100]!r}.")
                return
            self._pick(rows, query)

    def select_polygon(self, points: Any, title: str = "") -> None:
        """Pick the crystals whose place on the map is inside of a polygon, (k, 2) in map coordinates, k at least 3."""
        with self._lock:
            try:
                corners = np.asarray(points, dtype=np.float64)
            except (TypeError, ValueError):
                corners = np.empty(0)
            if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3 or not np.isfinite(corners).all():
                self.report("A polygon on the map has at least three corners, each with an x and a y.")
                return
            rows = np.flatnonzero(inside(self.atlas.table[["x", "y"]].to_numpy(dtype=np.float64), corners))
            if len(rows) == 0:
                self.report("There is no crystal in this part of the map.")
                return
            self._pick(rows, title or "part of the map")

    def select_rows(self, rows: Sequence[int] | np.ndarray, title: str = "") -> None:
        """Pick crystals by their rows in the atlas."""
        with self._lock:
            try:
                wanted = self._rows(rows)
            except ReadError as error:
                self.report(str(error))
                return
            self._pick(wanted, title or "given rows")

    def clear_selection(self) -> None:
        """Pick nothing."""
        with self._lock:
            if self.state.selection is not None:
                self._commit("picked nothing", selection=None)

    @property
    def selection(self) -> Selection | None:
        """What is picked."""
        return self.state.selection

    @property
    def selected(self) -> pd.DataFrame:
        """The atlas' table of what is picked, with each crystal's ``row`` in the atlas; without rows if nothing is."""
        chosen = self.state.selection
        rows = np.zeros(0, dtype=int) if chosen is None else chosen.rows
        table = self.atlas.table.iloc[rows].reset_index(drop=True)
        table.insert(0, "row", rows)
        return table

    # -- groups and concepts -------------------------------------------------------------------------------------

    def keep_group(self, which: int) -> None:
        """Keep what is picked as group A (0) or B (1) of a direction to be made.

        Raises
        ------
        TargetError
            If there is no such group.
        """
        with self._lock:
            self._check_group(which)
            chosen = self.state.selection
            if chosen is None:
                self.report("Pick crystals first: search for them, or draw around them on the map.")
                return
            self._set_group(f"kept {chosen.title} as group {GROUPS[which]}", which, chosen)

    def drop_group(self, which: int) -> None:
        """Forget group A (0) or B (1).

        Raises
        ------
        TargetError
            If there is no such group.
        """
        with self._lock:
            self._check_group(which)
            if self.state.groups[which] is not None:
                self._set_group(f"dropped group {GROUPS[which]}", which, None)

    def make_concept(
        self, name: str | None = None, positive: Any = None, negative: Any = None, seed: int = 0
    ) -> Axis | None:
        """Make a direction from one group of crystals to another, and show it among the sliders.

        Parameters
        ----------
        name
            What it is called; by default what the groups are called.
        positive
            Crystals that the direction leads to, as rows of the atlas or as a query; by default group A, against group
            B.
        negative
            Crystals that it leads away from, without those of the other group; by default all others.
        seed
            Of the folds of cross-validation.

        Returns
        -------
        Axis or None
            None if there are too few crystals, which is then said.
        """
        with self._lock:
            try:
                if positive is None:
                    towards = self.state.groups[0] or self.state.selection
                    away = self.state.groups[1] if negative is None else self._group(negative)
                else:
                    towards, away = self._group(positive), self._group(negative)
                if towards is None:
                    raise ReadError("Pick crystals first, and keep them as group A.")
                others = "all others" if away is None else away.title
                called = self._free_name(name or f"{towards.title} against {others}")
                rows = np.zeros(0, dtype=int) if away is None else away.rows
                made = self._axes.concept(called, towards.rows, rows, seed)
            except (ReadError, DatasetError) as error:
                self.report(str(error))
                return None
            self._add_concept(made)
            return made

    def add_concept(self, name: str, vector: Any, mean: Any, scale: float, note: str = "") -> None:
        """Add a direction that was made before.

        Parameters
        ----------
        name, note
            What it is called, and how it was made.
        vector, mean
            (latent_dim,) its direction, and where its coordinate is 0.
        scale
            Length of its unit, above 0.
        """
        with self._lock:
            try:
                direction, middle = (
                    np.asarray(v, dtype=np.float64).reshape(self.model.latent_dim) for v in (vector, mean)
                )
                length, unit = float(np.linalg.norm(direction)), float(scale)
            except (TypeError, ValueError):
                length = unit = 0.0
            if not (0 < length < np.inf and 0 < unit < np.inf and np.isfinite(middle).all()):
                self.report(
                    f"A direction is {self.model.latent_dim} finite numbers that are not all 0, with a unit above 0."
                )
                return
            self._add_concept(Axis(self._free_name(str(name)), "concept", direction / length, middle, unit, str(note)))

    def remove_concept(self, name: str) -> None:
        """Forget a direction that was made from groups.

        Raises
        ------
        TargetError
            If there is no such direction.
        """
        with self._lock:
            self._one_of(name, [concept.name for concept in self.state.concepts], "direction")
            rest = tuple(concept for concept in self.state.concepts if concept.name != name)
            why = self.state.why
            if why is not None and why.target == f"along {name}":  # which then means nothing
                why = None
            self._commit(f"removed the direction {name}", concepts=rest, why=why)

    # -- axes ----------------------------------------------------------------------------------------------------

    def show_axes(self, family: str) -> None:
        """Let the sliders move along another family of axes: "principal", "latent", "property" or "concept".

        Raises
        ------
        TargetError
            If there is no such family.
        """
        with self._lock:
            self._one_of(family, FAMILIES, "family of axes")
            if family != self.state.family:
                self._commit(f"showed {family} axes", family=family)

    def show_latent(self, number: int) -> None:
        """Add the slider of one latent dimension, and show that family."""
        with self._lock:
            try:
                axis = self._axes.latent_axis(int(number))
            except (TargetError, TypeError, ValueError) as error:
                self.report(str(error))
                return
            known = self.state.latents
            if axis not in self._axes.latent[:LATENTS] and int(number) not in known:
                known = (*known, int(number))
            if (known, self.state.family) != (self.state.latents, "latent"):
                self._commit(f"showed {axis.name}", latents=known, family="latent")

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes of the family that is shown."""
        family = self.state.family
        if family == "latent":
            added = tuple(self._axes.latent_axis(number) for number in self.state.latents)
            return (*self._axes.latent[:LATENTS], *added)
        if family == "concept":
            return self.state.concepts
        return self._axes.principal if family == "principal" else self._axes.property

    @property
    def coordinates(self) -> np.ndarray:
        """(k,) coordinates of ``z`` along ``axes``, in standard deviations of the atlas."""
        return coordinates(self.axes, self.z)

    def axis(self, axis: int | str) -> Axis:
        """An axis by its number among ``axes``, or by name whatever family it is of.

        Raises
        ------
        TargetError
            If there is no such axis.
        """
        shown = self.axes
        if not isinstance(axis, str):
            if not 0 <= int(axis) < len(shown):
                raise TargetError(f"There is no axis {axis}; the sliders show {len(shown)}, and the first is 0.")
            return shown[int(axis)]
        named = axis.removeprefix("latent ")
        if named != axis and named.isdecimal():
            return self._axes.latent_axis(int(named))
        # property axes take a moment to be made, so they come last
        for family in (shown, self.state.concepts, self._axes.principal):
            found = next((one for one in family if one.name == axis), None)
            if found is not None:
                return found
        found = next((one for one in self._axes.property if one.name == axis), None)
        if found is None:
            raise TargetError(f"There is no axis {axis!r}; the sliders show: {', '.join(one.name for one in shown)}.")
        return found

    def achieved(self, point: Point) -> dict[str, float]:
        """Predicted properties of the crystal that a point decodes to, from that crystal's own code.

        The decoder does not follow every change of a latent vector, so what is predicted at the vector itself promises
        more than the crystal keeps. Empty if the crystal cannot be encoded.
        """
        found = self._achieved.get(point)
        if found is None:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", UnsupportedElementWarning)
                    predicted = self.model.predict(self.model.encode(point.structure))
                found = {name: float(values[0]) for name, values in predicted.items()}
            except XCrystalError:
                found = {}
            self._achieved[point] = found
        return found

    # -- inside --------------------------------------------------------------------------------------------------

    @cached_property
    def _axes(self) -> Axes:
        return Axes(self.atlas, self.model)

    @cached_property
    def _achieved(self) -> WeakKeyDictionary[Point, dict[str, float]]:
        return WeakKeyDictionary()

    def _pick(self, rows: np.ndarray, title: str) -> None:
        count = "1 crystal" if len(rows) == 1 else f"{len(rows):,} crystals"
        self._commit(f"picked {count}: {title}", selection=Selection(rows, title))

    def _rows(self, rows: Any) -> np.ndarray:
        """Rows of the atlas, sorted and each once; ReadError if these are none."""
        try:
            given = np.asarray(rows).reshape(-1)
            wanted = np.unique(given.astype(int)) if len(given) else np.zeros(0, dtype=int)
        except (TypeError, ValueError, OverflowError):
            raise ReadError("Rows of the atlas are whole numbers.") from None
        if given.dtype == bool or not (given == given.astype(int)).all():
            raise ReadError("Rows of the atlas are whole numbers.")
        if len(wanted) == 0:
            raise ReadError("There is no row to pick.")
        if wanted[0] < 0 or wanted[-1] >= len(self.atlas):
            raise ReadError(f"The atlas has {len(self.atlas)} crystals; rows go from 0 to {len(self.atlas) - 1}.")
        return wanted

    def _group(self, source: Any) -> Selection | None:
        """What a query, rows, a selection or None mean as a group."""
        if source is None or isinstance(source, Selection):
            return source
        if isinstance(source, str):
            return Selection(search(self.atlas, source), " ".join(source.split()))
        rows = self._rows(source)
        return Selection(rows, f"{len(rows):,} crystals")

    def _free_name(self, wanted: str) -> str:
        taken = {concept.name for concept in self.state.concepts}
        taken |= {axis.name for axis in (*self._axes.principal, *self._axes.latent, *self._axes.property)}
        wanted = " ".join(wanted.split())[:_LONGEST_NAME]
        return next(
            name for k in range(1, len(taken) + 2) if (name := wanted if k == 1 else f"{wanted} {k}") not in taken
        )

    def _add_concept(self, made: Axis) -> None:
        self._commit(f"made the direction {made.name}", concepts=(*self.state.concepts, made), family="concept")

    def _check_group(self, which: int) -> None:
        if which not in (0, 1):
            raise TargetError(f"There is no group {which!r}; there are 0 (A) and 1 (B).")

    def _set_group(self, title: str, which: int, group: Selection | None) -> None:
        groups = (group, self.state.groups[1]) if which == 0 else (self.state.groups[0], group)
        self._commit(title, groups=groups)


def inside(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """(n,) which of the points (n, 2) are inside of a polygon with corners (k, 2), by the even-odd rule."""
    x, y = points.T
    found = np.zeros(len(points), dtype=bool)
    low, high = corners.min(axis=0), corners.max(axis=0)
    near = np.flatnonzero((x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1]))
    x, y = x[near], y[near]
    crossed = np.zeros(len(near), dtype=bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 != y1:
            # a ray to the right crosses this edge
            crossed ^= ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) * ((x1 - x0) / (y1 - y0)))
    found[near] = crossed
    return found
