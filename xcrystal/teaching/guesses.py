"""Predict, observe, explain: a guess is kept before the answer is shown (R. White and R. Gunstone, Probing
Understanding, Falmer Press, 1992).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from xcrystal.errors import TargetError
from xcrystal.teaching.questions import plain


@dataclass(frozen=True)
class Guess:
    """A question whose answer is shown only to those who have guessed.

    Attributes
    ----------
    question
        What is asked.
    options
        What can be guessed.
    answer
        What is so; one of the options.
    because
        Why.
    guessed, reason
        What was guessed and why; empty as long as nothing was.
    """

    question: str
    options: Sequence[str]
    answer: str
    because: str = ""
    guessed: str = ""
    reason: str = ""

    @property
    def right(self) -> bool:
        """Whether it was guessed right."""
        return plain(self.guessed) == plain(self.answer)

    def __repr__(self) -> str:
        if not self.guessed:
            return f"{self.question} Guess one of: {', '.join(self.options)}."
        told = "You guessed right" if self.right else f"You guessed {self.guessed!r}"
        return f"{self.question} {told}; it is {self.answer!r}. {self.because}".rstrip()


_kept: dict[str, Guess] = {}


def guess(question: str, options: Sequence[str], answer: str, because: str = "") -> Guess:
    """A question to guess at; what was guessed before, in the same kernel, is kept.

    ``xc.guess`` shows it with buttons.

    Parameters
    ----------
    question
        What is asked.
    options
        At least two.
    answer
        One of them.
    because
        Shown with the answer.

    Raises
    ------
    TargetError
        If the answer is none of the options, or there are fewer than two.
    """
    found = Guess(question, tuple(options), answer, because)
    if len(set(map(plain, found.options))) < 2 or plain(answer) not in map(plain, found.options):
        raise TargetError("A guess needs two different options at least, and the answer has to be one of them.")
    known = _kept.get(question)
    if known is not None and known.guessed not in found.options:  # the options were edited since
        del _kept[question]
        return found
    return found if known is None else replace(found, guessed=known.guessed, reason=known.reason)


def keep(question: Guess, option: str, reason: str = "") -> Guess:
    """Keep a guess; the first one counts, so that nobody guesses after the answer was shown.

    Parameters
    ----------
    question
        What was asked.
    option
        What is guessed.
    reason
        In the student's words.

    Raises
    ------
    TargetError
        If it is none of the options.
    """
    if question.question in _kept:
        return _kept[question.question]
    chosen = next((words for words in question.options if plain(words) == plain(option)), None)
    if chosen is None:
        raise TargetError(f"Guess one of: {', '.join(question.options)}.")
    _kept[question.question] = replace(question, guessed=chosen, reason=" ".join(reason.split())[:2000])
    return _kept[question.question]


def kept() -> list[Guess]:
    """All guesses of this kernel."""
    return list(_kept.values())
