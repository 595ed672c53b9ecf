"""The exercise notebooks: solved, every check passes; as they are handed out, none does, and nothing breaks.

All run in one process, each in a name space of its own, so that the model is opened once; that notebooks run in a
kernel of their own is tested for one of them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell

from tests.test_notebooks import clean, run_in_a_kernel
from xcrystal.teaching.exercises import LESSONS
from xcrystal.teaching.verdicts import UNANSWERED, Progress, Verdict

FOLDER = Path(__file__).parents[1] / "notebooks"
EXERCISES = sorted((FOLDER / "exercises").glob("*.ipynb"))
SOLUTIONS = sorted((FOLDER / "solutions").glob("*.ipynb"))


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """An IPython as a kernel has one, in an empty folder, and without a network."""
    monkeypatch.chdir(tmp_path)
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # which it replaces, and empties in the end
    found = InteractiveShell()
    yield found
    found.reset(new_session=False)
    if found.history_manager is not None:
        found.history_manager.end_session()


def results(path: Path, shell: InteractiveShell) -> list[object]:
    """What the code cells of a notebook end with, run from top to bottom."""
    found = []
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        ran = shell.run_cell(cell.source)
        assert ran.success, f"{path.name}:\n{cell.source}\n{ran.error_in_exec or ran.error_before_exec!r}"
        found.append(ran.result)
    return found


def test_there_are_exercises_and_each_has_its_solution() -> None:
    assert len(EXERCISES) == len(LESSONS) >= 5
    assert [path.name for path in EXERCISES] == [path.name for path in SOLUTIONS]


@pytest.mark.parametrize("path", EXERCISES + SOLUTIONS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_it_is_clean(path: Path) -> None:
    clean(path)


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_an_exercise_and_its_solution_differ_only_in_what_is_asked(path: Path) -> None:
    one, other = (nbformat.read(p, as_version=4).cells for p in (path, FOLDER / "solutions" / path.name))
    assert [cell.id for cell in one] == [cell.id for cell in other]
    for asked, solved in zip(one[1:], other[1:], strict=True):
        if asked.source == solved.source:
            assert "= ...\n" not in asked.source
        else:
            assert "= ...\ncheck(" in asked.source and "..." not in solved.source
    assert "After this exercise you can" in one[0].source
    assert sum("Pictures(" in cell.source for cell in one) >= 1


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_every_check_passes_in_the_solution(path: Path, shell: InteractiveShell) -> None:
    found = results(path, shell)
    verdicts = [result for result in found if isinstance(result, Verdict)]
    assert [v for v in verdicts if not v.right] == []
    assert isinstance(found[-1], Progress) and found[-1].done
    assert len(verdicts) == len(found[-1].rows) >= 5


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_an_unanswered_exercise_runs_and_passes_no_check(path: Path, shell: InteractiveShell) -> None:
    found = results(path, shell)
    verdicts = [result for result in found if isinstance(result, Verdict)]
    assert len(verdicts) >= 5
    assert {verdict.state for verdict in verdicts} == {UNANSWERED}
    assert isinstance(found[-1], Progress) and found[-1].right == 0


def test_a_solution_runs_in_a_kernel(tmp_path: Path) -> None:
    shown = run_in_a_kernel(FOLDER / "solutions" / "05_why.ipynb", tmp_path)
    texts = [output.get("data", {}).get("text/plain", "") for cell in shown for output in cell.outputs]
    assert any(text.startswith("Why does it say so?: 6 of 6 right") for text in texts)
    assert any("<figure" in output.get("data", {}).get("text/html", "") for cell in shown for output in cell.outputs)
