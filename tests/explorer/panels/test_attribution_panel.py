"""Explanations in the explorer: a part of the state, the panel that shows them, and how far they can be trusted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.crystals import CRYSTALS
from xcrystal.errors import TargetError, XCrystalError
from xcrystal.explanation.methods import METHODS, baselines_of
from xcrystal.explanation.trust import Trust
from xcrystal.explorer.panels.attribution_bars import MOST_ATOMS, MOST_LATENT, bars, matrix
from xcrystal.explorer.panels.attribution_panel import WhyView
from xcrystal.explorer.panels.trust_line import beats_random, trust_line
from xcrystal.explorer.session.session import Session
from xcrystal.explorer.session.state import Why
from xcrystal.explorer.worker import Worker
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas

PEROVSKITE = CRYSTALS["perovskite SrTiO3"].to_structure()
SALT = CRYSTALS["rock salt NaCl"].to_structure()


@pytest.fixture
def session(model: CrystalModel, atlas: Atlas) -> Session:
    """At a perovskite as it was loaded: three orbits, five atoms."""
    made = Session(model, atlas)
    made.load(PEROVSKITE)
    made.show("loaded")
    return made


@pytest.fixture
def view(session: Session) -> Iterator[WhyView]:
    worker = Worker(session.settle, lambda error: session.report(str(error)))
    made = WhyView(session, worker)
    yield made
    worker.close()
    made.close()


def request(view: WhyView, target: str, method: str = "", level: str = "", baseline: str = "") -> None:
    """What the script sends when something is chosen."""
    view.act({"act": "why", "target": target, "method": method, "level": level, "baseline": baseline}, [])
    view.refresh()
    json.dumps(view.state, allow_nan=False)


# -- the state


def test_what_is_explained_is_undone_and_done_again(session: Session) -> None:
    session.explain("band_gap")
    first = session.explanations.attribution
    session.explain("band_gap", "shapley", "orbits", "vacancy")
    assert session.state.why == Why("band_gap", "shapley", "orbits", "vacancy")
    assert session.explanations.attribution is not None and session.explanations.attribution.baseline == "vacancy"
    session.undo()
    assert session.state.why == Why("band_gap")
    assert session.explanations.attribution is first  # computed once
    session.undo()
    assert session.state.why is None and session.explanations.attribution is None
    session.redo()
    assert session.explanations.attribution is first
    assert "contributes to the predicted band gap is explained" in session.change_summary


def test_nothing_is_computed_while_a_hand_moves(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    session.show("decoded")
    session.explain("band_gap")
    monkeypatch.setattr(session.explanations, "_update", lambda *_: pytest.fail("explained while the hand moved"))
    for step in range(3):
        session.move(0, float(session.sliders.coordinates[0]) + 0.01 * step + 0.01)
        assert session.explanations.attribution is None
    monkeypatch.undo()
    session.settle()
    assert session.explanations.attribution is not None


def test_the_target_can_be_exchanged_alone(session: Session) -> None:
    session.explain("band_gap", "shapley", "elements", "vacancy")
    session.explanations.attribute("e_above_hull")
    assert session.state.why == Why("e_above_hull", "shapley", "elements", "vacancy")
    session.explanations.attribute(None)
    assert session.explanations.target is None


@pytest.mark.parametrize(
    "why",
    [
        ("beauty",),
        ("latent 100000",),
        ("space group 231",),
        ("distance to A",),
        ("distance to no-such-material",),
        ("along nothing",),
        ("band_gap", "guessing"),
        ("band_gap", "saliency", "molecules"),
        ("band_gap", "saliency", "pairs"),
        ("band_gap", "occlusion", "lattice"),
        ("band_gap", "occlusion", "atoms", "mean_element"),
        ("band_gap", "shapley", "atoms", "nothing"),
    ],
)
def test_what_does_not_exist_or_go_together_is_one_sentence(session: Session, view: WhyView, why: tuple[str]) -> None:
    before = session.state
    with pytest.raises(XCrystalError) as error:
        session.explain(*why)
    assert "\n" not in str(error.value)
    assert session.state is before
    if len(why) == 1:
        request(view, *why)
        assert view.state["trouble"] == str(error.value)
        assert session.state is before


def test_an_orbit_that_another_crystal_does_not_have_is_said(session: Session, view: WhyView) -> None:
    session.explain("element of orbit 3")
    assert session.explanations.attribution is not None
    session.load(SALT)
    session.show("loaded")
    assert session.explanations.attribution is None
    assert "no orbit 3" in session.message and "no orbit 3" in view.state["trouble"]
    session.explain(None)
    assert session.message == "" and view.state["trouble"] == ""


def test_distances_and_directions_follow_what_they_are_measured_from(session: Session) -> None:
    assert session.set_end("A", SALT)
    session.show("loaded")
    session.explain("distance to A")
    first = session.explanations.attribution
    assert first is not None
    assert session.state.loaded is not None and session.state.loaded.z is not None
    ends = session.state.ends
    assert ends[0] is not None
    assert first.target_value == pytest.approx(float(np.linalg.norm(session.state.loaded.z - ends[0].z)), rel=1e-3)
    session.set_end("A", str(session.atlas.table.material_id[3]))
    session.show("loaded")
    assert session.explanations.attribution is not None
    assert session.explanations.attribution.target_value != pytest.approx(first.target_value)
    session.explain("along principal 1", level="latent")
    found = session.explanations.attribution
    assert found is not None
    assert found.target_value == pytest.approx(
        float(session.sliders.axis("principal 1").coordinates(session.state.loaded.z)[0]), abs=1e-3
    )


def test_a_saved_session_brings_the_explanation_back(session: Session, model: CrystalModel, atlas: Atlas) -> None:
    session.explain("latent 3", "shapley", "elements", "average_of_crystal")
    saved = session.file.to_json()
    other = Session(model, atlas)
    assert other.file.open_json(saved)
    assert other.state.why == session.state.why
    assert other.explanations.attribution is not None and session.explanations.attribution is not None
    np.testing.assert_allclose(
        other.explanations.attribution.scores, session.explanations.attribution.scores, atol=1e-4
    )


@pytest.mark.parametrize(
    "why",
    [
        "band_gap",
        {"target": "band_gap"},
        {"target": "band_gap", "method": "guessing", "level": "atoms", "baseline": "vacancy"},
        {"target": "beauty", "method": "shapley", "level": "atoms", "baseline": "vacancy"},
        {"target": "distance to A", "method": "shapley", "level": "atoms", "baseline": "vacancy"},
        {"target": 3, "method": "shapley", "level": "atoms", "baseline": "vacancy"},
    ],
)
def test_damaged_explanations_are_refused(session: Session, why: object) -> None:
    content = json.loads(session.file.to_json())
    content["state"]["why"] = why
    before = session.state
    assert not session.file.open_json(json.dumps(content))
    assert session.state is before and session.message


def test_sessions_of_the_first_explorer_still_open(session: Session) -> None:
    content = json.loads(session.file.to_json())
    del content["state"]["why"]
    content["state"]["target"] = "band_gap"
    assert session.file.open_json(json.dumps(content))
    assert session.state.why == Why("band_gap")


def test_copied_code_explains_the_same(session: Session) -> None:
    session.explain("e_above_hull", "feature_ablation", "lattice")
    line = next(line for line in session.code().splitlines() if "explain(" in line)
    again = Session(session.model, session.atlas)
    exec(line, {"session": again})
    assert again.state.why == session.state.why


# -- the panel


def test_opening_computes_nothing_and_choosing_fills_the_panel(session: Session, view: WhyView) -> None:
    assert view.state["explained"] is None and view.state["methods"] == []
    assert session.explanations.checks is None
    groups = {name: [value for value, _ in choices] for name, choices in view.state["targets"]}
    assert groups["Predicted property"] == list(session.predicted)
    assert {"density", "latent"} == set(groups["Place in latent space"])
    assert len(groups["Distance"]) == 6
    request(view, "formation_energy_per_atom")
    found, reported = session.explanations.attribution, view.state["explained"]
    assert found is not None
    assert [row["value"] for row in reported["bars"]["rows"]] == pytest.approx(found.scores.tolist())
    assert [row["atoms"] for row in reported["bars"]["rows"]] == [[k] for k in range(5)]
    assert "eV/atom here" in reported["said"] and "mean element on every site" in reported["said"]
    assert [part["name"] for part in reported["trust"]] == ["completeness", "agreement", "tasks", "extrapolation"]
    assert not any(part["verdict"] == "waiting" for part in reported["trust"])
    assert [name for name, _ in view.state["baselines"]] == list(baselines_of("shapley", "atoms"))


def test_the_panel_offers_only_what_goes_and_keeps_what_it_can(session: Session, view: WhyView) -> None:
    request(view, "band_gap", "saliency", "orbits", "vacancy")
    assert session.state.why == Why("band_gap", "saliency", "orbits", "vacancy")
    request(view, "band_gap", "saliency", "pairs", "vacancy")
    assert session.state.why == Why("band_gap", "shapley", "pairs", "vacancy")
    assert [name for name, _ in view.state["methods"]] == ["shapley"]
    request(view, "band_gap", "shapley", "latent", "vacancy")
    assert session.state.why == Why("band_gap", "shapley", "latent", "prior_mean")
    assert [name for name, _ in view.state["baselines"]] == ["prior_mean"]
    request(view, "")
    assert session.state.why is None and view.state["explained"] is None


def test_every_method_at_every_level_can_be_drawn(session: Session, view: WhyView) -> None:
    for name, method in METHODS.items():
        for level in method.levels:
            request(view, "formation_energy_per_atom", name, level)
            assert session.state.why == Why("formation_energy_per_atom", name, level, baselines_of(name, level)[0])
            reported = view.state["explained"]
            assert reported is not None and (reported["matrix"] is not None) == (level == "pairs")


def test_the_effect_of_a_baseline_is_seen(session: Session, view: WhyView) -> None:
    request(view, "band_gap", level="orbits")
    before = session.explanations.attribution
    assert before is not None and view.state["explained"]["ticks"] == []
    request(view, "band_gap", level="orbits", baseline="vacancy")
    rows = view.state["explained"]["bars"]["rows"]
    assert [row["ticks"][0][1] for row in rows] == pytest.approx(before.scores.tolist())
    assert view.state["explained"]["ticks"] == ["before: from mean element"]
    view.act({"act": "compare", "value": True}, [])
    view.refresh()
    assert view.state["explained"]["ticks"] == [
        "from mean element",
        "from fitted element",
        "from own elements averaged",
        "from real elements, same charges",
        "from nearest known crystals' elements",
    ]
    request(view, "band_gap", level="elements", baseline="vacancy")
    view.act({"act": "compare", "value": False}, [])
    view.refresh()
    assert view.state["explained"]["ticks"] == []  # other scores


def test_bars_know_their_atoms_at_every_level(session: Session) -> None:
    every = list(range(5))
    for level in ("atoms", "orbits", "elements"):
        session.explain("band_gap", level=level)
        assert session.explanations.attribution is not None
        rows = bars(session.explanations.attribution, session.explanations.form.orbit_of_atom)["rows"]
        assert sorted(atom for row in rows for atom in row["atoms"]) == every
        for row in rows:
            symbols = {session.display.structure[atom].specie.symbol for atom in row["atoms"]}
            assert len(symbols) == 1 and next(iter(symbols)) in row["label"]
    session.explain("band_gap", "shapley", "pairs")
    assert session.explanations.attribution is not None
    drawn = matrix(session.explanations.attribution, session.explanations.form.orbit_of_atom)
    assert sorted(atom for atoms in drawn["atoms"] for atom in atoms) == every
    session.explain("band_gap", level="latent")
    assert session.explanations.attribution is not None
    found = bars(session.explanations.attribution, session.explanations.form.orbit_of_atom)
    assert len(found["rows"]) == min(MOST_LATENT, session.model.latent_dim)
    sizes = [abs(row["value"]) for row in found["rows"]]
    assert sizes == sorted(sizes, reverse=True)


def test_equal_atoms_share_a_bar_in_a_large_cell(session: Session) -> None:
    session.load(PEROVSKITE * (2, 2, 2))
    session.show("loaded")
    session.explain("band_gap")
    assert (
        session.explanations.attribution is not None and len(session.explanations.attribution.scores) == 40 > MOST_ATOMS
    )
    rows = bars(session.explanations.attribution, session.explanations.form.orbit_of_atom)["rows"]
    assert len(rows) == 3
    assert sorted(len(row["atoms"]) for row in rows) == [8, 8, 24]


def test_a_method_that_is_not_better_than_chance_is_marked(session: Session, view: WhyView) -> None:
    def of(beats: bool) -> dict[str, object]:
        return {"auroc": [0.6, 0.4, 0.8], "tau": None, "pearson": None, "crystals": 9, "beats_random": beats}

    methods = {"integrated_gradients": of(True), "saliency": of(False), "random": of(False)}
    trust = Trust({"version": 1, "tasks": {"octahedra": {"kind": "binary", "methods": methods}}})
    assert [beats_random(trust, name) for name in ("integrated_gradients", "saliency", "shapley")] == [
        True,
        False,
        None,
    ]
    view._trust = (trust,)
    request(view, "band_gap", "saliency")
    labels = dict(view.state["methods"])
    assert "does not beat random" in labels["saliency"] and "random" not in labels["integrated_gradients"]
    tasks = view.state["explained"]["trust"][2]
    assert tasks["verdict"] == "bad" and "ot better than random" in tasks["text"]
    assert "AUROC" not in tasks["text"] and "0.60" in tasks["figures"], "figures are for those who ask for more"
    assert session.explanations.attribution is not None
    unknown = trust_line(session.explanations.attribution, None, None)
    assert "not evaluated" in unknown[2]["text"]
    assert [part["verdict"] for part in unknown[1:]] == ["waiting", "note", "waiting"]


def test_far_from_the_data_the_line_warns(session: Session, view: WhyView) -> None:
    session.go(4 * np.random.default_rng(0).normal(size=session.model.latent_dim))
    session.show("decoded")
    request(view, "band_gap")
    checks = session.explanations.check()
    if session.explanations.attribution is None:
        assert view.state["trouble"]
        return
    assert checks is not None
    said = view.state["explained"]["trust"][3]
    assert said["verdict"] == ("bad" if checks.quantile > 0.95 else "good")


def test_terms_are_explained_to_beginners_only(session: Session, view: WhyView) -> None:
    request(view, "band_gap", "shapley")
    session.controls.show_mode("beginner")
    assert {"Shapley values", "baseline", "completeness"} <= set(view.state["terms"])
    session.controls.show_mode("researcher")
    assert view.state["terms"] == {}


def test_methods_have_an_entry_in_the_glossary(session: Session, view: WhyView) -> None:
    session.controls.show_mode("beginner")
    for name, method in METHODS.items():
        request(view, "band_gap", name, method.levels[0])
        assert view.state["about"] in view.state["terms"]


def test_an_unknown_request_changes_nothing(session: Session, view: WhyView) -> None:
    before = session.state
    view.act({"act": "dance"}, [])
    request(view, "band_gap", "guessing", "atoms")
    assert "no method" in view.state["trouble"]
    request(view, "band_gap", "saliency", "<b>")
    assert "no level" in view.state["trouble"]
    assert session.state is before
    session.display.show_bonds(False)
    assert view.state["trouble"] == ""  # it was about another act
    with pytest.raises(TargetError):
        session.explain("band_gap", "guessing")


def test_a_direction_that_is_gone_is_explained_no_more(session: Session, tmp_path: Path) -> None:
    one, other = np.zeros(session.model.latent_dim), np.zeros(session.model.latent_dim)
    one[0], other[1] = 1.0, 1.0
    session.directions.add("mine", one, np.zeros_like(one), 1.0)
    session.explain("along mine")
    first = session.explanations.attribution
    assert first is not None
    session.directions.remove("mine")
    assert session.state.why is None
    assert session.explanations.attribution is None
    session.save(tmp_path / "saved.json")
    assert session.file.open(tmp_path / "saved.json")
    session.directions.add("mine", other, np.zeros_like(one), 1.0)
    session.explain("along mine")
    assert session.explanations.attribution is not None
    assert not np.allclose(session.explanations.attribution.scores, first.scores)
