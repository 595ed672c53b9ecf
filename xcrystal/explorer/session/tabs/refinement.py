"""Better crystals for a latent vector: reranked at the end of a drag, and searched for when idle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING
from weakref import WeakSet

import numpy as np

from xcrystal.crystal.geometry.matching import looks_the_same
from xcrystal.explorer.session.commands import (
    OverruleChoice,
    SearchNearer,
    SetProperty,
    ShowGreedy,
    Steer,
)
from xcrystal.explorer.session.points import Points
from xcrystal.explorer.session.state import Point
from xcrystal.explorer.session.store import Store

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.explorer.session.records import Loaded

_CLEARLY = 0.5  # of the distance before: what is shown unasked lies within


class _Interrupted(Exception):
    """The user has asked for something else."""


class Refinement:
    """Decodes again, with more effort, what was decoded quickly."""

    def __init__(self, store: Store, points: Points, matched: Callable[[Structure], Loaded | None]) -> None:
        self._store, self._points, self._matched = store, points, matched
        self._searched: WeakSet[Point] = WeakSet()  # so that undo can lead back there

    def rerank(self) -> bool:
        """Rerank the crystal that a drag decoded greedily; True if another one came out."""
        store, point = self._store, self._store.state.point
        if not point.quick:
            return False
        better = self._points.careful(point)
        same = better.structure == point.structure
        landed = point.landed if same else self._points.landing(better.structure)
        better = replace(better, wanted=point.wanted, landed=landed)
        base = better if store.state.base is point else store.state.base
        store.refine(replace(store.state, point=better, base=base))
        return not same

    def search_nearer(self, interrupted: Callable[[], bool] = lambda: False, *, least: float = 1.0) -> bool:
        """Search with all effort for a crystal whose own latent vector is nearer; it may take seconds.

        Another crystal than the one that is shown is one step of undo, and is reported; one that looks the same is
        left alone.

        Parameters
        ----------
        interrupted
            Asked between the steps of the search; once it returns True, nothing is changed, and the search can be
            made anew.
        least
            Share of the distance before, between the latent vector and that of its crystal, that a find is within.

        Returns
        -------
        bool
            Whether another crystal was found.
        """
        store = self._store
        with store.lock:
            point = store.state.point
            self._searched.add(point)
        if not self._searches:
            return False

        def check() -> None:
            if interrupted():
                raise _Interrupted

        try:
            # the lock is free: the user may go elsewhere
            structure = self._points.search(point.z, check)
            wanted = not looks_the_same(structure, point.structure) and (
                least >= 1 or self._distance(point, structure) <= least * self._distance(point, point.structure)
            )
            check()
        except _Interrupted:
            self._searched.discard(point)
            return False
        if not wanted:
            return False
        with store.lock:
            if store.state.point is not point:
                return False
            command = SearchNearer()
            landed = None if point.landed is None else self._points.landing(structure)
            nearer = replace(
                point, structure=structure, commands=(*point.commands, command), landed=landed, quick=False
            )
            self._searched.add(nearer)
            base = nearer if store.state.base is point else store.state.base
            store.commit(command, point=nearer, base=base, loaded=self._matched(structure))
            store.report("A search found a crystal nearer to the latent vector; undo brings back the first one.")
            return True

    def search_when_idle(self, interrupted: Callable[[], bool] = lambda: False) -> bool:
        """``search_nearer``, once for each crystal that is decoded for its own sake; True if it searched to the end.

        Nobody has asked for it, so only what is clearly nearer takes the place of what is shown: of a latent vector
        that is no crystal's, one crystal is as good as another.
        """
        state = self._store.state
        if isinstance(state.point.commands[-1], SetProperty | Steer | OverruleChoice | ShowGreedy):
            return False  # what was said of it was verified on its own crystal, or this very decode was asked for
        listed = (*state.candidates, *state.designs, *(state.path.frames if state.path is not None else ()))
        if not (self._store.idle and self._searches) or state.point in self._searched or state.point in listed:
            return False
        self.search_nearer(interrupted, least=_CLEARLY)
        return state.point in self._searched

    def skip(self, point: Point) -> None:
        """Do not search from a point by itself: that would be a new step, and end what can be redone."""
        self._searched.add(point)

    def _distance(self, point: Point, structure: Structure) -> float:
        """Between the latent vector of a point and that of a crystal; infinite if it cannot be encoded."""
        own = self._points.own_vector(structure)
        return float("inf") if own is None else float(np.linalg.norm(own - point.z))

    @property
    def _searches(self) -> bool:
        """Whether there is more to find: a model of somebody's own takes any effort, and decodes as it does."""
        return not self._points.model.lacks("runners_up")
