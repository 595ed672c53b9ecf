"""Exercises that check themselves: hints instead of tracebacks, and right answers that are computed, never stored.

>>> from xcrystal import teaching
>>> check = teaching.exercise("first look")
>>> check("a", 128)                 # as the last line of a notebook cell: a verdict, with a hint if it is not right
>>> check.hint("a")                 # one more hint each time
>>> check.progress()                # what is done, and what is left
>>> teaching.save_progress("ada.csv", "Ada")  # all that was answered in this notebook, for the teacher
"""

from __future__ import annotations

from xcrystal.teaching.exercises import Exercise, exercise
from xcrystal.teaching.guesses import Guess, guess
from xcrystal.teaching.progress_records import progress, save_progress
from xcrystal.teaching.questions import Array, Choice, Count, Formula, Names, Number, Question, Task
from xcrystal.teaching.quizzes import Quiz, Score, gain, quiz
from xcrystal.teaching.students import Student, student

__all__ = [
    "Array",
    "Choice",
    "Count",
    "Exercise",
    "Formula",
    "Guess",
    "Names",
    "Number",
    "Question",
    "Quiz",
    "Score",
    "Student",
    "Task",
    "exercise",
    "gain",
    "guess",
    "progress",
    "quiz",
    "save_progress",
    "student",
]
