"""Checks: right is right, wrong gets a hint that fits, and no verdict gives the answer away."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from xcrystal.teaching.exercises import LESSONS, Exercise, exercise
from xcrystal.teaching.questions import Array, Choice, Count, Formula, Names, Number, Question, Task
from xcrystal.teaching.verdicts import RIGHT, UNANSWERED, UNCLEAR, WRONG, Verdict

sizes = st.floats(1e-3, 1e5)
signed = st.one_of(sizes, sizes.map(lambda x: -x))
anything = st.one_of(
    st.none(), st.booleans(), st.text(), st.binary(), st.complex_numbers(), st.integers(), st.floats(),
    st.lists(st.integers(), max_size=3), st.dictionaries(st.text(), st.integers(), max_size=2), st.just(print),
    st.just(object()), st.just(int), st.just(np.zeros((2, 3))), st.just(np.array("x")), st.just({1, 2}),
    st.just(10**400), st.just(np.datetime64("2026-01-01")), st.just([[1], [2, 3]]),
)  # fmt: skip


def asked(question: Question, answer: object = ...) -> Verdict:
    return Exercise("test", {"a": question})("a", answer)


def number(right: float, **more: object) -> Number:
    return Number("a number", lambda: right, **more)  # type: ignore[arg-type]


@given(right=signed, off=st.floats(-0.03, 0.03))
def test_a_number_is_right_within_its_tolerance_and_only_there(right: float, off: float) -> None:
    assume(abs(abs(off) - 0.01) > 1e-6)
    assert asked(number(right), right * (1 + off)).right == (abs(off) < 0.01)


@given(right=signed)
def test_a_wrong_sign_is_reported(right: float) -> None:
    verdict = asked(number(right), -right)
    assert verdict.state == WRONG and "the sign is not" in verdict.words


@given(right=signed, atoms=st.integers(2, 60))
def test_a_usual_slip_is_reported_by_its_words(right: float, atoms: int) -> None:
    words = "You gave the value of the cell, not of one atom."
    question = number(right, unit="eV/atom", slips=lambda: {words: right * atoms})
    assert asked(question, right * atoms).words == words
    assert asked(question, right).right


@pytest.mark.parametrize(
    ("unit", "factor", "says"),
    [("eV/atom", 1000, "meV"), ("eV", 1000, "meV"), ("Å", 0.1, "nanometres"), ("Å", 100, "picometres"),
     ("Å3", 0.001, "cubic nanometres"), ("degrees", math.pi / 180, "radians"), ("share", 100, "per cent"),
     ("per cent", 0.01, "share")],
)  # fmt: skip
@given(right=signed)
def test_another_unit_is_recognised(unit: str, factor: float, says: str, right: float) -> None:
    assert says in asked(number(right, unit=unit), right * factor).words


@given(right=sizes, factor=st.one_of(st.floats(1e-6, 0.0999), st.floats(10.1, 1e6)))
def test_another_order_of_magnitude_is_reported(right: float, factor: float) -> None:
    assert "order of magnitude" in asked(number(right), right * factor).words


@given(right=st.floats(1.1, 1e5).filter(lambda x: x != round(x)), answer=signed)
def test_no_verdict_on_a_wrong_number_holds_a_digit_of_the_right_one(right: float, answer: float) -> None:
    verdict = asked(number(right, unit="eV"), answer)
    assert verdict.right or not re.search(r"\d", verdict.words)


@given(right=st.integers(0, 500), answer=st.integers(-5, 505))
def test_a_count_is_exact(right: int, answer: int) -> None:
    verdict = asked(Count("a count", lambda: right), answer)
    assert verdict.right == (answer == right)
    if answer >= 0 and abs(answer - right) == 1:
        assert "Off by one" in verdict.words
    assert "whole number" in asked(Count("a count", lambda: right), right + 0.5).words


@settings(max_examples=200)
@given(answer=anything)
def test_nothing_that_is_handed_in_raises(answer: object) -> None:
    questions = {
        "a": number(3.0),
        "b": Count("", lambda: 3),
        "c": Choice("", lambda: "yes", options={"yes": "", "no": ""}),
        "d": Names("", lambda: {"one", "two"}),
        "e": Array("", lambda: np.ones((3, 2))),
        "f": Formula("", lambda: "MgO"),
        "g": Task("", lambda: None, judge=lambda given, known: "" if given.right else "wrong"),
    }
    check = Exercise("test", questions)
    for key in questions:
        verdict = check(key, answer)
        assert verdict.words or verdict.right
        assert "Traceback" not in verdict.words and len(verdict.words) < 300
    assert check.hint(answer).state in (UNCLEAR, "hint")  # type: ignore[arg-type]
    assert check(answer, 1).state in (UNCLEAR, WRONG, RIGHT)  # type: ignore[arg-type]


class Nasty:
    """Raises whatever is done with it."""

    def __getattr__(self, name: str) -> object:
        raise RuntimeError("no")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("kind", [number(3.0), Names("", lambda: {"x"}), Formula("", lambda: "MgO")])
def test_not_even_an_object_that_raises(kind: Question) -> None:
    assert asked(kind, Nasty()).state == UNCLEAR


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("3.0", "without quotes"),
        (True, "True and False"),
        (float("nan"), "not a finite number"),
        ([1.0, 2.0], "2 numbers"),
        (3 + 1j, "complex"),
        ({"band_gap": 3.0}, "dict"),
        (len, "brackets"),
        (None, "None"),
    ],
)
def test_what_is_no_number_is_reported_in_words(answer: object, says: str) -> None:
    verdict = asked(number(3.0), answer)
    assert verdict.state == UNCLEAR and says in verdict.words


@pytest.mark.parametrize("answer", [3, 3.0, np.float32(3), np.int64(3), np.array(3.0), np.array([3.0]), [3.0]])
def test_any_writing_of_a_number_is_read(answer: object) -> None:
    assert asked(number(3.0), answer).right


def test_tensors_are_read() -> None:
    torch = pytest.importorskip("torch")
    assert asked(number(3.0), torch.tensor(3.0, requires_grad=True)).right
    assert asked(Array("", lambda: np.ones(4)), torch.ones(4)).right


def test_choices_names_and_formulas() -> None:
    choice = Choice("", lambda: "it stays the same", options={"it stays the same": "", "it doubles": "Is it 2?"})
    assert asked(choice, " It stays THE-same").right
    assert asked(choice, "it doubles").words == "Is it 2?"
    assert "none of the options" in asked(choice, "perhaps").words
    names = Names("", lambda: {"rock salt", "diamond"})
    assert asked(names, ["Diamond", "rock-salt"]).right and asked(names, "diamond, rock salt").right
    assert asked(names, ["diamond", "spinel"]).words == "1 right, 1 missing and 1 that does not belong there."
    formula = Formula("", lambda: "EuTiO3")
    assert asked(formula, "TiO3Eu").right and asked(formula, "Eu2Ti2O6").right
    assert "not in these numbers" in asked(formula, "EuTiO").words
    assert asked(formula, "SrTiO3").words == "Another one, though 2 of its elements are right."
    assert asked(formula, "no formula").state == UNCLEAR
    salt = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.6), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    assert asked(Formula("", lambda: "NaCl"), salt).right


def test_arrays() -> None:
    right = np.arange(12.0).reshape(4, 3)
    question = Array("", lambda: right)
    assert asked(question, right + 1e-5).right and asked(question, right.tolist()).right
    assert "reversed" in asked(question, right[::-1]).words
    assert "signs" in asked(question, -right).words
    assert "exchanged" in asked(question, right.T).words
    assert "(3,)" in asked(question, [1, 2, 3]).words
    wrong = right.copy()
    wrong[0, 0] = 7
    assert asked(question, wrong).words == "The shape is right; 1 of 12 numbers are not."


def test_an_error_of_ours_is_not_taken_for_the_students() -> None:
    def broken() -> float:
        raise RuntimeError("the answer cannot be computed")

    with pytest.raises(RuntimeError, match="cannot be computed"):
        asked(Number("", broken), 3.0)
    assert asked(Number("", broken)).state == UNANSWERED  # nothing is computed before somebody answers


def test_progress_is_kept_and_hints_come_one_by_one() -> None:
    check = Exercise("Mine", {"a": number(3.0, hints=("first", "second")), "b": number(4.0)})
    assert [check.hint("a").words for _ in range(3)] == ["(1 of 2) first", "(2 of 2) second", "(1 of 2) first"]
    assert "no hint" in check.hint("b").words
    check("a", 3.0)
    assert (check.progress().right, check.progress().done) == (1, False)
    check("b", 4.0)
    assert check.progress().done and repr(check).startswith("Mine: 2 of 2 right")
    check("a", ...)
    assert check.progress().right == 1


def test_words_and_signs_say_what_colours_say_and_text_is_no_html() -> None:
    for verdict, sign in ((asked(number(3.0), 3.0), "✓"), (asked(number(3.0), -3.0), "✗"), (asked(number(3.0)), "…")):
        assert sign in repr(verdict) and sign in verdict._repr_html_()
    tricky = Exercise("<b>", {"<i>": Choice("<u>", lambda: "x", options={"<script>": "", "x": ""})})
    for html in (tricky("<i>", "?")._repr_html_(), tricky.progress()._repr_html_(), tricky("<s>", 1)._repr_html_()):
        assert not re.search(r"<(script|i|u|s)>", html)


def test_an_exercise_is_the_same_until_it_is_begun_anew() -> None:
    check = exercise("representations", fresh=True)
    check("a", 1)
    assert exercise("representations").progress().rows[0][2] == WRONG
    assert exercise("representations", fresh=True).progress().rows[0][2] == UNANSWERED
    with pytest.raises(ValueError, match="no exercise 'cooking'"):
        exercise("cooking")


@pytest.mark.parametrize("name", LESSONS)
def test_each_exercise_tells_slips_from_right_answers(name: str) -> None:
    """On the real questions: what is computed is right, each slip gets its own words, and hints hold no answer."""
    check = exercise(name, fresh=True)
    for key, question in check.questions.items():
        assert question.words and question.hints and question.after
        if isinstance(question, Task):
            assert not check(key, 3.0).right and not check(key, Structure(Lattice.cubic(4), ["Na"], [[0, 0, 0]])).right
            continue
        assert check(key, question.truth).right, (name, key)
        if isinstance(question, Number):
            for words, wrong in question.usual.items():
                assert check(key, wrong).words == words, (name, key)
            shown = f"{question.truth:.3g}"
            assert all(shown not in re.findall(r"[\d.]+", hint) for hint in question.hints), (name, key)
    assert all(verdict.state != UNCLEAR for verdict in check.verdicts.values() if verdict.key != "f")


def test_one_row_is_as_good_as_its_numbers() -> None:
    question = Array("", lambda: np.arange(4.0))
    assert asked(question, np.arange(4.0)[None]).right
    assert asked(question, np.arange(4.0)[:, None]).right
    assert not asked(question, np.arange(1.0, 5.0)[None]).right


def test_a_crystal_with_oxidation_states_is_as_right_as_without() -> None:
    check = exercise("representations", fresh=True)
    built = Structure.from_spacegroup("Fm-3m", Lattice.cubic(6.2), ["Ba2+", "F-"], [[0, 0, 0], [0.25, 0.25, 0.25]])
    assert check("f", built).right
    assert check("f", Structure(Lattice.cubic(6.2), ["Ba", "F"], [[0, 0, 0], [0.01, 0, 0]])).state == UNCLEAR


def test_what_a_question_shows_of_itself_tells_no_hint() -> None:
    for question in exercise("first look", fresh=True).questions.values():
        shown = repr(question)
        assert question.words in shown
        assert question.after not in shown and not any(hint in shown for hint in question.hints)
