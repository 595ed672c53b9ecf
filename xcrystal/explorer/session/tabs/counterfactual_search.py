"""Counterfactuals: the smallest changes of the crystal after which the model predicts another outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xcrystal.errors import XCrystalError
from xcrystal.explorer.session.commands import FindCounterfactuals
from xcrystal.explorer.session.points import Points
from xcrystal.explorer.session.store import Store
from xcrystal.explorer.session.tabs.modifications import Modifications, Subject

if TYPE_CHECKING:
    from xcrystal.explanation.counterfactuals import Counterfactual

MOST_FOUND = 12  # beyond the model's error, and as many within


@dataclass(frozen=True, eq=False)
class Search:
    """Counterfactuals that were looked for: of what, which outcome, what was found; whether all was tried."""

    subject: Subject
    formula: str
    outcome: str
    found: tuple[Counterfactual, ...]
    complete: bool


class CounterfactualSearch:
    """Looks for counterfactuals, and goes to them.

    Attributes
    ----------
    last
        The last search.
    """

    def __init__(self, store: Store, points: Points, modifications: Modifications) -> None:
        self._store, self._points, self._modifications = store, points, modifications
        self.last: Search | None = None

    def search(self, outcome: str = "metal") -> int:
        """Look for the smallest changes of the crystal after which the model predicts an outcome.

        Parameters
        ----------
        outcome
            "metal", "insulator", "on the hull", "near the hull", "above the hull", or a property and a number such as
            "band_gap > 2".

        Returns
        -------
        int
            How many were found; they are in ``last``.
        """
        from xcrystal.explanation.counterfactuals import candidates, counterfactuals, outcome_of

        with self._store.lock:
            try:
                wanted = outcome_of(outcome)
                subject = self._modifications.editable()
                crystal = self._points.model.canonical(subject.opened.structure).crystal
                total = len(candidates(self._points.model, crystal))
                with self._store.working(FindCounterfactuals(outcome), total) as tick:
                    found = counterfactuals(
                        self._points.model, crystal, wanted, most=MOST_FOUND, atlas=self._points.atlas, progress=tick
                    )
                    complete = not self._store.stopped
                    formula = subject.opened.structure.composition.reduced_formula
                    self.last = Search(subject, formula, wanted.name, tuple(found), complete)
            except XCrystalError as error:
                self._store.report(str(error))
                return 0
            if not complete:
                self._store.report(f"The search was stopped; {len(found)} changes were found until then.")
            elif not found:
                self._store.report(
                    f"No single substitution or small strain of {formula} is predicted to be: {wanted.name}."
                )
            return len(found)

    def take(self, number: int) -> bool:
        """Go to a change that was found, by its number in the list, from 0."""
        with self._store.lock:
            search = self.last
            if search is None or not 0 <= int(number) < len(search.found):
                count = 0 if search is None else len(search.found)
                self._store.report(f"There is no counterfactual {int(number)} among {count}.")
                return False
            return self._modifications.apply(search.found[int(number)], search.subject)
