"""Exercises that check themselves: hints instead of tracebacks, and right answers that are computed, never stored.

>>> from xcrystal import teaching
>>> check = teaching.exercise("first look")
>>> check("a", 128)                 # as the last line of a notebook cell: a verdict, with a hint if it is not right
>>> check.hint("a")                 # one more hint each time
>>> check.progress()                # what is done, and what is left
"""

from __future__ import annotations

from xcrystal.teaching.exercises import Exercise, exercise
from xcrystal.teaching.questions import Array, Choice, Count, Formula, Names, Number, Question, Task

__all__ = ["Array", "Choice", "Count", "Exercise", "Formula", "Names", "Number", "Question", "Task", "exercise"]
