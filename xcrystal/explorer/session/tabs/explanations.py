"""Explanations of the crystal that is drawn: asked for, computed once when idle, and compared."""

from __future__ import annotations

import warnings
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.errors import CheckpointError, TargetError, UnsupportedElementWarning, XCrystalError, check_one_of
from xcrystal.explorer.session.commands import Explain
from xcrystal.explorer.session.display import Display
from xcrystal.explorer.session.points import Points
from xcrystal.explorer.session.sliders import Sliders
from xcrystal.explorer.session.state import METHOD, State, Why
from xcrystal.explorer.session.store import Store
from xcrystal.wrapping import differentiable

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.crystal.symmetry.canonical import Canonical
    from xcrystal.explanation.attribution import Attribution
    from xcrystal.explanation.targets import Target
    from xcrystal.explorer.session.records import Loaded
    from xcrystal.explorer.session.state import Point
    from xcrystal.latent.axes import Axis

_KEPT = 24  # explanations
_GRADIENTS = ("integrated_gradients", "gradient_shap", "input_x_gradient", "saliency", "smoothgrad")
DISTANCE, ALONG = "distance to ", "along "
NOTHING_TO_EXPLAIN = "Nothing to explain: the difference lies within the model's error."


@dataclass(frozen=True, eq=False)
class Checks:
    """What tells how far an explanation can be trusted, of this very crystal.

    Attributes
    ----------
    method
        An independent one: by coalitions where the first follows gradients, and the reverse; "" if none goes.
    spearman
        Rank correlation of the scores of both, of their sizes if one has no signs; None for fewer than three scores.
    count
        Of different scores.
    quantile
        Share of known crystals that lie nearer to the others than this one does: above 0.95 it is an extrapolation.
    """

    method: str
    spearman: float | None
    count: int
    quantile: float


@dataclass(frozen=True, eq=False)
class _Kept:
    structure: Structure
    why: Why
    anchor: object
    found: Attribution


