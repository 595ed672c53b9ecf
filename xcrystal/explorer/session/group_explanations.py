"""Explanations of groups of crystals, as acts of a session: concepts, elements over a selection, known neighbours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xcrystal.errors import XCrystalError
from xcrystal.explorer.session.core import Core

if TYPE_CHECKING:
    from xcrystal.explanation.concepts import ConceptReport
    from xcrystal.explanation.influence import Influence
    from xcrystal.explanation.regions import RegionAttribution

MOST_CRYSTALS = 200


class ExplainingGroups(Core):
    """Acts that explain more than one crystal.

    Attributes
    ----------
    concepts_tested, region
        What the last test of concepts, and the last mean attribution by element, found; or None.
    """

    concepts_tested: ConceptReport | None = None
    region: RegionAttribution | None = None

    def test_concepts(self, target: str = "formation_energy_per_atom", runs: int = 20, seed: int = 0) -> bool:
        """Test the built-in concepts and groups A and B on what is picked, or on crystals drawn at random.

        Returns
        -------
        bool
            Whether there is a result; if not, the reason is said.
        """
        from xcrystal.explanation.concepts import built_in_concepts, test_concepts

        if not self.able("gradients"):
            return False
        with self._lock:
            chosen, groups = self.state.selection, self.state.groups
        try:
            known, notes = built_in_concepts(self.atlas)
            concepts: dict[str, Any] = dict(known)
            for letter, group in zip("AB", groups, strict=True):
                if group is not None:
                    concepts[f"group {letter}: {group.title}"] = group.rows
            rows = None if chosen is None else chosen.rows
            with self._working("Testing concepts", len(concepts)) as tick:
                found = test_concepts(self.model, self.atlas, target, concepts, rows, runs, seed, tick)
        except XCrystalError as error:
            self.report(str(error))
            return False
        self.concepts_tested = replace(found, notes=(*notes, *found.notes))
        self._emit("progress")
        return True

    def explain_region(
        self, target: str = "formation_energy_per_atom", method: str = "integrated_gradients", seed: int = 0
    ) -> bool:
        """Average attributions by element over at most 200 of the crystals that are picked.

        Returns
        -------
        bool
            Whether there is a result; if not, the reason is said.
        """
        from xcrystal.explanation.regions import region_attribution

        if not self.able("gradients"):
            return False
        chosen = self.state.selection
        if chosen is None:
            self.report("Pick crystals first: search for them, or draw around them on the map.")
            return False
        total = min(len(chosen.rows), MOST_CRYSTALS)
        try:
            with self._working("Explaining the selection", total) as tick:
                found = region_attribution(
                    self.model, self.atlas, chosen.rows, target, method, None, MOST_CRYSTALS, seed,
                    lambda done: tick(steps=done),
                )  # fmt: skip
        except XCrystalError as error:
            self.report(str(error))
            return False
        self.region = found
        self._emit("progress")
        return True

    def influence(self, target: str = "formation_energy_per_atom", k: int = 8) -> Influence | None:
        """The known crystals that the prediction for the present point is near to; None if the reason is said."""
        from xcrystal.explanation.influence import influence

        if not self.able("gradients"):
            return None
        try:
            return influence(self.model, self.state.point.z, target, self.atlas, k)
        except XCrystalError as error:
            self.report(str(error))
            return None
