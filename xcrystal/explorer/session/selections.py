"""Selections of atlas crystals, by a query, on the map, or by rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.errors import ReadError
from xcrystal.explorer.session.commands import Choose, ClearSelection, Search, SelectPolygon, SelectRows
from xcrystal.explorer.session.points import Points
from xcrystal.explorer.session.state import Selection
from xcrystal.explorer.session.store import Store
from xcrystal.latent.searching import nothing, search

if TYPE_CHECKING:
    import pandas as pd


class Selections:
    """Acts that select crystals of the atlas."""

    def __init__(self, store: Store, points: Points) -> None:
        self._store, self._points = store, points

    def search(self, query: str) -> None:
        """Select the atlas crystals that a query describes; see ``xcrystal.latent.queries``.

        If it describes none, or is not understood, that is reported and the selection stays.
        """
        with self._store.lock:
            query = " ".join(str(query).split())
            try:
                rows = search(self._points.atlas, query)
            except ReadError as error:
                self._store.report(str(error))
                return
            if len(rows) == 0:
                self._store.report(nothing(self._points.atlas, query, self._points.model.max_atoms).reason)
                return
            self._select(Search(query, **_said(rows, query)), rows)

    def select_polygon(self, points: Any, title: str = "") -> None:
        """Select the crystals inside of a polygon on the map, (k, 2) UMAP coordinates, k at least 3."""
        with self._store.lock:
            try:
                corners = np.asarray(points, dtype=np.float64)
            except (TypeError, ValueError):
                corners = np.empty(0)
            if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3 or not np.isfinite(corners).all():
                self._store.report("A polygon on the map has at least three corners, each with an x and a y.")
                return
            rows = np.flatnonzero(inside(self._points.atlas.table[["x", "y"]].to_numpy(dtype=np.float64), corners))
            if len(rows) == 0:
                self._store.report("There is no crystal in this part of the map.")
                return
            called = title or "part of the map"
            polygon = tuple(tuple(corner) for corner in corners.tolist())
            self._select(SelectPolygon(polygon, **_said(rows, called)), rows)

    def select_rows(self, rows: Sequence[int] | np.ndarray, title: str = "") -> None:
        """Select crystals by their rows (k,) in the atlas."""
        with self._store.lock:
            try:
                wanted = self.checked(rows)
            except ReadError as error:
                self._store.report(str(error))
                return
            called = title or "given rows"
            self._select(SelectRows(tuple(wanted.tolist()), called, **_said(wanted, called)), wanted)

    def clear(self) -> None:
        """Select nothing."""
        with self._store.lock:
            if self._store.state.selection is not None:
                self._store.commit(ClearSelection(), selection=None)

    @property
    def table(self) -> pd.DataFrame:
        """The rows of the atlas table that are selected, with their numbers as ``row``; empty without a selection."""
        chosen = self._store.state.selection
        rows = np.zeros(0, dtype=int) if chosen is None else chosen.rows
        table = self._points.atlas.table.iloc[rows].reset_index(drop=True)
        table.insert(0, "row", rows)
        return table

    def checked(self, rows: Any) -> np.ndarray:
        """Rows (k,) of the atlas, sorted and each once; raises ReadError if these are none."""
        try:
            given = np.asarray(rows).reshape(-1)
            wanted = np.unique(given.astype(int)) if len(given) else np.zeros(0, dtype=int)
        except (TypeError, ValueError, OverflowError):
            raise ReadError("Rows of the atlas are whole numbers.") from None
        if given.dtype == bool or not (given == given.astype(int)).all():
            raise ReadError("Rows of the atlas are whole numbers.")
        if len(wanted) == 0:
            raise ReadError("There is no row to select.")
        count = len(self._points.atlas)
        if wanted[0] < 0 or wanted[-1] >= count:
            raise ReadError(f"The atlas has {count} crystals; rows go from 0 to {count - 1}.")
        return wanted

    def _select(self, command: Choose, rows: np.ndarray) -> None:
        self._store.commit(command, selection=Selection(rows, command.name))


def _said(rows: np.ndarray, name: str) -> dict[str, Any]:
    return {"count": len(rows), "name": name}


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
            beside = np.flatnonzero((y0 > y) != (y1 > y))
            share = (y[beside] - y0) / (y1 - y0)  # of its length, so never too large a number
            crossed[beside] ^= x[beside] < x0 + share * (x1 - x0)
    found[near] = crossed
    return found
