"""Explanations of groups of crystals: concepts, elements over a selection, known neighbours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xcrystal.errors import XCrystalError
from xcrystal.explorer.session.commands import ExplainSelection, TestConcepts
from xcrystal.explorer.session.points import Points
from xcrystal.explorer.session.state import METHOD
from xcrystal.explorer.session.store import Store
from xcrystal.explorer.session.tabs.group_directions import SELECT_FIRST
from xcrystal.wrapping import differentiable

if TYPE_CHECKING:
    from xcrystal.explanation.concepts import ConceptReport
    from xcrystal.explanation.influence import Influence
    from xcrystal.explanation.regions import RegionAttribution

MOST_CRYSTALS = 200


class GroupExplanations:
    """Acts that explain more than one crystal.

    Attributes
    ----------
    concepts_tested, region
        What the last test of concepts, and the last mean attribution by element, found; or None.
    """

    def __init__(self, store: Store, points: Points) -> None:
        self._store, self._points = store, points
        self.concepts_tested: ConceptReport | None = None
        self.region: RegionAttribution | None = None

    def test_concepts(self, target: str = "formation_energy_per_atom", runs: int = 20, seed: int = 0) -> bool:
        """Test the built-in concepts and groups A and B on the selection, or on crystals drawn at random.

        Returns
        -------
        bool
            Whether there is a result; if not, the reason is reported.
        """
        from xcrystal.explanation.concepts import built_in_concepts, test_concepts

        if not self._store.allow(self._points.model.lacks("gradients")):
            return False
        with self._store.lock:
            chosen, groups = self._store.state.selection, self._store.state.groups
        try:
            known, notes = built_in_concepts(self._points.atlas)
            concepts: dict[str, Any] = dict(known)
            for letter, group in zip("AB", groups, strict=True):
                if group is not None:
                    concepts[f"group {letter}: {group.title}"] = group.rows
            rows = None if chosen is None else chosen.rows
            with self._store.working(TestConcepts(target), len(concepts)) as tick:
                found = test_concepts(
                    differentiable(self._points.model), self._points.atlas, target, concepts, rows, runs, seed, tick
                )
        except XCrystalError as error:
            self._store.report(str(error))
            return False
        self.concepts_tested = replace(found, notes=(*notes, *found.notes))
        self._store.emit("progress")
        return True

    def explain_region(self, target: str = "formation_energy_per_atom", method: str = METHOD, seed: int = 0) -> bool:
        """Average attributions by element over at most 200 crystals of the selection.

        Returns
        -------
        bool
            Whether there is a result; if not, the reason is reported.
        """
        from xcrystal.explanation.regions import region_attribution

        if not self._store.allow(self._points.model.lacks("gradients")):
            return False
        chosen = self._store.state.selection
        if chosen is None:
            self._store.report(SELECT_FIRST)
            return False
        total = min(len(chosen.rows), MOST_CRYSTALS)
        try:
            with self._store.working(ExplainSelection(target), total) as tick:
                found = region_attribution(
                    differentiable(self._points.model),
                    self._points.atlas,
                    chosen.rows,
                    target,
                    method,
                    most=MOST_CRYSTALS,
                    seed=seed,
                    progress=lambda done: tick(steps=done),
                )
        except XCrystalError as error:
            self._store.report(str(error))
            return False
        self.region = found
        self._store.emit("progress")
        return True

    def influence(self, target: str = "formation_energy_per_atom", k: int = 8) -> Influence | None:
        """The known crystals that the prediction for the present point is near to; None if the reason is reported."""
        from xcrystal.explanation.influence import influence

        if not self._store.allow(self._points.model.lacks("gradients")):
            return None
        try:
            return influence(
                differentiable(self._points.model), self._store.state.point.z, target, self._points.atlas, k
            )
        except XCrystalError as error:
            self._store.report(str(error))
            return None
