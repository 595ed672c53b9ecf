"""What a course needs besides exercises: students' own crystals, guesses, a quiz, records, and grading by nbgrader."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest

import xcrystal as xc
from tests.markdown import ROOT
from xcrystal import teaching
from xcrystal.errors import ReadError, TargetError
from xcrystal.teaching import exercises, guesses, quizzes
from xcrystal.teaching.nbgrader_export import nbgrader_assignment
from xcrystal.teaching.stability import SYSTEMS, lowest

SOLUTION = ROOT / "notebooks" / "solutions" / "12_stability.ipynb"


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins with a kernel in which nothing was answered."""
    for module, name in ((exercises, "_open"), (guesses, "_kept"), (quizzes, "_taken")):
        monkeypatch.setattr(module, name, {})


def test_a_student_is_the_same_however_the_name_is_written() -> None:
    ada = teaching.student("Ada Lovelace")
    assert ada.seed == teaching.student("  ada   LOVELACE ").seed != teaching.student("Ada").seed
    assert teaching.student(17).seed == teaching.student("17").seed
    assert teaching.student().seed == 0 and teaching.student().pick("x", "abc") == "a"
    drawn = {teaching.student(k).pick("system", SYSTEMS) for k in range(40)}
    assert drawn == set(SYSTEMS)
    with pytest.raises(TargetError, match="name or a whole number"):
        teaching.student(1.5)  # type: ignore[arg-type]


def test_each_student_has_an_exercise_of_their_own() -> None:
    plain = teaching.exercise("stability")
    other = next(found for k in range(9) if (found := teaching.exercise("stability", student=k)).given != plain.given)
    assert plain.given["compound"] in plain.questions["a"].words
    assert other.given["compound"] in other.questions["a"].words
    assert teaching.exercise("stability") is plain
    assert teaching.exercise("diffraction", student="Ada").given == {}


@pytest.mark.parametrize("system", SYSTEMS, ids="-".join)
def test_the_lever_rule_gives_what_the_hull_gives(system: tuple[str, str, str]) -> None:
    """By hand: the line between the two phases on both sides."""
    check = exercises.Exercise("test", _stability(system))
    table = lowest(system[:2]).set_index("formula")
    left, right = sorted((table.loc[name, "x"], name) for name in check.questions["b"].truth)
    x, ends = table.loc[system[2], "x"], [table.loc[end[1]] for end in (left, right)]
    share = (x - ends[0]["x"]) / (ends[1]["x"] - ends[0]["x"])
    assert 0 < share < 1
    energy = sum(w * end["formation_energy_per_atom"] for w, end in zip((1 - share, share), ends, strict=True))
    assert check("c", energy).right and check("e", share).right
    assert check("d", table.loc[system[2], "formation_energy_per_atom"] - energy).right
    assert not check("e", 1 - share).right


def _stability(system: tuple[str, str, str]) -> dict[str, teaching.Question]:
    from xcrystal.teaching.stability import questions

    return dict(questions(system[:2], system[2]))


def test_the_answer_comes_with_the_guess_and_the_first_guess_stays() -> None:
    form = xc.guess("Which way?", ["left", "right"], "right", "because")
    assert "because" not in _texts(form) and form._button.disabled
    form.keep()
    assert not form.guess.guessed
    form._options.value = "left"
    form._reason.value = "<b>why not</b>"
    assert not form._button.disabled
    form._button.click()
    assert "because" in _texts(form) and "&lt;b&gt;why" in _texts(form) and form._options.disabled
    again = xc.guess("Which way?", ["left", "right"], "right", "because")
    assert again.guess.guessed == "left" and "because" in _texts(again)
    assert not guesses.keep(again.guess, "right").right
    with pytest.raises(TargetError, match="one of them"):
        xc.guess("Which way?", ["left", "right"], "up")
    with pytest.raises(TargetError, match="left, right"):
        guesses.keep(teaching.guess("Another?", ["left", "right"], "left"), "up")


