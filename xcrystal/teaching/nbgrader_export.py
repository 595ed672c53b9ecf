"""Exercises as nbgrader takes them: what is to be solved, and hidden tests that grade it.

Made of the solved notebooks. The format is that of cell metadata, version 3, of nbgrader, which need not be installed.
A visible test says whether an answer is understood; whether it is right stays hidden until it is graded.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from xcrystal.crystal.files import read_whole, replacing
from xcrystal.errors import ReadError

_SOLVED = "### BEGIN SOLUTION\n{}\n### END SOLUTION"
_CHECK = re.compile(r'^check\("(\w+)", (\w+)\)$', re.MULTILINE)
_NAME = re.compile(r"[^A-Za-z0-9_-]+")


def nbgrader_assignment(solution: str | Path, folder: str | Path) -> Path:
    """Write a solved exercise as the source of an nbgrader assignment.

    ``nbgrader generate_assignment NAME`` then makes the students' version: solutions and hidden tests are taken out.

    Parameters
    ----------
    solution
        A notebook of ``notebooks/solutions``. Lines that the notebook of the same name in ``exercises``, beside that
        folder, gives to students stay given.
    folder
        Of the course; the notebook goes to ``source/NAME/NAME.ipynb`` in it.

    Returns
    -------
    pathlib.Path
        The notebook.

    Raises
    ------
    ReadError
        If it is no solved exercise.
    """
    file = Path(solution)
    notebook = _read(file)
    exercise = file.resolve().parent.parent / "exercises" / file.name
    given = _given(_read(exercise)["cells"]) if exercise.is_file() else {}
    made = [part for cell in notebook["cells"] for part in _parts(cell, given)]
    if not any(cell["metadata"].get("nbgrader", {}).get("grade") for cell in made):
        raise ReadError(f"{file.name} checks no answers; take a notebook of notebooks/solutions.")
    name = _NAME.sub("-", file.stem)
    out = Path(folder) / "source" / name / f"{name}.ipynb"
    out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as part:
        part.write_text(json.dumps({**notebook, "cells": made}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return out


def _read(file: Path) -> dict[str, Any]:
    try:
        notebook: dict[str, Any] = json.loads(read_whole(file).decode("utf-8"))
        notebook["cells"]
    except (ValueError, KeyError, TypeError) as error:
        raise ReadError(f"{file.name} is no notebook.") from error
    return notebook


def _given(cells: list[dict[str, Any]]) -> dict[str, set[str]]:
    """The lines that students are given with each question, by its letter."""
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    checked = [(source, found) for source in sources if (found := _CHECK.search(source))]
    return {found[1]: set(source.splitlines()) - {found[0], f"{found[2]} = ..."} for source, found in checked}


def _solved(lines: list[str], given: set[str]) -> list[str]:
    """Marks what students shall find themselves; what they are given stays outside."""
    runs = ((known, "\n".join(run)) for known, run in groupby(lines, given.__contains__))
    return [run if known else _SOLVED.format(run) for known, run in runs]


def _parts(cell: dict[str, Any], given: Mapping[str, set[str]]) -> list[dict[str, Any]]:
    """The cells that a cell becomes: of one that checks an answer, the answer and its test."""
    source = "".join(cell["source"])
    found = _CHECK.search(source) if cell["cell_type"] == "code" else None
    if found is None:
        plain = copy.deepcopy(cell)
        plain["source"] = source.replace(
            "*The solved exercise, for teachers, and for comparing afterwards.*", ""
        ).rstrip()
        return [plain]
    key, name = found.groups()
    solved = _solved(_CHECK.sub("", source).rstrip().splitlines(), given.get(key, set()))
    answer = "\n".join([f"{name} = ...", *solved])
    test = (
        f'assert check("{key}", {name}).state not in ("unanswered", "unclear"), check.verdicts["{key}"].words\n'
        f'### BEGIN HIDDEN TESTS\nassert check("{key}", {name}).right, check.verdicts["{key}"].words\n'
        f"### END HIDDEN TESTS"
    )
    return [_graded(cell, f"answer-{key}", answer, solution=True), _graded(cell, f"test-{key}", test, solution=False)]


def _graded(cell: dict[str, Any], name: str, source: str, solution: bool) -> dict[str, Any]:
    marks: dict[str, Any] = {
        "schema_version": 3,
        "grade_id": name,
        "solution": solution,
        "grade": not solution,
        "locked": not solution,
        "task": False,
    }
    if not solution:
        marks["points"] = 1
    made = {**copy.deepcopy(cell), "source": source, "outputs": [], "execution_count": None}
    made["metadata"] = {**made["metadata"], "nbgrader": marks}
    made["id"] = f"{cell.get('id', 'cell')}-{name}"[:64]
    return made
