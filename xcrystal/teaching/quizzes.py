"""A quiz before and after the course: twelve questions with four options each, scored by itself.

Before, it only counts; after, it also says what is wrong with a wrong option. The order of the options depends on the
student, so that letters cannot be passed on.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from xcrystal.errors import TargetError, check_one_of
from xcrystal.teaching.questions import plain
from xcrystal.teaching.students import Student
from xcrystal.teaching.students import student as student_of

BEFORE, AFTER = "before", "after"
_LETTERS = "abcd"


@dataclass(frozen=True)
class Item:
    """A question of the quiz.

    Attributes
    ----------
    goal
        Which learning goal it belongs to, with its lessons.
    words
        What is asked.
    options
        Four answers, each with what is wrong with it; the right one has "".
    """

    goal: str
    words: str
    options: Mapping[str, str]

    @property
    def right(self) -> str:
        """The right answer."""
        return next(option for option, wrong in self.options.items() if not wrong)


ITEMS = (
    Item(
        "Representation (2)",
        "A crystal is written once in a primitive cell and once in a supercell. What should its latent vectors do?",
        {
            "agree": "",
            "differ by the number of atoms": "The crystal is the same; only the description has more atoms.",
            "be the one a multiple of the other": "The crystal is the same; nothing of it is doubled.",
            "depend on who wrote the file": "That is what an encoder should take out.",
        },
    ),
    Item(
        "Representation (2)",
        "Why is a crystal described by its space group and orbits, and not by a list of atoms?",
        {
            "what symmetry fixes need not be predicted": "",
            "lists of atoms cannot be stored": "CIF files of lists are common.",
            "orbits hold the band gap": "No description of a structure holds a property.",
            "it makes all crystals cubic": "Any of the 230 space groups can be described.",
        },
    ),
    Item(
        "Generative models (3)",
        "A variational autoencoder is trained with a larger weight of its KL term. What happens?",
        {
            "samples are more alike known crystals, reconstruction gets worse": "",
            "reconstruction gets better": "That term pulls latent vectors together, and takes room from details.",
            "nothing; the term is a constant": "It depends on each latent distribution.",
            "the map becomes larger": "A map is drawn afterwards, and has no units.",
        },
    ),
    Item(
        "Map (1, 4)",
        "Two crystals lie far apart on a UMAP map. What follows?",
        {
            "little: distances on the map mean little": "",
            "their properties differ": "Far points may be alike; compare properties themselves.",
            "one of them is wrong": "A place says nothing of right or wrong.",
            "there is a crystal between them": "Between two points there may be nothing.",
        },
    ),
    Item(
        "Latent space (4)",
        "Halfway between the latent vectors of two crystals, the decoder gives a crystal. What is it?",
        {
            "a suggestion that has to be checked": "",
            "an alloy of the two": "Elements are chosen, not mixed.",
            "a stable compound": "Nothing made it stable.",
            "the transition state between them": "No reaction was followed.",
        },
    ),
    Item(
        "Explanation (5)",
        "An attribution says that titanium accounts for most of a predicted energy. What has to be named with it?",
        {
            "the baseline that it is compared with": "",
            "the colour scale": "A colour scale shows; it does not say compared with what.",
            "the number of atoms": "Scores differ with the baseline, not with the number.",
            "the space group": "Another crystal as the baseline gives other scores.",
        },
    ),
    Item(
        "Explanation (5)",
        "What does an attribution explain?",
        {
            "why this network predicts what it predicts": "",
            "why nature prefers this crystal": "Nature was not asked, only a network.",
            "which atom to replace for a better material": "That has to be tried: a score is no forecast.",
            "how sure the prediction is": "That is what an interval is for.",
        },
    ),
    Item(
        "Evaluation (6)",
        '"95 % of our samples are valid, unique and novel." What does that say of stability?',
        {
            "nothing": "",
            "95 % are stable": "None of the three words is about energy.",
            "they can be made": "Not even stable ones always can.",
            "at least half are stable": "There is no such rule.",
        },
    ),
    Item(
        "Evaluation (6, 11)",
        "Of ten test crystals, eight are reconstructed; another model does seven. Which is better?",
        {
            "ten crystals cannot tell": "",
            "the first, by ten per cent": "The 95 % interval of 8 of 10 goes from about 0.5 to 0.9.",
            "the second, since it is more modest": "Modesty does not reconstruct.",
            "the first, surely": "One crystal more or less is chance.",
        },
    ),
    Item(
        "Structure prediction (11)",
        'A proposal "matches" the known crystal, by the usual tolerances. What can still be wrong?',
        {
            "its volume, its symmetry, and which element sits where": "",
            "nothing; a match is a match": "Volumes are rescaled before, and the tolerance is wide.",
            "only its colour": "Structures have none.",
            "its composition": "Other compositions are never compared.",
        },
    ),
    Item(
        "Stability (12)",
        "A compound has a formation energy of -1 eV/atom. Is it stable?",
        {
            "that depends on what else its elements can form": "",
            "yes, since it is negative": "It beats its elements; other compounds may beat it.",
            "no, since -1 is too little": "There is no such threshold.",
            "only above room temperature": "Formation energies here are at 0 K, and the hull decides.",
        },
    ),
    Item(
        "Synthesis (13)",
        "Diamond lies above graphite in energy. What does it teach?",
        {
            "what is metastable can exist and last": "",
            "diamond does not exist": "Look at a ring.",
            "that it will soon turn into graphite": "The barrier is too high at room temperature.",
            "whatever lies a little above the hull can be made": "One example makes no rule.",
        },
    ),
)


@dataclass(frozen=True)
class Score:
    """What came out of a quiz.

    Attributes
    ----------
    when
        "before" or "after".
    right, total
        How many questions were answered right, and how many there are.
    remarks
        After the course, what is wrong with each wrong answer, by the question's number; before it, none.
    """

    when: str
    right: int
    total: int
    remarks: Mapping[int, str]

    def __repr__(self) -> str:
        lines = [f"Quiz {self.when} the course: {self.right} of {self.total} right"]
        return "\n".join([*lines, *(f"{number}: {words}" for number, words in self.remarks.items())])

    def _repr_html_(self) -> str:
        rows = "".join(f'<li value="{number}">{escape(words)}</li>' for number, words in self.remarks.items())
        return (
            f'<div role="status"><b>Quiz {escape(self.when)} the course: {self.right} of {self.total} right</b>'
            f"{f'<ol>{rows}</ol>' if rows else ''}</div>"
        )


class Quiz:
    """The twelve questions, and what was answered.

    Parameters
    ----------
    when
        "before" or "after" the course.
    student
        Whose it is; see ``teaching.student``.
    """

    def __init__(self, when: str, student: Student) -> None:
        self.when, self.student = when, student
        self.answers: dict[int, str] = {}
        # no secret is kept by this order, so a plain generator will do
        shuffled = random.Random(student.seed)
        self.options = {number: _shuffled(item, shuffled) for number, item in enumerate(ITEMS, start=1)}

    def answer(self, number: int, option: str) -> None:
        """Answer a question; a later answer takes the place of an earlier one.

        Parameters
        ----------
        number
            Of the question, from 1.
        option
            Its letter, or its words.

        Raises
        ------
        TargetError
            If there is no such question or option.
        """
        if number not in self.options:
            raise TargetError(f"There is no question {number}; there are 1 to {len(self.options)}.")
        options = self.options[number]
        named = dict(zip(_LETTERS, options, strict=True)) | {plain(words): words for words in options}
        if plain(str(option)) not in named:
            raise TargetError(f"Question {number} has the options a to d, not {str(option)[:40]!r}.")
        self.answers[number] = named[plain(str(option))]

    def score(self) -> Score:
        """How many are right; what is not answered is wrong.

        Raises
        ------
        TargetError
            If nothing was answered.
        """
        if not self.answers:
            raise TargetError('Nothing is answered yet; quiz.answer(1, "a") answers the first question.')
        wrong = {n: ITEMS[n - 1].options[words] for n, words in self.answers.items() if words != ITEMS[n - 1].right}
        right = len(self.answers) - len(wrong)
        return Score(self.when, right, len(ITEMS), dict(sorted(wrong.items())) if self.when == AFTER else {})

    def __repr__(self) -> str:
        lines = [f"Quiz {self.when} the course, {len(self.answers)} of {len(ITEMS)} answered"]
        for number, options in self.options.items():
            lines += [f"{number}. {ITEMS[number - 1].words}", *map("   {}) {}".format, _LETTERS, options)]
        return "\n".join(lines)


_taken: dict[tuple[str, int], Quiz] = {}


def quiz(when: str = BEFORE, student: str | int = "", fresh: bool = False) -> Quiz:
    """The quiz before or after the course.

    ``xc.quiz`` shows it as a form.

    Parameters
    ----------
    when
        "before" or "after".
    student
        A name or a number, on which the order of the options depends.
    fresh
        Begin anew; otherwise what was answered in this kernel is kept.

    Raises
    ------
    TargetError
        If ``when`` is neither.
    """
    check_one_of(when, (BEFORE, AFTER), "quiz")
    who = student_of(student)
    key = when, who.seed
    if fresh or key not in _taken:
        _taken[key] = Quiz(when, who)
    return _taken[key]


def taken() -> list[Quiz]:
    """All quizzes of this kernel in which something was answered."""
    return [found for found in _taken.values() if found.answers]


def gain(before: Score, after: Score) -> float:
    """Normalised gain: the share of what could be gained that was (R. R. Hake, Am. J. Phys. 66, 64, 1998).

    1 means that all is right afterwards, 0 that nothing was gained; NaN if all was right before.
    """
    missing = before.total - before.right
    return (after.right - before.right) / missing if missing else float("nan")


def _shuffled(item: Item, order: random.Random) -> Sequence[str]:
    options = list(item.options)
    order.shuffle(options)
    return tuple(options)
