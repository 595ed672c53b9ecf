"""Ordered approximants of a disordered crystal in a session, and the panel that offers and lists them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from tests.crystals import CRYSTALS
from xcrystal.explorer.panels.disorder_panel import DisorderView
from xcrystal.explorer.session.session import Session
from xcrystal.explorer.worker import Worker
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas

MIXED = Structure.from_spacegroup(
    "Fm-3m", Lattice.cubic(5.9), [{"Na": 0.5, "K": 0.5}, "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
)
ENERGY = "formation_energy_per_atom"


@pytest.fixture
def session(model: CrystalModel, atlas: Atlas) -> Session:
    return Session(model, atlas)


@pytest.fixture
def panel(session: Session) -> Iterator[DisorderView]:
    worker = Worker(session.settle, lambda error: session.report(str(error)))
    made = DisorderView(session, worker)
    yield made
    worker.close()
    made.close()


def test_they_lie_on_the_map_with_predictions_and_a_spread(session: Session, model: CrystalModel) -> None:
    session.load(MIXED)
    session.approximants.make(4)
    listed = session.approximants.listed
    assert 1 < len(listed) <= 4 and [one.number for one in listed] == list(range(len(listed)))
    for one in listed:
        assert one.own.structure.composition.reduced_formula == "KNaCl2"
        z = model.encode(one.own.structure)
        np.testing.assert_allclose(one.own.z, z[0], atol=1e-4)
        assert one.predicted[ENERGY] == pytest.approx(float(model.predict(z)[ENERGY][0]), abs=1e-4)
        np.testing.assert_allclose(one.own.position, session.atlas.place(z)[0], atol=1e-3)
    energies = [one.predicted[ENERGY] for one in listed]
    assert session.approximants.spread()[ENERGY] == pytest.approx((np.mean(energies), np.std(energies)))
    assert f"{len(listed)} ordered approximants of" in session.change_summary
    session.undo()
    assert session.state.own == () and session.approximants.listed == []


def test_they_are_saved_as_what_they_are(session: Session, model: CrystalModel, atlas: Atlas) -> None:
    session.load(MIXED)
    session.approximants.make(3)
    opened = Session(model, atlas)
    assert opened.file.open_json(session.file.to_json()), opened.message
    assert [one.own.name for one in opened.approximants.listed] == [one.own.name for one in session.approximants.listed]
    for weighted in (False, True):
        again = opened.approximants.spread(weighted)
        for name, figures in session.approximants.spread(weighted).items():
            assert again[name] == pytest.approx(figures, abs=1e-3)
    made = [[line for line in one.code().splitlines() if "approximants" in line] for one in (session, opened)]
    assert made[0] == made[1] != []
    content = json.loads(session.file.to_json())
    for own in content["state"]["own"]:
        del own["of"]  # as sessions of before have it
    assert opened.file.open_json(json.dumps(content)), opened.message
    assert opened.approximants.listed == [] and len(opened.state.own) == 3


def test_code_makes_the_same_once_more(session: Session, model: CrystalModel, atlas: Atlas) -> None:
    session.load(MIXED)
    session.approximants.make(3, seed=1)
    session.load("mp-22862")  # the disordered crystal is no longer shown
    (line,) = [line for line in session.code().splitlines() if "approximants.make(" in line]
    other = Session(model, atlas)
    exec(line, {"session": other, "Structure": Structure})
    assert len(other.state.own) == len(session.state.own) > 1
    for one, again in zip(session.state.own, other.state.own, strict=True):
        assert (again.name, again.weight) == (one.name, pytest.approx(one.weight))
        np.testing.assert_allclose(again.z, one.z, atol=1e-3)


def test_the_weighted_mean_counts_arrangements(session: Session) -> None:
    session.load(MIXED)
    session.approximants.make(4)
    listed = session.approximants.listed
    weights, energies = zip(*[(one.own.weight, one.predicted[ENERGY]) for one in listed], strict=True)
    assert len({round(weight, 4) for weight in weights}) > 1  # or it is the mean
    mean = np.average(energies, weights=weights)
    deviation = np.sqrt(np.average((energies - mean) ** 2, weights=weights))
    assert session.approximants.spread(weighted=True)[ENERGY] == pytest.approx((mean, deviation))


def test_only_a_disordered_crystal_has_them(session: Session) -> None:
    session.load(CRYSTALS["rock salt NaCl"].to_structure())
    before = session.state
    session.approximants.make()
    assert "Load a disordered crystal first" in session.message
    assert session.state is before


def test_they_stop_when_they_are_told_to(session: Session) -> None:
    session.load(MIXED)
    session.subscribe(lambda event: session.stop() if event == "progress" else None)
    session.approximants.make(4)
    assert session.state.own == ()
    assert "it was stopped" in session.message
    assert session.progress is None


def test_what_was_stopped_is_kept_as_these_crystals(session: Session) -> None:
    """Asked for fewer, other supercells would be looked at, so that the same act would not make them again."""
    session.load(MIXED)
    session.subscribe(lambda event: session.stop() if session.progress and session.progress.done else None)
    session.approximants.make(4)
    assert 0 < len(session.state.own) < 4
    assert "It was stopped early." in session.message
    assert "approximants.make(" not in "\n".join(session.code().splitlines())
    assert session.approximants.coverage == pytest.approx(sum(one.weight for one in session.state.own))


def test_those_that_cannot_be_encoded_are_told(session: Session) -> None:
    points = np.stack(np.unravel_index(np.random.default_rng(0).permutation(125)[:30], (5, 5, 5)), axis=1) / 5
    points += 0.02 * np.arange(30)[:, None] / 30
    session.load(Structure(Lattice.cubic(12.0), [{"Na": 0.5, "K": 0.5}, *["Cl"] * 29], points))
    session.approximants.make(2)
    assert session.state.own == ()
    assert "can be encoded: This crystal has" in session.message and "symmetry-distinct sites" in session.message


def test_a_larger_tolerance_is_taken_where_nothing_else_can_be_encoded(session: Session) -> None:
    zirconia = [{"Zr": 0.85, "Y": 0.15}, {"O": 0.925}]
    session.load(Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.14), zirconia, [[0] * 3, [0.25] * 3]))
    session.approximants.make(2)
    assert len(session.approximants.listed) == 2
    assert "Occupancies are off by up to 0.0" in session.message


def test_the_panel_offers_lists_and_goes_to_them(session: Session, panel: DisorderView) -> None:
    assert panel.state["disordered"] == "" and panel.state["rows"] == []
    session.load(MIXED)
    assert panel.state["disordered"] == "KNaCl2"
    seen: list[Any] = []
    panel.observe(lambda change: seen.append(change.new["progress"]), "state")
    panel.act({"act": "make"}, [])
    assert [title for title, *_ in filter(None, seen)][:1] == ["Ordered approximants"]
    state = panel.state
    covered = sum(own.weight for own in session.state.own)
    assert state["weighted_title"] == f"Weighted mean (of {100 * covered:.0f} % of the arrangements)"
    assert state["of"] == "KNaCl2" and state["progress"] is None and state["shown"] == -1
    assert (
        len(state["mean"])
        == len(state["deviation"])
        == len(state["weighted"])
        == len(state["properties"])
        == len(state["rows"][0]["values"])
    )
    panel.act({"act": "show", "number": state["rows"][1]["number"]}, [])
    assert panel.state["shown"] == 1 and panel.state["disordered"] == ""
    assert session.state.loaded is not None and session.state.loaded.z is not None
    panel.act({"act": "show", "number": 99}, [])
    assert "no number 99" in session.message
    session.select(str(session.atlas.table["material_id"].iat[0]))
    assert panel.describe()["rows"] == [] and session.approximants.listed, "the table is of another crystal"
    session.undo()
    assert panel.describe()["shown"] == 1 and len(panel.describe()["rows"]) == len(state["rows"])