def _texts(form: object) -> str:
    return " ".join(getattr(child, "value", None) or "" for child in form.children)  # type: ignore[attr-defined]


def test_the_quiz_has_one_right_answer_a_question() -> None:
    assert len(quizzes.ITEMS) == 12
    for item in quizzes.ITEMS:
        assert len(item.options) == 4 and sum(not wrong for wrong in item.options.values()) == 1
    orders = {quizzes.quiz("before", k).options[1] for k in range(8)}
    assert len(orders) > 1 and len({frozenset(order) for order in orders}) == 1


def test_the_quiz_is_scored() -> None:
    before, after = teaching.quiz("before", "Ada"), teaching.quiz("after", "Ada")
    with pytest.raises(TargetError, match="Nothing is answered"):
        before.score()
    for number, item in enumerate(quizzes.ITEMS, start=1):
        after.answer(number, item.right)
        before.answer(number, item.right if number <= 6 else next(o for o in item.options if o != item.right))
    assert (before.score().right, after.score().right) == (6, 12)
    assert not before.score().remarks and teaching.gain(before.score(), after.score()) == 1
    letter = "abcd"[after.options[1].index(next(o for o in after.options[1] if o != quizzes.ITEMS[0].right))]
    after.answer(1, letter)
    assert after.score().right == 11 and after.score().remarks[1] in quizzes.ITEMS[0].options.values()
    for number, option in ((13, "a"), (1, "e")):
        with pytest.raises(TargetError):
            after.answer(number, option)
    with pytest.raises(TargetError):
        teaching.quiz("during")


def test_the_form_of_the_quiz_fills_it_in() -> None:
    form = xc.quiz("after", 5)
    form.score()
    assert "Choose an option" in form._score.value
    choice = next(child for child in form.children if hasattr(child, "options"))
    choice.value = quizzes.ITEMS[0].right
    form._button.click()
    assert "1 of 12 right" in form._score.value and "Not answered yet: 2" in form._score.value
    assert teaching.quiz("after", 5).answers == {1: quizzes.ITEMS[0].right}


def test_what_was_done_is_written(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="nothing to write"):
        teaching.save_progress(tmp_path / "none.csv")
    check = teaching.exercise("stability")
    check("a", 0.75)
    check("h", "cannot be made")
    guesses.keep(teaching.guess("=1+1?", ["2", "3"], "2"), "2")
    teaching.quiz("before").answer(1, quizzes.ITEMS[0].right)
    table = pd.read_csv(teaching.save_progress(tmp_path / "ada.csv", "Ada"), keep_default_na=False)
    states = table.set_index(["kind", "question"])["state"]
    assert set(table["student"]) == {"Ada"}
    assert states["exercise", "a"] == "right" and states["exercise", "h"] == "wrong"
    assert states["exercise", "b"] == "unanswered"
    assert states["quiz", "1"] == "right" and states["quiz", "2"] == "unanswered"
    assert table.loc[table["kind"] == "guess", "words"].item() == "'=1+1?"
    rows = json.loads(teaching.save_progress(tmp_path / "ada.json").read_text(encoding="utf-8"))["rows"]
    assert len(rows) == len(table)
    with pytest.raises(TargetError, match=r"\.csv or \.json"):
        teaching.save_progress(tmp_path / "ada.txt")


def test_an_assignment_has_solutions_and_hidden_tests(tmp_path: Path) -> None:
    made = nbformat.read(nbgrader_assignment(SOLUTION, tmp_path), as_version=4)
    nbformat.validate(made)
    marks = [cell.metadata.get("nbgrader") for cell in made.cells]
    answers = [cell.source for cell, mark in zip(made.cells, marks, strict=True) if mark and mark.solution]
    tests = [cell.source for cell, mark in zip(made.cells, marks, strict=True) if mark and mark.grade]
    assert len(answers) == len(tests) == 8
    assert all(re.search(r"BEGIN SOLUTION\n.+\n### END SOLUTION$", source, re.DOTALL) for source in answers)
    for source in tests:
        before, hidden, after = re.split(r"### (?:BEGIN|END) HIDDEN TESTS", source)
        assert ".right" in hidden and ".right" not in before + after
    assert "for teachers" not in made.cells[0].source


