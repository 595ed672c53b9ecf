"""What a student has done, as a file for the teacher: exercises, quizzes and guesses."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xcrystal.crystal.collections.tables import csv_text
from xcrystal.crystal.files import replacing
from xcrystal.errors import TargetError
from xcrystal.teaching.exercises import opened
from xcrystal.teaching.guesses import kept
from xcrystal.teaching.quizzes import ITEMS, taken
from xcrystal.teaching.students import student as student_of

COLUMNS = ("student", "kind", "title", "question", "words", "state")


def progress(student: str | int = "") -> list[dict[str, Any]]:
    """All that was answered in this kernel: a row for each question.

    Parameters
    ----------
    student
        Whose it is; only a label.

    Returns
    -------
    list of dict
        ``student``, ``kind`` ("exercise", "quiz" or "guess"), ``title``, ``question``, ``words`` and ``state``.
    """
    name = student_of(student).name
    rows = []
    for exercise in opened():
        for key, words, state in exercise.progress().rows:
            rows.append((name, "exercise", exercise.title, key, words, state))
    for quiz in taken():
        for number, item in enumerate(ITEMS, start=1):
            given = quiz.answers.get(number)
            state = "unanswered" if given is None else "right" if given == item.right else "wrong"
            rows.append((name, "quiz", quiz.when, str(number), item.words, state))
    rows += [(name, "guess", g.guessed, "", g.question, "right" if g.right else "wrong") for g in kept()]
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def save_progress(path: str | Path, student: str | int = "") -> Path:
    """Write what was answered in this kernel to a file, CSV or JSON by its name.

    Parameters
    ----------
    path
        Ending in .csv or .json.
    student
        Whose it is.

    Raises
    ------
    TargetError
        If it ends otherwise, or nothing was answered.
    """
    import pandas as pd

    file = Path(path)
    if file.suffix not in (".csv", ".json"):
        raise TargetError(f"Progress is written as .csv or .json, not as {file.name!r}.")
    rows = progress(student)
    if not rows:
        raise TargetError("No exercise, quiz or guess was begun in this notebook yet, so there is nothing to write.")
    if file.suffix == ".json":
        saved = datetime.now(UTC).isoformat(timespec="seconds")
        text = json.dumps({"saved": saved, "rows": rows}, indent=1, ensure_ascii=False) + "\n"
    else:
        text = csv_text(pd.DataFrame(rows, columns=list(COLUMNS)))
    with replacing(file) as part:
        part.write_text(text, encoding="utf-8")
    return file
