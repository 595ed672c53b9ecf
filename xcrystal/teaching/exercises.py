"""An exercise: its questions, what was answered, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from xcrystal.errors import TargetError
from xcrystal.teaching.questions import NotUnderstood, Question
from xcrystal.teaching.students import student as student_of
from xcrystal.teaching.verdicts import HINT, RIGHT, UNANSWERED, UNCLEAR, WRONG, Progress, Verdict

LESSONS = {
    "first look": "xcrystal.teaching.first_look",
    "representations": "xcrystal.teaching.representations",
    "autoencoder": "xcrystal.teaching.autoencoder",
    "walking": "xcrystal.teaching.walking",
    "why": "xcrystal.teaching.why",
    "any good": "xcrystal.teaching.any_good",
    "diffraction": "xcrystal.teaching.powder_patterns",
    "design": "xcrystal.teaching.wishes",
    "families": "xcrystal.teaching.generator_families",
    "structure prediction": "xcrystal.teaching.structure_prediction",
    "stability": "xcrystal.teaching.stability",
    "defects": "xcrystal.teaching.defects_and_synthesis",
}
_open: dict[tuple[str, int], Exercise] = {}  # by name and the student's seed


class Exercise:
    """Questions with checks; called with a question's letter and an answer it says what it thinks of it.

    A wrong answer never raises an error, whatever it is; ``...`` is none at all.

    Parameters
    ----------
    title
        Of the exercise.
    questions
        By their letters.
    given
        What this student's exercise is about, by name: a formula, a system, a crystal.
    """

    def __init__(self, title: str, questions: Mapping[str, Question], given: Mapping[str, Any] | None = None) -> None:
        self.title, self.questions, self.given = title, dict(questions), dict(given or {})
        self.verdicts: dict[str, Verdict] = {}
        self._given: dict[str, int] = {}

    def __repr__(self) -> str:
        return repr(self.progress())

    def __call__(self, key: str, answer: Any = ...) -> Verdict:
        """Check an answer."""
        question = self.questions.get(key) if isinstance(key, str) else None
        if question is None:
            return self._unknown(key)
        verdict = self._verdict(key, question, answer)
        self.verdicts[key] = verdict
        return verdict

    def hint(self, key: str) -> Verdict:
        """The next hint for a question; after the last one they begin again."""
        question = self.questions.get(key) if isinstance(key, str) else None
        if question is None:
            return self._unknown(key)
        if not question.hints:
            return Verdict(key, HINT, "There is no hint for this one; the text above has all that it takes.")
        given = self._given.get(key, 0)
        self._given[key] = given + 1
        place = given % len(question.hints)
        return Verdict(key, HINT, f"({place + 1} of {len(question.hints)}) {question.hints[place]}")

    def progress(self) -> Progress:
        """What is done, and what is left."""
        states = {key: self.verdicts[key].state if key in self.verdicts else UNANSWERED for key in self.questions}
        return Progress(self.title, [(key, question.words, states[key]) for key, question in self.questions.items()])

    def _verdict(self, key: str, question: Question, answer: Any) -> Verdict:
        if answer is ...:
            return Verdict(key, UNANSWERED, "Put your answer in place of the three dots.")
        if answer is None:
            return Verdict(key, UNCLEAR, "This is None: was something printed instead of kept, or a return forgotten?")
        question.prepare()
        try:
            complaint = question.complaint(answer)
        except NotUnderstood as error:
            return Verdict(key, UNCLEAR, str(error))
        except Exception as error:  # noqa: BLE001 - what a student hands in may raise anything when it is looked at
            return Verdict(key, UNCLEAR, f"A {type(answer).__name__} cannot be checked here ({type(error).__name__}).")
        return Verdict(key, WRONG, complaint) if complaint else Verdict(key, RIGHT, question.after)

    def _unknown(self, key: Any) -> Verdict:
        return Verdict(
            str(key)[:20], UNCLEAR, f"There is no such question here; there are {', '.join(self.questions)}."
        )


def exercise(name: str, fresh: bool = False, student: str | int = "") -> Exercise:
    """The exercise of a notebook.

    Parameters
    ----------
    name
        One of ``LESSONS``: "first look", "representations", "stability", ...
    fresh
        Begin anew; otherwise what was answered before, in the same kernel, is kept.
    student
        A name or a number: exercises that can be had with several crystals (``given`` names them) draw those of this
        student. Without it all have the same ones.

    Raises
    ------
    TargetError
        If there is no such exercise, or the student is neither a name nor a number.
    """
    if name not in LESSONS:
        raise TargetError(f"There is no exercise {name!r}; there are: {', '.join(LESSONS)}.")
    who = student_of(student)
    key = name, who.seed
    if fresh or key not in _open:
        lesson = import_module(LESSONS[name])
        given = lesson.given(who) if hasattr(lesson, "given") else {}
        _open[key] = Exercise(lesson.TITLE, lesson.questions(**given), given)
    return _open[key]


def opened() -> list[Exercise]:
    """All exercises that were opened in this kernel."""
    return list(_open.values())
