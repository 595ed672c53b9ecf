"""Kinds of questions: each reads an answer, compares it with the computed one, and knows the usual slips."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

# what a number is multiplied with when it is given in another unit, and how to say so
_OTHER_UNITS: dict[str, tuple[tuple[float, str], ...]] = {
    "eV/atom": ((1000.0, "This looks like meV an atom; the question asks for eV an atom."),),
    "eV": ((1000.0, "This looks like meV; the question asks for eV."),),
    "Å": (
        (0.1, "This looks like nanometres; the question asks for Å."),
        (100.0, "This looks like picometres; the question asks for Å."),
    ),
    "Å3": ((0.001, "This looks like cubic nanometres; the question asks for cubic Å."),),
    "degrees": ((math.pi / 180, "This looks like radians; the question asks for degrees."),),
    "share": ((100.0, "This looks like per cent; a share is a number between 0 and 1."),),
    "per cent": ((0.01, "This looks like a share between 0 and 1; the question asks for per cent."),),
}
_NEAR = 5.0  # tolerances that are nearly right


class NotUnderstood(Exception):
    """An answer that is of another kind than what was asked for; the message says what was expected."""


@dataclass(frozen=True, eq=False, repr=False)
class Question:
    """A question of an exercise; what it shows of itself is only what it asks.

    Attributes
    ----------
    words
        What it asks, in a few words.
    answer
        Computes the right answer, when it is first needed.
    hints
        Given one by one to those who ask for them.
    after
        What is said when the answer is right: why it matters.
    """

    words: str
    answer: Callable[[], Any]
    hints: tuple[str, ...] = ()
    after: str = ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.words!r})"

    @cached_property
    def truth(self) -> Any:
        """The right answer."""
        return self.answer()

    def prepare(self) -> None:
        """Compute what a judgement needs, so that an error in that is not taken for the student's."""
        _ = self.truth

    def complaint(self, given: Any) -> str:
        """What is wrong with an answer; empty if it is right.

        Raises
        ------
        NotUnderstood
            If the answer is of another kind than what was asked for.
        """
        raise NotImplementedError


@dataclass(frozen=True, eq=False, repr=False)
class Number(Question):
    """A number, right within a tolerance.

    Attributes
    ----------
    unit
        "eV/atom", "eV", "Å", "Å3", "degrees", "share", "per cent", or empty; other units are recognised.
    relative, absolute
        Right is what differs from the answer by at most ``relative`` of its size, or by ``absolute``.
    slips
        Computes what usual mistakes give: what to say, and the number that tells that it was made.
    """

    unit: str = ""
    relative: float = 0.01
    absolute: float = 1e-9
    slips: Callable[[], Mapping[str, float]] = dict

    @cached_property
    def usual(self) -> Mapping[str, float]:
        """The usual mistakes."""
        return self.slips()

    def prepare(self) -> None:
        """As for any question."""
        _ = self.truth, self.usual

    def complaint(self, given: Any) -> str:
        """What is wrong with a number."""
        value, right = number(given), float(self.truth)
        if self._same(value, right):
            return ""
        for words, wrong in self.usual.items():
            if self._same(value, wrong) and not self._same(wrong, right):
                return words
        if self._same(value, -right):
            return "The size is right, the sign is not. What is subtracted from what?"
        for factor, words in _OTHER_UNITS.get(self.unit, ()):
            if self._same(value / factor, right):
                return words
        if abs(value - right) <= _NEAR * self._tolerance(right):
            return "Very near, but not within the tolerance. Were numbers rounded on the way?"
        if value * right < 0:
            return "The sign is not right, and neither is the size."
        if right and not 0.1 < abs(value / right) < 10:
            return "This is not even the right order of magnitude." + " Is the unit right?" * bool(self.unit)
        return "The sign and the order of magnitude are right, the number is not."

    def _tolerance(self, right: float) -> float:
        return max(self.relative * abs(right), self.absolute)

    def _same(self, value: float, other: float) -> bool:
        return abs(value - other) <= self._tolerance(other)


@dataclass(frozen=True, eq=False, repr=False)
class Count(Number):
    """A whole number, right only exactly."""

    relative: float = 0.0
    absolute: float = 1e-6

    def complaint(self, given: Any) -> str:
        """What is wrong with a count."""
        value = number(given)
        if abs(value - round(value)) > 1e-6:
            return "This is something to count, so the answer is a whole number."
        if value < 0:
            return "A count is not negative."
        usual = super().complaint(value)
        if not usual or usual in self.usual:
            return usual
        if abs(value - float(self.truth)) == 1:
            return "Off by one."
        return "Not that many. Print what you count, and look at it."


@dataclass(frozen=True, eq=False, repr=False)
class Choice(Question):
    """One of several options.

    Attributes
    ----------
    options
        Each with what is said to those who choose it wrongly.
    """

    options: Mapping[str, str] = field(default_factory=dict)

    def complaint(self, given: Any) -> str:
        """What is wrong with a choice."""
        if not isinstance(given, str):
            raise NotUnderstood(f"Choose one of the options, as text in quotes: {_listed(self.options)}.")
        same = {plain(option): option for option in self.options}
        if plain(given) not in same:
            raise NotUnderstood(f"That is none of the options: {_listed(self.options)}.")
        chosen = same[plain(given)]
        if plain(chosen) == plain(str(self.truth)):
            return ""
        return self.options[chosen] or "It is another one."