class Explanations:
    """Acts about explanations.

    Attributes
    ----------
    method
        The attribution method that explanations begin with.
    attribution
        The last attribution, or None while there is none for what is shown.
    previous
        The explanation of the same scores that was shown before, by another method or from another baseline.
    checks
        How far the present explanation can be trusted; None until it is known.
    """

    def __init__(self, store: Store, points: Points, display: Display, sliders: Sliders) -> None:
        self._store, self._points, self._display, self._sliders = store, points, display, sliders
        self.method: str = METHOD
        self.attribution: Attribution | None = None
        self.previous: Attribution | None = None
        self.checks: Checks | None = None
        self._stale = True  # the attribution is of something else
        self._last: _Kept | None = None
        self._form: tuple[Structure, Canonical] | None = None
        self._explanations: deque[_Kept] = deque(maxlen=_KEPT)
        self._vectors: dict[int, np.ndarray] = {}  # of atlas crystals that distances are to

    def explain(
        self,
        target: str | None,
        method: str | None = None,
        level: str = "atoms",
        baseline: str | None = None,
    ) -> None:
        """Explain what the model says of the crystal that is drawn, and colour its atoms by that.

        Parameters
        ----------
        target
            All that ``xcrystal.explanation.targets.target_of`` knows; "distance to A" or "B", the ends of a path, or
            to a material of the atlas; "along" an axis, such as "along principal 1". None for no explanation.
        method, level, baseline
            As in ``xcrystal.explain``; without a method the one of ``begin_with``.

        Raises
        ------
        TargetError, ReadError
            If there is none of this name, or they do not go together.
        """
        if target is None:
            with self._store.lock:
                self._store.commit(Explain(None), why=None)
            return
        if not self._store.allow(self._points.model.lacks("gradients")):
            return
        from xcrystal.explanation.methods import check

        method = method or self.method_at(level)
        why = Why(target, method, level, check(method, level, baseline))
        self.check_possible(why, self._store.state)
        with self._store.lock:
            self._store.commit(command_of(why), why=why)

    def begin_with(self, method: str) -> None:
        """Let explanations begin with another method; what is explained now stays.

        Raises
        ------
        TargetError
            If there is no such method.
        """
        from xcrystal.explanation.methods import METHODS

        check_one_of(method, METHODS, "method")
        self.method = method

    def method_at(self, level: str) -> str:
        """The method to begin with at a level: that of ``begin_with``, or the usual one if it does not go."""
        from xcrystal.explanation.methods import METHODS, usual_method

        if self.method == METHOD:
            return usual_method(level)

        going = [name for name, method in METHODS.items() if level in method.levels]
        return self.method if self.method in going or not going else going[0]

    def attribute(self, target: str | None) -> None:
        """``explain`` as before, or as usual, but another target; None for no explanation."""
        why = self._store.state.why
        if target is None or why is None:
            self.explain(target)
        else:
            self.explain(target, why.method, why.level, why.baseline)

    def compare_baselines(self) -> dict[str, Attribution]:
        """The present explanation from each baseline that its method, level, crystal and model have."""
        from xcrystal.explanation.methods import baselines_of

        with self._store.lock:
            why = self._store.state.why
            if why is None or self.attribution is None:
                return {}
            structure = self._display.structure
        found = {}
        for name in baselines_of(why.method, why.level):  # all else goes on meanwhile
            with suppress(TargetError, CheckpointError):  # too few neighbours, or nothing that was fitted to it
                found[name] = self._explanation(structure, replace(why, baseline=name))
        return found

    def check(self) -> Checks | None:
        """Find out how far the present explanation can be trusted; None if there is none."""
        from xcrystal.latent.density import Density

        with self._store.lock:
            why, found = self._store.state.why, self.attribution
            if why is None or found is None:
                return None
            if self.checks is not None:
                return self.checks
            z = self._points.model.encode_canonical([self.form.crystal])
            method, spearman, count = self._agreement(why, found)
            self.checks = Checks(method, spearman, count, Density.of(self._points.atlas).quantile(z))
            self._store.emit("explained")
            return self.checks

    @property
    def target(self) -> str | None:
        """What is explained, and colours the atoms."""
        return None if self._store.state.why is None else self._store.state.why.target

    @property
    def unexplained(self) -> str:
        """Why there is no explanation, though one was asked for; otherwise empty."""
        return self._store.unexplained

    @property
    def form(self) -> Canonical:
        """The canonical form of what is drawn, and the orbit in it that each atom belongs to.

        Raises
        ------
        UnsupportedCrystalError, InvalidCrystalError
            If it cannot be encoded.
        """
        with self._store.lock:
            structure = self._display.structure
            if self._form is None or self._form[0] is not structure:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", UnsupportedElementWarning)
                    self._form = (structure, self._points.model.canonical(structure))
            return self._form[1]

    # -- what follows a change

    def follow(self, before: State, after: State, events: list[str]) -> None:
        """Forget an attribution that is not of what is shown now."""
        elsewhere = self._anchor_or_none(before) is not self._anchor_or_none(after)
        if elsewhere or {"crystal", "shown", "attribution"} & set(events):
            self.forget()

    def forget(self) -> None:
        """Forget the attribution, which is of something else."""
        self.attribution, self._stale = None, True

    def update(self) -> bool:
        """Explain what is shown, if an explanation is wanted and outdated; returns whether it was."""
        why, shown = self._store.state.why, self._display.loaded_alone
        due, self._stale = self._stale and why is not None, False
        if due and why is not None:
            self._update(why, shown)
        return due

    def _update(self, why: Why, shown: Loaded | None) -> None:
        reason = shown.reason if shown is not None else ""
        self.checks = None
        if not reason:
            try:
                self.attribution = self._explanation(self._display.structure, why)
            except XCrystalError as error:
                reason = str(error)
        self._remember(why)
        self._store.tell(self._store.said, f"This cannot be explained: {reason}" if reason else "")
        self._store.emit("attribution")
        if self.attribution is not None and self._store.views:  # somebody to show it to
            self.check()

    def _remember(self, why: Why) -> None:
        """Keep what was shown before, if it is of the same scores in another way."""
        found, last = self.attribution, self._last
        if found is None:
            self.previous = self._last = None
            return
        now = _Kept(self._display.structure, why, self._anchor(why.target, self._store.state), found)
        alike = (
            last is not None
            and last.structure is now.structure
            and last.anchor is now.anchor
            and (last.why.target, last.why.level) == (why.target, why.level)
        )
        if not alike:
            self.previous = None
        elif last is not None and last.why != why:
            self.previous = last.found
        self._last = now

    def _explanation(self, structure: Structure, why: Why) -> Attribution:
        """Computed once; raises XCrystalError."""
        from xcrystal.explanation.attribution import attribute

        anchor = self._anchor(why.target, self._store.state)
        for kept in self._explanations:
            if kept.structure is structure and kept.why == why and kept.anchor is anchor:
                return kept.found
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnsupportedElementWarning)  # said when it was loaded
            found = attribute(
                differentiable(self._points.model),
                structure,
                self._target(why.target, self._store.state),
                why.method,
                why.level,
                why.baseline,
                atlas=self._points.atlas,
            )
        self._explanations.append(_Kept(structure, why, anchor, found))
        return found

    def _agreement(self, why: Why, found: Attribution) -> tuple[str, float | None, int]:
        from xcrystal.evaluation.shared.ranking import spearman
        from xcrystal.explanation.methods import METHODS

        # over all coalitions of latent dimensions it would take seconds
        independent = "feature_ablation" if why.level == "latent" else "shapley"
        other = independent if why.method in _GRADIENTS else "integrated_gradients"
        level = {"atoms": "orbits", "pairs": "orbits"}.get(why.level, why.level)
        try:
            second = self._explanation(self._display.structure, Why(why.target, other, level, why.baseline))
        except XCrystalError:
            return "", None, 0
        atoms = found.atom_scores is not None and second.atom_scores is not None
        one, two = (np.asarray(a.atom_scores if atoms else a.scores, dtype=float) for a in (found, second))
        if not METHODS[why.method].signed:
            one, two = abs(one), abs(two)
        pairs = np.unique(np.round(np.column_stack([one, two]), 9), axis=0)  # equal atoms count once
        if len(pairs) < 3:
            return other, None, len(pairs)
        alike = spearman(*pairs.T)
        return other, alike if np.isfinite(alike) else None, len(pairs)

    # -- targets

    def check_possible(self, why: Why, state: State) -> None:
        """Raises TargetError if a state could never be explained so, or CapabilityError by this model."""
        self._points.model.require("gradients")
        from xcrystal.explanation.methods import check
        from xcrystal.explanation.targets import of_one_crystal, target_of

        check(why.method, why.level, why.baseline)
        target = self._target(why.target, state)
        if isinstance(target, str) and not of_one_crystal(target):
            target_of(differentiable(self._points.model), target, None, self._points.atlas)

    def _target(self, name: str, state: State) -> str | Target:
        """What the core can explain, of a target that only an explorer knows."""
        from xcrystal.explanation.targets import direction_target, distance_target

        anchor = self._anchor(name, state)
        if name.startswith(DISTANCE):
            return replace(
                distance_target(differentiable(self._points.model), np.asarray(getattr(anchor, "z", anchor))), name=name
            )
        return replace(direction_target(anchor), name=name) if name.startswith(ALONG) else name  # type: ignore[arg-type]

    def _anchor_or_none(self, state: State) -> object:
        try:
            return None if state.why is None else self._anchor(state.why.target, state)
        except XCrystalError:  # it is gone
            return None

    def _anchor(self, name: str, state: State) -> Point | Axis | np.ndarray | None:
        """What else in a state a target depends on: an end of a path, a known latent vector, or an axis."""
        if name.startswith(DISTANCE):
            other = name.removeprefix(DISTANCE)
            if other in ("A", "B"):
                end = state.ends["AB".index(other)]
                if end is None:
                    raise TargetError(f"There is no distance to {other}: it has not been set in the tab Path.")
                return end
            row = self._points.atlas.row(other)
            return self._vectors.setdefault(row, self._points.atlas.z[row])
        if name.startswith(ALONG):
            axis = name.removeprefix(ALONG)
            return next((concept for concept in state.concepts if concept.name == axis), None) or self._sliders.axis(
                axis
            )
        return None


def command_of(why: Why | None) -> Explain:
    """The act that explains something."""
    return Explain(None) if why is None else Explain(**vars(why))


def known_method(name: str) -> bool:
    """Whether there is such a method of attribution."""
    from xcrystal.explanation.methods import METHODS

    return name in METHODS
