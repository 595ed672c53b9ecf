"""Directions between two groups of crystals, which are kept from selections; they become sliders."""

from __future__ import annotations

from typing import Any

import numpy as np

from xcrystal.errors import DatasetError, ReadError, TargetError, check_one_of
from xcrystal.explorer.session.commands import AddDirection, DropGroup, KeepGroup, RemoveDirection
from xcrystal.explorer.session.points import Points
from xcrystal.explorer.session.selections import Selections
from xcrystal.explorer.session.sliders import Sliders
from xcrystal.explorer.session.state import Selection
from xcrystal.explorer.session.store import Store
from xcrystal.latent.axes import Axis
from xcrystal.latent.searching import search

SELECT_FIRST = "Select crystals first: search for them, or draw around them on the map."
_LONGEST_NAME = 80


class Directions:
    """Acts on the groups A and B, and on directions between groups."""

    def __init__(self, store: Store, points: Points, sliders: Sliders, selections: Selections) -> None:
        self._store, self._points, self._sliders, self._selections = store, points, sliders, selections

    def keep_group(self, which: int) -> None:
        """Keep the selection as group A (0) or B (1) of a direction to be made.

        Raises
        ------
        TargetError
            If there is no such group.
        """
        with self._store.lock:
            self._check_group(which)
            chosen = self._store.state.selection
            if chosen is None:
                self._store.report(SELECT_FIRST)
                return
            self._set_group(KeepGroup(which, name=chosen.title), chosen)

    def drop_group(self, which: int) -> None:
        """Forget group A (0) or B (1).

        Raises
        ------
        TargetError
            If there is no such group.
        """
        with self._store.lock:
            self._check_group(which)
            if self._store.state.groups[which] is not None:
                self._set_group(DropGroup(which), None)

    def make(self, name: str | None = None, positive: Any = None, negative: Any = None, seed: int = 0) -> Axis | None:
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
            None if there are too few crystals, which is then reported.
        """
        with self._store.lock:
            try:
                if positive is None:
                    towards = self._store.state.groups[0] or self._store.state.selection
                    away = self._store.state.groups[1] if negative is None else self._group(negative)
                else:
                    towards, away = self._group(positive), self._group(negative)
                if towards is None:
                    raise ReadError("Select crystals first, and keep them as group A.")
                others = "all others" if away is None else away.title
                called = self._free_name(name or f"{towards.title} against {others}")
                rows = np.zeros(0, dtype=int) if away is None else away.rows
                made = self._sliders.families.concept(called, towards.rows, rows, seed)
            except (ReadError, DatasetError) as error:
                self._store.report(str(error))
                return None
            self._add(made)
            return made

    def add(self, name: str, vector: Any, mean: Any, scale: float, note: str = "") -> None:
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
        size = self._points.model.latent_dim
        with self._store.lock:
            try:
                direction, middle = (np.asarray(v, dtype=np.float64).reshape(size) for v in (vector, mean))
                length, unit = float(np.linalg.norm(direction)), float(scale)
            except (TypeError, ValueError):
                length = unit = 0.0
            if not (0 < length < np.inf and 0 < unit < np.inf and np.isfinite(middle).all()):
                self._store.report(f"A direction is {size} finite numbers that are not all 0, with a unit above 0.")
                return
            self._add(Axis(self._free_name(str(name)), "concept", direction / length, middle, unit, str(note)))

    def remove(self, name: str) -> None:
        """Forget a direction that was made from groups.

        Raises
        ------
        TargetError
            If there is no such direction.
        """
        with self._store.lock:
            check_one_of(name, [concept.name for concept in self._store.state.concepts], "direction")
            rest = tuple(concept for concept in self._store.state.concepts if concept.name != name)
            why = self._store.state.why
            if why is not None and why.target == f"along {name}":  # which then means nothing
                why = None
            self._store.commit(RemoveDirection(name), concepts=rest, why=why)

    # -- inside

    def _group(self, source: Any) -> Selection | None:
        """What a query, rows, a selection or None mean as a group."""
        if source is None or isinstance(source, Selection):
            return source
        if isinstance(source, str):
            return Selection(search(self._points.atlas, source), " ".join(source.split()))
        rows = self._selections.checked(source)
        return Selection(rows, f"{len(rows):,} crystals")

    def _free_name(self, wanted: str) -> str:
        axes = self._sliders.families
        taken = {concept.name for concept in self._store.state.concepts}
        taken |= {axis.name for axis in (*axes.principal, *axes.latent, *axes.property)}
        wanted = " ".join(wanted.split())[:_LONGEST_NAME]
        return next(
            name for k in range(1, len(taken) + 2) if (name := wanted if k == 1 else f"{wanted} {k}") not in taken
        )

    def _add(self, made: Axis) -> None:
        command = AddDirection.of(made)
        self._store.commit(command, concepts=(*self._store.state.concepts, made), family="concept")

    def _check_group(self, which: int) -> None:
        if which not in (0, 1):
            raise TargetError(f"There is no group {which!r}; there are 0 (A) and 1 (B).")

    def _set_group(self, command: KeepGroup | DropGroup, group: Selection | None) -> None:
        groups = self._store.state.groups
        self._store.commit(command, groups=(group, groups[1]) if command.which == 0 else (groups[0], group))
