"""The decode of the latent vector that is shown, step by step, and choices of the decoder that are overruled."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from xcrystal.crystal.geometry.matching import looks_the_same
from xcrystal.errors import UnsupportedElementWarning, XCrystalError
from xcrystal.explorer.session.commands import Command, OverruleChoice, SearchNearer, ShowGreedy
from xcrystal.explorer.session.navigation import Navigation
from xcrystal.explorer.session.points import Points, choices_of
from xcrystal.explorer.session.store import Store
from xcrystal.wrapping import differentiable

if TYPE_CHECKING:
    from xcrystal.explanation.choice_attribution import ChoiceAttribution
    from xcrystal.explanation.decode_steps import DecodeSteps
    from xcrystal.explorer.session.state import Point


@dataclass(frozen=True, eq=False)
class ShownDecode:
    """The steps of a decode, and whether they lead to what is shown.

    Attributes
    ----------
    steps
        The greedy decode, with what was overruled.
    refined
        Whether another crystal is shown, which reranking or a search has found.
    log_likelihood
        Of the crystal that is shown, by the decoder, nats; NaN if it cannot be led through it.
    """

    steps: DecodeSteps
    refined: bool
    log_likelihood: float


class Decoding:
    """Acts on single choices of the decoder."""

    def __init__(self, store: Store, points: Points, navigation: Navigation) -> None:
        self._store, self._points, self._navigation = store, points, navigation
        self._known: WeakKeyDictionary[Point, ShownDecode] = WeakKeyDictionary()
        self._explained: WeakKeyDictionary[DecodeSteps, dict[str, ChoiceAttribution]] = WeakKeyDictionary()

    def shown(self) -> ShownDecode:
        """The decode of the present latent vector; computed once.

        Raises
        ------
        CapabilityError
            If the model does not tell what else it might have decoded.
        """
        with self._store.lock:
            point = self._store.state.point
            if point not in self._known:
                self._known[point] = self._steps(point)
            return self._known[point]

    def overrule(self, step: str, choice: str) -> bool:
        """Force a choice of the decoder, and show what it decodes from there; the latent vector stays.

        Parameters
        ----------
        step, choice
            As of ``xcrystal.explanation.decode_steps.DecodeSteps.overrule``, such as "element of orbit 1" and "Ca".

        Returns
        -------
        bool
            Whether the choice is possible; if not, the reason is reported.
        """
        return self._go(OverruleChoice(str(step), str(choice)))

    def show_greedy(self) -> bool:
        """Show the greedy decode, with nothing overruled, instead of what reranking or a search has found."""
        return self._go(ShowGreedy())

    @property
    def known(self) -> bool:
        """Whether the model tells the steps of its decodes."""
        return not self._points.model.lacks("runners_up")

    def explain(self, step: str) -> ChoiceAttribution | None:
        """Why a choice was taken rather than the most probable other one, as ``xcrystal.explain_choice`` says it.

        None if it is no choice; the reason is reported.
        """
        from xcrystal.explanation.choice_attribution import explain_choice

        with self._store.lock:
            try:
                steps = self.shown().steps
                known = self._explained.setdefault(steps, {})
                if step not in known:
                    known[step] = explain_choice(steps, step, atlas=self._points.atlas)
                return known[step]
            except XCrystalError as error:
                self._store.report(str(error))
                return None

    def _go(self, command: OverruleChoice | ShowGreedy) -> bool:
        store = self._store
        if not store.allow(self._points.model.lacks("runners_up")):
            return False
        with store.lock:
            store.reactions.settle()
            here = store.state.point
            before = _without_choices(here.commands)
            asked: list[Command] = [command]
            if isinstance(command, OverruleChoice):
                asked = [*here.commands[len(before) :], command]
            try:
                steps = self._points.decode_steps(here.z, choices_of(asked) or ())
            except XCrystalError as error:
                store.report(str(error))
                return False
            # what was decided anew is no longer overruled
            made: list[Command] = [
                *(one for one in asked if isinstance(one, ShowGreedy)),
                *(OverruleChoice(step, choice) for step, choice in steps.overruled),
            ]
            label = _without_labels(here.label, here.commands[len(before) :])
            for one in made:
                label = one.label(label)
            if before and isinstance(before[-1], SearchNearer):
                before = before[:-1]  # it only led to another crystal of the same vector
            point = self._points.of(here.z[None], [steps.structure], [label], [(*before, *made)])[0]
            self._known[point] = ShownDecode(steps, False, steps.log_likelihood)
            self._navigation.arrive(command, point)
            return True

    def _steps(self, point: Point) -> ShownDecode:
        from xcrystal.explanation.decode_steps import decode_steps

        steps = self._points.decode_steps(point.z, choices_of(point.commands) or ())
        if looks_the_same(steps.structure, point.structure):
            return ShownDecode(steps, False, steps.log_likelihood)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UnsupportedElementWarning)
                led = decode_steps(differentiable(self._points.model), point.z, follow=point.structure)
        except XCrystalError:
            return ShownDecode(steps, True, float("nan"))
        return ShownDecode(steps, True, led.log_likelihood)


def _without_choices(commands: Sequence[Command]) -> Sequence[Command]:
    """The acts before those that have overruled choices."""
    count = len(commands)
    while count and isinstance(commands[count - 1], OverruleChoice | ShowGreedy):
        count -= 1
    return commands[:count]


def _without_labels(label: str, commands: Sequence[Command]) -> str:
    """The label of a point before these acts, which have each added to it."""
    for command in reversed(commands):
        label = label.removesuffix(command.label())
    return label