def test_what_is_no_solution_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="checks no answers"):
        nbgrader_assignment(ROOT / "notebooks" / "12_stability.ipynb", tmp_path)
    (tmp_path / "x.ipynb").write_text("[]")
    with pytest.raises(ReadError, match="no notebook"):
        nbgrader_assignment(tmp_path / "x.ipynb", tmp_path)


def test_nbgrader_makes_of_it_what_is_handed_out(tmp_path: Path) -> None:
    """With nbgrader itself, where it is installed."""
    preprocessors = pytest.importorskip("nbgrader.preprocessors")
    made = nbformat.read(nbgrader_assignment(SOLUTION, tmp_path), as_version=4)
    for name in ("CheckCellMetadata", "ClearSolutions", "ClearHiddenTests", "LockCells", "ComputeChecksums"):
        made, _ = getattr(preprocessors, name)().preprocess(made, {})
    text = "\n".join(cell.source for cell in made.cells)
    assert "decomposition" not in text and ".right" not in text and "raise NotImplementedError" in text


@pytest.mark.parametrize("path", sorted(SOLUTION.parent.glob("*.ipynb")), ids=lambda path: path.stem)
def test_what_students_are_given_is_left_when_solutions_are_taken_out(path: Path, tmp_path: Path) -> None:
    made = nbformat.read(nbgrader_assignment(path, tmp_path), as_version=4)
    text = "\n".join(cell.source for cell in made.cells if cell.cell_type == "code")
    left = set(re.sub(r"### BEGIN SOLUTION.*?### END SOLUTION", "", text, flags=re.DOTALL).splitlines())
    exercise = nbformat.read(ROOT / "notebooks" / "exercises" / path.name, as_version=4)
    given = {line for cell in exercise.cells if cell.cell_type == "code" for line in cell.source.splitlines()}
    assert {line for line in given - left if not line.startswith("check(")} == set()


def test_a_guess_is_forgotten_whose_option_was_edited_away() -> None:
    guesses.keep(teaching.guess("Which way?", ["left", "right"], "right"), "left")
    assert not xc.guess("Which way?", ["to the left", "right"], "right").guess.guessed


def test_an_answer_to_a_small_number_has_to_be_near_it() -> None:
    check = teaching.exercise("defects")
    assert check("d", 3.98e-9).right
    assert not check("d", 3.0e-9).right


def test_every_open_question_of_a_lesson_has_a_model_answer() -> None:
    folder = ROOT / "docs" / "teaching"
    answers, goals = ((folder / name).read_text(encoding="utf-8") for name in ("answers.md", "teacher.md"))
    parts = re.findall(r"^## (\d+)\. [^\n]*\n(.*?)(?=^## |\Z)", answers, re.MULTILINE | re.DOTALL)
    answered = {int(number): part.count("\n- **") for number, part in parts}
    asked = {}
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        asked[int(path.name[:2])] = sum(c.source.count("**Question.**") for c in cells if c.cell_type == "markdown")
    assert answered == {number: count for number, count in asked.items() if count}
    linked = {int(number): int(count) for count, number in re.findall(r"\[(\d+)\]\(answers\.md#(\d+)-", goals)}
    assert linked == answered


def test_every_question_of_an_exercise_is_answered_on_its_page() -> None:
    page = (ROOT / "docs" / "teaching" / "exercise-answers.md").read_text(encoding="utf-8")
    for name in exercises.LESSONS:
        for key, question in teaching.exercise(name).questions.items():
            assert f"**{key}. {question.words}**" in page
