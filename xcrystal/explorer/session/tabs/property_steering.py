"""Steering a property, and structures proposed for a formula."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from xcrystal.errors import XCrystalError, check_one_of
from xcrystal.explorer import words
from xcrystal.explorer.session.commands import Propose, ShowCandidate, Steer
from xcrystal.explorer.session.navigation import Navigation
from xcrystal.explorer.session.points import Points
from xcrystal.explorer.session.state import Point
from xcrystal.explorer.session.store import Store
from xcrystal.wrapping import differentiable

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
        The target at the latent vector of each decoded crystal, the beginning included.
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


class PropertySteering:
    """Acts that search latent space.

    Attributes
    ----------
    last
        What the last steering did, or None.
    proposals
        How candidates were found; not of those that came from a saved session.
    """

    def __init__(self, store: Store, points: Points, navigation: Navigation) -> None:
        self._store, self._points, self._navigation = store, points, navigation
        self.last: Achieved | None = None
        self.proposals: WeakKeyDictionary[Point, Proposal] = WeakKeyDictionary()

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

        if not self._store.allow(self._points.model.lacks("gradients")):
            return 0
        check_one_of(target, self._store.state.point.predicted, "property to steer")
        check_one_of(direction, DIRECTIONS, "direction")
        held = tuple(name for name in HOLDS if name in hold)
        for name in hold:
            check_one_of(name, HOLDS, "thing to hold")
        if not 1 <= int(steps) <= MOST_STEPS:
            self._store.report(f"Steering takes 1 to {MOST_STEPS} steps, not {int(steps)}.")
            return 0
        with self._store.lock:
            here = self._store.state.point
            try:
                steering = steer(
                    differentiable(self._points.model),
                    self._points.atlas,
                    here.z,
                    target,
                    direction,
                    int(steps),
                    frozenset(held),
                    seed,
                )
            except XCrystalError as error:
                self._store.report(str(error))
                return 0
            self.last = Achieved(target, direction, held).after(steering.start)
        command = Steer(target, direction, steps=int(steps), hold=held, seed=seed)
        taken, now = 0, here
        with self._store.working(command, int(steps)) as tick:
            going = True
            while going:
                step = next(steering, None)  # the lock is free, so that views can read and stop
                with self._store.lock:
                    if step is None or self._store.state.point is not now:
                        break
                    taken, now = step.number, self._step_to(step, here, replace(command, steps=step.number))
                    self.last = self.last.after(step)
                    going = tick(f"{self.last.formulas[-1]}, {step.value:.3f} {words.unit(target)}")
        with self._store.lock:
            elsewhere = "you went elsewhere" if self._store.state.point is not now else "it was stopped"
            reason = steering.reason or ("all steps were taken" if taken == int(steps) else elsewhere)
            self.last = replace(self.last, reason=reason)
            if taken:
                self._store.reactions.settle()
            if not taken or taken < int(steps):
                self._store.report(f"Steering ended after {taken} {'step' if taken == 1 else 'steps'}: {reason}.")
            self._store.emit("progress")
        return taken

    def propose(self, formula: str, count: int = 5, seed: int = 0) -> int:
        """Look for crystals of a composition; they become ``state.candidates``, lowest energy first.

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

        if not self._store.allow(self._points.model.lacks("gradients")):
            return 0
        if not 1 <= int(count) <= MOST_PROPOSALS:
            self._store.report(f"There are 1 to {MOST_PROPOSALS} proposals, not {int(count)}.")
            return 0
        with self._store.lock:
            try:
                name = formula_text(parse_formula(formula, self._points.model.max_atoms))
                command = Propose(name, int(count), seed=seed)
                with self._store.working(command, STAGES) as tick:
                    found = propose(
                        differentiable(self._points.model), self._points.atlas, formula, int(count), seed, tick
                    )
            except XCrystalError as error:
                self._store.report(str(error))
                return 0
            self._store.commit(command, candidates=tuple(self._candidates(sorted(found, key=_energy), command)))
            if not found:
                self._store.report(f"No structure of {name} was found that decodes without overlapping atoms.")
            return len(found)

    def show_candidate(self, number: int) -> None:
        """Go to a proposed structure, by its number in the list, from 0."""
        with self._store.lock:
            candidates = self._store.state.candidates
            if not 0 <= int(number) < len(candidates):
                self._store.report(f"There is no proposal {int(number)} among {len(candidates)}.")
                return
            self._navigation.arrive(ShowCandidate(int(number)), candidates[int(number)])

    # -- inside

    def _step_to(self, step: Step, here: Point, command: Steer) -> Point:
        """Go to one step; what is slow waits for the last one."""
        label, commands = command.label(here.label), (*here.commands, command)
        point = self._points.of(step.z[None], [step.structure], [label], [commands])[0]
        self._store.commit(command, settle=False, point=point, shown="decoded")
        return point

    def _candidates(self, found: list[Proposal], command: Propose) -> list[Point]:
        if not found:
            return []
        shown = [ShowCandidate(k, formula=command.formula) for k in range(len(found))]
        points = self._points.of(
            np.stack([proposal.z for proposal in found]),
            [proposal.structure for proposal in found],
            [one.label(str(proposal.origin)) for one, proposal in zip(shown, found, strict=True)],
            [(command, one) for one in shown],
        )
        # what is said of a proposal is said of the crystal itself, at its own latent vector
        points = [
            replace(point, predicted=proposal.predicted, intervals=proposal.intervals, nonzero=proposal.nonzero)
            for point, proposal in zip(points, found, strict=True)
        ]
        self.proposals.update(zip(points, found, strict=True))
        return points


def _energy(proposal: Proposal) -> float:
    """What proposals are listed by: the predicted energy that their panel shows, above the hull if that is known."""
    known = proposal.predicted
    return known.get("e_above_hull", known.get("formation_energy_per_atom", proposal.score))