@dataclass(frozen=True, eq=False, repr=False)
class Names(Question):
    """A set of names, in any order."""

    def complaint(self, given: Any) -> str:
        """What is wrong with a set of names."""
        if isinstance(given, str):
            given = given.split(",")
        if not isinstance(given, Iterable) or isinstance(given, (bytes, Mapping)):
            raise NotUnderstood("Give the names as a list of texts.")
        names = list(given)
        if not all(isinstance(name, str) for name in names):
            raise NotUnderstood("Each name is a text in quotes.")
        found, right = {plain(name) for name in names}, {plain(name) for name in self.truth}
        if found == right:
            return ""
        missing, wrong = len(right - found), len(found - right)
        verb = "does" if wrong == 1 else "do"
        parts = [f"{missing} missing"] * bool(missing) + [f"{wrong} that {verb} not belong there"] * bool(wrong)
        return f"{len(found & right)} right, {' and '.join(parts)}."


@dataclass(frozen=True, eq=False, repr=False)
class Formula(Question):
    """A chemical formula, in any order and any multiple."""

    def complaint(self, given: Any) -> str:
        """What is wrong with a formula."""
        from pymatgen.core import Composition

        if hasattr(given, "composition"):
            given = given.composition
        try:
            found = given if isinstance(given, Composition) else Composition(str(given))
        except ValueError:
            found = Composition()
        if not found.valid or not found:
            raise NotUnderstood('Give a formula as text in quotes, such as "MgO".')
        right = Composition(self.truth)
        if found.reduced_composition == right.reduced_composition:
            return ""
        if set(found) == set(right):
            return "These elements, but not in these numbers."
        common = len(set(found) & set(right))
        return "Another one." if not common else f"Another one, though {common} of its elements are right."


@dataclass(frozen=True, eq=False, repr=False)
class Array(Question):
    """An array of numbers.

    Attributes
    ----------
    absolute
        Largest difference of an entry.
    """

    absolute: float = 1e-4

    def complaint(self, given: Any) -> str:
        """What is wrong with an array."""
        try:
            values = np.asarray(given.detach().cpu() if hasattr(given, "detach") else given, dtype=float)
        except (TypeError, ValueError):
            raise NotUnderstood("Give an array of numbers.") from None
        right = np.asarray(self.truth, dtype=float)
        if values.size == right.size and values.squeeze().shape == right.squeeze().shape:
            values = values.reshape(right.shape)  # one row, or one column, is as good as the numbers themselves
        if values.shape != right.shape:
            if values.shape == right.T.shape:
                return "Rows and columns are exchanged."
            return f"The array has the shape {values.shape}, another one than was asked for."
        if not np.isfinite(values).all():
            return "There is a number in it that is not finite."
        if self._same(values, right):
            return ""
        if self._same(values[::-1], right):
            return "The order is reversed."
        if self._same(-values, right):
            return "The signs are reversed."
        off = int((np.abs(values - right) > self.absolute).sum())
        return f"The shape is right; {off} of {right.size} numbers are not."

    def _same(self, values: np.ndarray, right: np.ndarray) -> bool:
        return bool((np.abs(values - right) <= self.absolute).all())


@dataclass(frozen=True, eq=False, repr=False)
class Task(Question):
    """Something to make, which can be done in many ways: ``judge`` says what is wrong with it, or nothing.

    It gets the answer and what ``answer`` computed, such as where to start from.
    """

    judge: Callable[[Any, Any], str] = lambda given, known: ""

    def complaint(self, given: Any) -> str:
        """What is wrong with what was made."""
        return self.judge(given, self.truth)


def number(given: Any) -> float:
    """A plain number of what a student gives: a Python or numpy number, or an array that holds just one.

    Raises
    ------
    NotUnderstood
        In words, for everything else.
    """
    if isinstance(given, (bool, np.bool_)):
        raise NotUnderstood("True and False are no numbers; give the number itself.")
    if isinstance(given, str):
        raise NotUnderstood("This is text. Give a number, without quotes and without a unit.")
    if callable(given):
        raise NotUnderstood("This is a function. Did you forget the brackets () that call it?")
    if isinstance(given, Mapping):
        raise NotUnderstood("This is a dict. Pick the one value that the question asks for.")
    if not isinstance(given, numbers.Number):
        try:
            array = np.asarray(given.detach().cpu() if hasattr(given, "detach") else given)
        except (TypeError, ValueError):
            raise NotUnderstood("Give a single number.") from None
        if array.dtype.kind not in "iuf":
            raise NotUnderstood(f"Give a number, not a {type(given).__name__}.")
        if array.size != 1:
            raise NotUnderstood(f"These are {array.size} numbers; the question asks for one.")
        given = array.reshape(-1)[0]
    if isinstance(given, (complex, np.complexfloating)):
        raise NotUnderstood("This is a complex number; give a real one.")
    try:
        value = float(given)
    except OverflowError:
        raise NotUnderstood("This number is too large to be true.") from None
    if not math.isfinite(value):
        raise NotUnderstood("This is not a finite number (NaN or infinite). Was something divided by zero?")
    return value


def plain(name: str) -> str:
    """A name without regard to capitals, spaces and hyphens."""
    return "".join(name.casefold().replace("-", " ").replace("_", " ").split())


def _listed(options: Iterable[str]) -> str:
    return ", ".join(f'"{option}"' for option in options)
