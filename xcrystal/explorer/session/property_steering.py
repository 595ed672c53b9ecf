"""Steering a property, and structures proposed for a formula, as acts of a session."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from xcrystal.errors import XCrystalError
from xcrystal.explorer import words
from xcrystal.explorer.session.navigation import Going
from xcrystal.explorer.session.state import Point

if TYPE_CHECKING:
    from xcrystal.latent.proposing import Proposal
    from xcrystal.latent.steering import Step

MOST_STEPS = 50
MOST_PROPOSALS = 20


@dataclass(frozen=True)
class Achieved:
    """What one run of steering did.

    Attributes
    ----------
    target, direction, hold
        What was asked for.
    values
        The target at the code of each decoded crystal, the beginning included.
    formulas, quantiles
        Of these crystals, and the shares of known crystals that lie nearer to the data.
    reason
        Why it ended; empty while it goes on.
    """

    target: str
    direction: str
    hold: tuple[str, ...]
    values: tuple[float, ...] = ()
    formulas: tuple[str, ...] = ()
    quantiles: tuple[float, ...] = ()
    reason: str = ""

    def after(self, step: Step) -> Achieved:
        """With one more step."""
        return replace(
            self,
            values=(*self.values, step.value),
            formulas=(*self.formulas, step.structure.composition.reduced_formula),
            quantiles=(*self.quantiles, step.quantile),
        )


class Steering(Going):
    """Acts that search latent space.

    Attributes
    ----------
    steered
        What the last steering did, or None.
    """

    steered: Achieved | None = None

    @property
    def proposals(self) -> WeakKeyDictionary[Point, Proposal]:
        """How candidates were found; not of those that came from a saved session."""
        found: WeakKeyDictionary[Point, Proposal] = vars(self).setdefault("_proposals", WeakKeyDictionary())
        return found

    def steer(
        self, target: str, direction: str = "lower", steps: int = 10, hold: Collection[str] = (), seed: int = 0
    ) -> int:
        """Raise or lower a property in small steps; each is one step of undo, and ``stop`` ends it.

        Parameters
        ----------
        target, direction
            A predicted property, and "lower" or "higher".
        steps
            The most that are taken, up to 50.
        hold
            What stays as it is: "elements", "space_group".
        seed
            Of the random part of the search.

        Returns
        -------
        int
            How many steps were taken.
        """
        from xcrystal.latent.steering import DIRECTIONS, HOLDS, steer

        if not self.able("gradients"):
            return 0
        self._one_of(target, tuple(self.predicted), "property to steer")
        self._one_of(direction, DIRECTIONS, "direction")
        held = tuple(name for name in HOLDS if name in hold)
        for name in hold:
            self._one_of(name, HOLDS, "thing to hold")
        if not 1 <= int(steps) <= MOST_STEPS:
            self.report(f"Steering takes 1 to {MOST_STEPS} steps, not {int(steps)}.")
            return 0
        with self._lock:
            here = self.state.point
            try:
                steering = steer(self.model, self.atlas, here.z, target, direction, int(steps), frozenset(held), seed)
            except XCrystalError as error:
                self.report(str(error))
                return 0
            self.steered = Achieved(target, direction, held).after(steering.start)
        title = f"{direction} {words.title(target).lower()}"
        taken, now = 0, here
        with self._working(f"Steering towards {title}", int(steps)) as tick:
            going = True
            while going:
                step = next(steering, None)  # the lock is free, so that others can look and stop
                with self._lock:
                    if step is None or self.state.point is not now:
                        break
                    taken, now = step.number, self._step_to(step, here, (target, direction, held, seed), title)
                    self.steered = self.steered.after(step)
                    going = tick(f"{self.steered.formulas[-1]}, {step.value:.3f} {words.unit(target)}")
        with self._lock:
            elsewhere = "you went elsewhere" if self.state.point is not now else "it was stopped"
            reason = steering.reason or ("all steps were taken" if taken == int(steps) else elsewhere)
            self.steered = replace(self.steered, reason=reason)
            if taken:
                self.settle()
            if not taken or taken < int(steps):
                self.report(f"Steering ended after {taken} {'step' if taken == 1 else 'steps'}: {reason}.")
            self._emit("progress")
        return taken

    def propose(self, formula: str, count: int = 5, seed: int = 0) -> int:
        """Look for crystals of a composition; they become ``state.candidates``, best first.

        Parameters
        ----------
        formula
            Such as "SrTiO3".
        count
            The most that are kept, up to 20.
        seed
            Of the random part of the search.

        Returns
        -------
        int
            How many were found.
        """
        from xcrystal.latent.compositions import formula_text, parse_formula
        from xcrystal.latent.proposing import STAGES, propose

        if not self.able("gradients"):
            return 0
        if not 1 <= int(count) <= MOST_PROPOSALS:
            self.report(f"There are 1 to {MOST_PROPOSALS} proposals, not {int(count)}.")
            return 0
        with self._lock:
            try:
                name = formula_text(parse_formula(formula, self.model.max_atoms))
                with self._working(f"Structures of {name}", STAGES) as tick:
                    found = propose(self.model, self.atlas, formula, int(count), seed, tick)
            except XCrystalError as error:
                self.report(str(error))
                return 0
            points = self._candidates(found, name, int(count), seed)
            self._commit(f"proposed structures of {name}", candidates=tuple(points))
            if not found:
                self.report(f"No structure of {name} was found that the model decodes without clashing atoms.")
            return len(found)

    def show_candidate(self, number: int) -> None:
        """Go to a proposed structure, by its number in the list, from 0."""
        with self._lock:
            candidates = self.state.candidates
            if not 0 <= int(number) < len(candidates):
                self.report(f"There is no proposal {int(number)} among {len(candidates)}.")
                return
            self._arrive_at(candidates[int(number)], f"went to proposal {int(number) + 1}")

    # -- inside --------------------------------------------------------------------------------------------------

    def _step_to(self, step: Step, here: Point, asked: tuple[str, str, tuple[str, ...], int], title: str) -> Point:
        """Go to one step; what is slow waits for the last one."""
        target, direction, held, seed = asked
        also = f", seed={seed}" if seed else ""
        line = f"session.steer({target!r}, {direction!r}, steps={step.number}, hold={held!r}{also})"
        label = f"step {step.number} towards {title}, from the {here.label}"
        point = self._known_of(step.z[None], [step.structure], [label], [(*here.code, line)])[0]
        self._commit(f"steered towards {title}", settle=False, point=point, shown="decoded")
        return point

    def _candidates(self, found: list[Proposal], formula: str, count: int, seed: int) -> list[Point]:
        if not found:
            return []
        also = f", seed={seed}" if seed else ""
        made = f"session.propose({formula!r}, {count}{also})"
        labels = [f"proposal {k + 1} for {formula}, begun from {proposal.origin}" for k, proposal in enumerate(found)]
        codes = [(made, f"session.show_candidate({k})") for k in range(len(found))]
        points = self._known_of(
            np.stack([proposal.z for proposal in found]), [proposal.structure for proposal in found], labels, codes
        )
        # what is said of a proposal is said of the crystal itself, at its own code
        points = [
            replace(point, predicted=proposal.predicted, intervals=proposal.intervals, nonzero=proposal.nonzero)
            for point, proposal in zip(points, found, strict=True)
        ]
        for point, proposal in zip(points, found, strict=True):
            self.proposals[point] = proposal
        return points
