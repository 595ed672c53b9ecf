"""The panels of facts and of the history: what they send to their scripts, and what these answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from pymatgen.core import Structure

from tests.crystal.file_kinds import cif
from tests.crystals import CRYSTALS
from xcrystal.explorer import words
from xcrystal.explorer import worker as worker_module
from xcrystal.explorer.panels import history_panel
from xcrystal.explorer.panels.badges import badges, warning
from xcrystal.explorer.panels.facts_panel import BEYOND, IN_TRAIN, FactsView, facts_text
from xcrystal.explorer.panels.glossary import BOTH, CHEMISTRY, MODEL, TERMS, term, terms
from xcrystal.explorer.panels.history_panel import HistoryView
from xcrystal.explorer.session.session import Session
from xcrystal.explorer.worker import Worker
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas

EVIL = "<img src=x onerror=alert(1)>.cif"


@pytest.fixture
def session(model: CrystalModel, atlas: Atlas) -> Session:
    return Session(model, atlas)


@pytest.fixture
def worker(session: Session) -> Iterator[Worker]:
    failures: list[Exception] = []
    worker = Worker(session.settle, failures.append)
    yield worker
    worker.close()
    assert not failures


@pytest.fixture
def facts(session: Session, worker: Worker) -> Iterator[FactsView]:
    view = FactsView(session, worker)
    yield view
    view.close()


@pytest.fixture
def history(session: Session, worker: Worker) -> Iterator[HistoryView]:
    view = HistoryView(session, worker)
    yield view
    view.close()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "nothing happened within a minute"
        time.sleep(0.02)


def send(view: FactsView | HistoryView, **message: object) -> None:
    view._receive(view, message, [])


def messages(view: FactsView | HistoryView) -> list[dict[str, object]]:
    """What the view sends to its script from now on."""
    sent: list[dict[str, object]] = []
    view.send = lambda content, buffers=None: sent.append(content)  # type: ignore[method-assign]
    return sent


def test_facts_name_what_everybody_looks_for(session: Session) -> None:
    text = facts_text(session)
    assert {"Formula", "Space group", "Formation energy, predicted", "Band gap, predicted"} <= set(text)
    assert text["Formula"] == "BaTiO3, 5 atoms"
    assert text["Space group"] == "P4mm (99)"
    assert "DFT" in text["Formation energy, predicted"] and "90 %" in text["Formation energy, predicted"]
    assert "Reconstruction" not in text
    session.load(CRYSTALS["rock salt NaCl"].to_structure())
    assert facts_text(session)["Reconstruction"].startswith("of NaCl: match, RMS 0.0")


def test_where_an_entry_is_from_and_what_is_doubtful_is_reported(model: CrystalModel, atlas: Atlas) -> None:
    flag = "far above the hull"
    table = atlas.table.iloc[:300].assign(in_train=np.arange(300) > 0, flag=["", flag, *[""] * 298])
    session = Session(model, Atlas("mixed", table, atlas.z[:300]))
    reported = []
    for row in range(3):
        session.select(row)
        reported.append(facts_text(session)["Entry"])
    assert reported == [BEYOND, f"{IN_TRAIN}; {flag}", IN_TRAIN]
    session = Session(model, Atlas("all", table.drop(columns=["in_train", "flag"]), atlas.z[:300]))
    session.select(1)
    assert "Entry" not in facts_text(session)


def test_a_loaded_crystal_is_shown_with_its_own_numbers(session: Session, facts: FactsView) -> None:
    session.load(CRYSTALS["rock salt NaCl"].to_structure())
    session.select(5)
    assert session.state.loaded is not None and session.state.loaded.predicted is not None
    assert "DFT" in facts_text(session)["Formation energy, predicted"]
    session.show("loaded")
    shown = facts_text(session)["Formation energy, predicted"]
    assert "DFT" not in shown
    assert f"{session.state.loaded.predicted['formation_energy_per_atom']:.3f}" in shown
    # what is said of decodes is not said of it
    assert facts.state["badges"] == [] and facts.state["certainty"] is None


def test_the_state_is_plain_json_and_small(session: Session, facts: FactsView, history: HistoryView) -> None:
    for seed in range(5):
        session.navigation.sample(seed)
        assert len(json.dumps(facts.state)) < 12_000
        assert len(json.dumps(history.state)) < 2_000
    session.controls.mode = "researcher"
    facts.refresh()
    assert facts.state["terms"] == {}
    assert len(json.dumps(facts.state)) < 6_000


def test_badges_wait_while_a_hand_moves(session: Session, facts: FactsView) -> None:
    session.select(11)
    wait_for(lambda: {badge["look"] for badge in facts.state["badges"]} <= {"good", "bad", "note"})
    session.move(0, 1.0)
    assert {badge["look"] for badge in facts.state["badges"]} == {"waiting"}
    assert not facts.state["idle"]
    session.settle()
    wait_for(lambda: {badge["look"] for badge in facts.state["badges"]} <= {"good", "bad", "note"})
    assert facts.state["idle"]


def test_the_first_crystal_is_judged_when_the_page_asks(session: Session, facts: FactsView) -> None:
    assert session.assessment.report is None
    send(facts, act="judge")
    wait_for(lambda: session.assessment.report is not None)
    wait_for(lambda: {badge["look"] for badge in facts.state["badges"]} <= {"good", "bad", "note"})


def test_badges_say_what_the_report_says(session: Session) -> None:
    seen = set()
    for seed in range(6):
        session.navigation.sample(seed)
        report = session.assessment.make()
        found = {badge["name"]: badge for badge in badges(report)}
        assert (found["contacts"]["look"] == "good") == report.apart
        assert (found["nearness to data"]["look"] == "bad") == report.extrapolates == bool(warning(report))
        novelty = report.novelty
        if novelty.match is not None:
            expected = "known" if novelty.in_train else "in the database"
        else:
            expected = "structure not in this atlas" if novelty.known_formula else "not in this atlas"
        assert found["novelty"]["words"] == expected
        assert all(badge["help"].endswith(".") and badge["words"] for badge in found.values())
        seen.add(found["novelty"]["words"])
    assert "not in this atlas" in seen
    assert [badge["look"] for badge in badges(None)] == ["waiting"] * 4


def test_a_beginner_sees_fewer_rows_and_explanations(session: Session, facts: FactsView) -> None:
    session.controls.mode = "beginner"
    facts.refresh()
    brief = [row["name"] for row in facts.state["rows"]]
    explained = facts.state["terms"]
    assert all(row["term"] in explained for row in facts.state["rows"])
    session.controls.mode = "researcher"
    facts.refresh()
    assert set(brief) < {row["name"] for row in facts.state["rows"]}
    assert {"a, b, c", "Volume"} & {row["name"] for row in facts.state["rows"]} and "Volume" not in brief


def test_a_click_on_a_neighbour_goes_there(session: Session, facts: FactsView) -> None:
    neighbour = session.state.point.neighbours[2]
    send(facts, act="neighbour", row=neighbour.row)
    wait_for(lambda: session.state.point.material_id == neighbour.material_id)
    send(facts, act="neighbour", row="nonsense")
    send(facts, act="neighbour", row=10**9)
    wait_for(lambda: "no row" in session.message)


def test_a_click_on_a_runner_up_looks_at_it(session: Session, facts: FactsView) -> None:
    session.navigation.sample(3)
    offered = facts.state["certainty"]["alternatives"]
    assert offered
    send(facts, act="alternative", **{key: offered[0][key] for key in ("kind", "value", "orbit")})
    wait_for(lambda: ", but " in session.label)
    send(facts, act="alternative", kind="element", value="O", orbit=77)
    wait_for(lambda: "no orbit 77" in session.message)


def test_thumbnails_are_images_of_neighbours_only(session: Session, facts: FactsView) -> None:
    sent = messages(facts)
    rows = [n.row for n in session.state.point.neighbours]
    send(facts, act="thumbnails", rows=[*rows[:2], 17000, "x", None])
    wait_for(lambda: any(message.get("type") == "thumbnails" for message in sent))
    pictures = next(message["pictures"] for message in sent if message.get("type") == "thumbnails")
    assert isinstance(pictures, dict)
    assert set(pictures) == {str(row) for row in rows[:2]}
    assert all(ElementTree.fromstring(svg).tag.endswith("svg") and len(svg) < 20_000 for svg in pictures.values())


def test_the_strip_has_one_chip_for_each_crystal_visited(session: Session, history: HistoryView) -> None:
    session.select(5)
    session.display.show_cell("primitive")
    session.select(6)
    chips = history.chips
    assert [chip["formula"] for chip in chips] == [
        e.state.point.structure.composition.reduced_formula for e in session.history if not e.title.startswith("prim")
    ]
    assert [chip["current"] for chip in chips] == [False, False, True]
    session.undo()
    assert [chip["current"] for chip in history.chips] == [False, True, False]
    assert (history.state["undo"], history.state["redo"]) == (session.history[2].title, session.history[3].title)
    send(history, act="go", place=chips[0]["place"])
    wait_for(lambda: session.place_in_history == 0 and history.chips[0]["current"])
    assert session.label == "decode of mp-5986"
    send(history, act="redo")
    wait_for(lambda: session.place_in_history == 1)
    send(history, act="undo")
    wait_for(lambda: session.place_in_history == 0)
    assert history.state["summary"] == session.change_summary and session.change_summary.startswith("Undone")


def test_a_drag_is_one_chip_and_short_messages(
    session: Session, history: HistoryView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "IDLE_AFTER", 60.0)  # never idle, however slow the machine
    session.select(5)
    send(history, act="log", open=True)
    wait_for(lambda: bool(history.log))
    before = len(history.chips)
    for value in (0.2, 0.4, 0.6):
        session.move(0, value)
        assert len(history.chips) == before
    session.settle()
    assert len(history.chips) == before + 1
    wait_for(lambda: list(history.log) == session.change_summaries)


def test_the_strip_is_limited(session: Session, history: HistoryView, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_panel, "CHIPS", 6)
    for seed in range(8):
        session.navigation.random_step(seed)
    assert len(history.chips) == 6
    assert history.chips[-1]["current"]
    sent = messages(history)
    key = history.chips[-1]["key"]
    send(history, act="thumbnails", keys=[key, 0, -5])
    wait_for(lambda: bool(sent))
    assert list(sent[0]["pictures"]) == [str(key)]  # type: ignore[call-overload]


def test_the_log_is_sent_only_to_who_reads_it(session: Session, history: HistoryView) -> None:
    session.select(5)
    assert list(history.log) == []
    send(history, act="log", open=True)
    wait_for(lambda: list(history.log) == session.change_summaries)
    session.select(6)
    assert list(history.log) == session.change_summaries and len(session.change_summaries) == 2
    send(history, act="log", open=False)
    wait_for(lambda: list(history.log) == [])


def test_every_term_is_explained_in_a_sentence_or_two() -> None:
    assert len(TERMS) == len({entry.name.lower() for entry in TERMS}) >= 30
    for entry in TERMS:
        assert entry.kind in (MODEL, CHEMISTRY, BOTH)
        assert 1 <= entry.text.count(". ") + 1 <= 3 and entry.text.endswith(".")
        assert term(entry.name.upper()) is entry
    assert term("UMAP") is term("map")
    assert terms("latent vector")["latent vector"]["kind"] == MODEL
    with pytest.raises(KeyError):
        term("phlogiston")


@pytest.mark.parametrize("text", ["BaTiO3", "Ca(OH)2", "<b>", "La2Mg(Hg2Te)2", "3", ""])
def test_parts_of_a_formula_are_the_formula(text: str) -> None:
    parts = words.formula_parts(text, "b")
    assert "".join(piece for _, piece in parts) == text
    html = "".join(f"<sub>{piece}</sub>" if look == "sub" else escape(piece) for look, piece in parts)
    assert html == words.formula_html(text)


def test_symbols_and_probabilities() -> None:
    assert words.space_group_parts("P6_3/mmc") == [("", "P6"), ("sub", "3"), ("", "/mmc")]
    assert words.space_group_parts("P-1") == [("", "P"), ("over", "1")]
    assert [words.percent(p) for p in (0.0001, 0.5, 0.999)] == ["< 1 %", "50 %", "> 99 %"]


def test_names_of_files_stay_text(session: Session, facts: FactsView, history: HistoryView) -> None:
    session.navigation.load_bytes(CRYSTALS["rock salt NaCl"].to_structure().to(fmt="cif").encode(), EVIL)
    assert EVIL in facts_text(session)["Reconstruction"]  # the script makes text nodes of it
    assert EVIL in history.state["summary"]


def test_a_prediction_that_the_crystal_does_not_keep_is_said(session: Session) -> None:
    session.assessment.schedule = session.assessment.make
    for _ in range(12):
        session.move(0, 3.0)
        session.move(1, -3.0)
        session.settle()
        own = session.points.achieved(session.state.point)["formation_energy_per_atom"]
        reported = facts_text(session)["Formation energy, predicted"]
        if abs(own - session.predicted["formation_energy_per_atom"]) > 0.05:
            assert f"but {own:.3f} for this crystal" in reported
            return
        assert "but" not in reported
        session.navigation.random_step()
    raise AssertionError("every promise was kept, which the model card denies")


def test_the_match_is_reported_of_the_reconstruction_only(session: Session) -> None:
    session.load(CRYSTALS["rock salt NaCl"].to_structure())
    assert "Reconstruction" in facts_text(session)
    session.select(5)
    assert "Reconstruction" not in facts_text(session)
    session.undo()
    assert "Reconstruction" in facts_text(session)


def test_a_mirror_image_is_called_one(session: Session) -> None:
    quartz = CRYSTALS["quartz SiO2"].to_structure()
    image = Structure(quartz.lattice.matrix * np.array([1, 1, -1]), quartz.species, quartz.frac_coords)
    reported = {}
    for structure in (quartz, image):
        session.load(structure)
        assert session.state.loaded is not None
        session.show("loaded")
        reported[session.state.loaded.space_group] = facts_text(session)
        assert session.state.loaded.mirrored == (session.state.loaded.space_group == 154)
    assert set(reported) == {152, 154}
    assert reported[154]["Space group"].endswith("(154)")
    assert "mirror image" in reported[154]["Reconstruction"] and "mirror image" not in reported[152]["Reconstruction"]


def test_what_a_file_leaves_open_is_said_beside_its_crystal(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "a.cif"
    path.write_text(cif("Cs1 Cs 0 0 0 1\nCl1 Cl .5 .5 .5 1", more="_chemical_formula_sum 'Cs Br'"))
    for load in (lambda: session.load(path), lambda: session.navigation.load_bytes(path.read_bytes(), "a.cif")):
        load()
        assert session.state.loaded is not None
        assert "while its formula is Cs Br" in session.state.loaded.caution


def test_symbols_of_space_groups_are_printed_with_subscripts() -> None:
    assert words.space_group_text("P3_121") == "P3₁21" and words.space_group_text("Fm-3m") == "Fm3\u0305m"
    assert words.with_symbols("log p(136 (P4_2/mnm)) is -1") == "log p(136 (P4₂/mnm)) is -1"
    assert words.number(-0.001, 2) == "0.00" and words.number(-1.5, 1) == "−1.5"
