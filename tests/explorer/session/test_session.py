"""The session does all that the explorer does, without a browser."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from tests.crystals import CRYSTALS
from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.errors import TargetError, UnsupportedElementWarning
from xcrystal.explorer.session.session import Session
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas


@pytest.fixture
def session(model: CrystalModel, atlas: Atlas) -> Session:
    return Session(model, atlas)


@pytest.fixture
def events(session: Session) -> list[str]:
    heard: list[str] = []
    session.subscribe(heard.append)
    return heard


def test_opens_on_the_decode_of_an_atlas_crystal(session: Session, atlas: Atlas) -> None:
    assert session.label == f"decode of {session.state.point.material_id}"
    row = atlas.row(str(session.state.point.material_id))
    np.testing.assert_array_equal(session.z, atlas.z[row])
    np.testing.assert_allclose(session.state.point.position, atlas.table[["x", "y"]].to_numpy()[row], atol=1e-3)
    assert session.state.point.neighbours[0].row == row


def test_selecting_decodes_the_code_of_that_crystal(session: Session, events: list[str], model: CrystalModel) -> None:
    session.select(123)
    assert session.structure == model.decode(session.atlas.z[123])[0]
    assert session.state.point.material_id == session.atlas.table.material_id[123]
    assert events == ["crystal", "history", "summary"]


def test_moving_sets_one_coordinate_and_keeps_the_others(session: Session) -> None:
    before = session.sliders.coordinates.copy()
    session.move(2, 1.5)
    expected = before.copy()
    expected[2] = 1.5
    np.testing.assert_allclose(session.sliders.coordinates, expected, atol=1e-4)
    assert session.state.point.material_id is None
    assert session.navigation.moved
    assert "moved along principal 3" in session.label


def test_undoing_moves_goes_back_to_the_crystal_itself(session: Session) -> None:
    start = session.z
    session.move(0, 2.0)
    session.move(1, -2.0)
    session.navigation.undo_moves()
    np.testing.assert_array_equal(session.z, start)
    assert not session.navigation.moved


def test_a_loaded_crystal_stays_until_reset(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "salt.cif"
    CRYSTALS["rock salt NaCl"].to_structure().to(filename=str(path))
    session.load(str(path))
    assert session.label == "reconstruction of salt.cif"
    assert session.state.loaded is not None
    assert session.state.loaded.space_group == 225
    assert session.state.loaded.position == session.state.point.position
    session.move(0, 1.0)
    session.select(5)
    assert session.state.loaded is not None
    session.reset()
    assert session.state.loaded is None
    assert session.label.startswith("decode of")


def test_uploaded_bytes_and_a_path_give_the_same(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "salt.cif"
    CRYSTALS["rock salt NaCl"].to_structure().to(filename=str(path))
    session.load(path)
    z = session.z
    session.select(7)
    session.navigation.load_bytes(path.read_bytes(), "salt.cif")
    np.testing.assert_array_equal(session.z, z)


@pytest.mark.parametrize("source", [None, 12, "no such file.cif", "/", "mp-0"])
def test_what_cannot_be_read_leaves_everything_as_it_was(session: Session, events: list[str], source: object) -> None:
    session.load(CRYSTALS["rock salt NaCl"].to_structure())
    before = (session.z, session.label, session.structure, session.state.loaded, session.state.point.position)
    events.clear()
    session.load(source)
    assert (session.z, session.label, session.structure, session.state.loaded, session.state.point.position) == before
    assert 0 < len(session.message) <= 400
    assert events == ["message"]


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02\xff", b"data_x\nnothing"])
def test_broken_uploads_become_a_message(session: Session, content: bytes) -> None:
    before = session.z
    session.navigation.load_bytes(content, "x.cif")
    assert session.z is before
    assert session.message


def test_the_next_success_clears_the_message(session: Session) -> None:
    session.load("no such file.cif")
    session.select(3)
    assert session.message == ""


def test_too_big_a_crystal_is_drawn_and_not_encoded(session: Session, big: Structure) -> None:
    z = session.z
    session.load(big)
    assert session.state.shown == "loaded"
    assert len(session.display.structure) == len(big)
    assert session.z is z
    assert session.state.loaded is not None
    assert f"at most {session.model.max_atoms}" in session.state.loaded.reason
    assert session.message == f"{session.state.loaded.reason} The map and the sliders stay at the {session.label}."


def test_a_material_id_is_a_source(session: Session) -> None:
    known = str(session.atlas.table.material_id[11])
    session.load(known)
    assert session.state.point.material_id == known
    assert session.state.loaded is None


def test_the_loaded_crystal_can_be_shown_again(session: Session) -> None:
    salt = CRYSTALS["rock salt NaCl"].to_structure()
    session.load(salt)
    session.show("loaded")
    assert session.display.structure.composition == salt.composition
    assert "as loaded" in session.display.cif()
    session.show("decoded")
    assert "not relaxed" in session.display.cif()


def test_attributions_follow_selections_at_once_and_moves_when_idle(session: Session, events: list[str]) -> None:
    session.explanations.attribute("formation_energy_per_atom")
    assert session.explanations.attribution is not None or session.message
    session.load(CRYSTALS["rock salt NaCl"].to_structure())
    session.show("loaded")
    assert session.explanations.attribution is not None
    assert len(session.explanations.attribution.scores) == len(session.display.structure)
    session.explanations.attribute(None)
    assert session.explanations.attribution is None
    assert "attribution" in events[-3:]


def test_moves_drop_the_attribution_until_idle(session: Session) -> None:
    session.load(CRYSTALS["rock salt NaCl"].to_structure())
    session.explanations.attribute("band_gap")
    session.move(0, float(session.sliders.coordinates[0]) + 0.01)
    assert session.explanations.attribution is None
    assert not session.idle
    session.settle()
    assert session.idle
    assert session.explanations.attribution is not None or session.message


def test_the_cell_that_is_drawn_can_be_chosen(session: Session) -> None:
    session.load(CRYSTALS["rock salt NaCl"].to_structure())
    session.show("decoded")
    conventional = session.display.structure
    session.display.show_cell("primitive")
    assert session.display.structure == session.structure
    assert conventional.volume / len(conventional) == pytest.approx(session.structure.volume / len(session.structure))


def test_choices_that_do_not_exist_are_refused(session: Session) -> None:
    for call in (
        lambda: session.display.color_by("beauty"),
        lambda: session.explanations.attribute("beauty"),
        lambda: session.show("loaded"),
        lambda: session.display.show_cell("beautiful"),
    ):
        with pytest.raises(TargetError):
            call()


def test_colors_are_columns_of_the_atlas(session: Session, events: list[str]) -> None:
    for name in session.display.colors:
        session.display.color_by(name)
        assert session.state.color == name
    assert events.count("color") == len(session.display.colors) - 1  # the first was there already


def test_the_cif_is_what_is_drawn(session: Session) -> None:
    from xcrystal.crystal.reading import parse_structure

    session.load(CRYSTALS["rock salt NaCl"].to_structure())
    session.show("loaded")
    again = parse_structure(session.display.cif().encode(), "again.display.cif")
    assert match_rms(again, session.display.structure, scale=False) == pytest.approx(0, abs=1e-4)
    assert "_space_group_IT_number 225\n" in session.display.cif()
    session.select("mp-5986")
    decoded = parse_structure(session.display.cif().encode(), "decoded.cif")
    assert match_rms(decoded, session.structure, scale=False) == pytest.approx(0, abs=1e-4)
    assert f"_space_group_IT_number {session.display.space_group[0]}\n" in session.display.cif()


def test_a_file_name_cannot_write_lines_into_the_cif(session: Session) -> None:
    salt = CRYSTALS["rock salt NaCl"].to_structure()
    session.navigation.load_bytes(salt.to(fmt="cif").encode(), "a\ndata_b.cif")
    assert "\ndata_b" not in session.display.cif()


@pytest.fixture
def big() -> Structure:
    """125 atoms without symmetry: cannot be encoded."""
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(*[np.arange(5) / 5] * 3), axis=-1).reshape(-1, 3)
    return Structure(Lattice.cubic(15.0), ["Si"] * 125, grid + rng.uniform(-0.02, 0.02, (125, 3)))


@pytest.fixture
def rare() -> Structure:
    """Rock salt with an element that the model never saw."""
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.6), ["Rn", "F"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def test_a_loaded_crystal_keeps_its_own_predictions(session: Session, model: CrystalModel) -> None:
    salt = CRYSTALS["rock salt NaCl"].to_structure()
    session.load(salt)
    session.select(5)
    session.show("loaded")
    assert session.state.loaded is not None
    expected = {name: float(values[0]) for name, values in model.predict(model.encode([salt])).items()}
    assert session.state.loaded.predicted == pytest.approx(expected)
    assert session.state.loaded.predicted != pytest.approx(session.predicted)


def test_loading_says_whether_there_is_something_to_show(session: Session, big: Structure) -> None:
    assert session.load(CRYSTALS["rock salt NaCl"].to_structure())
    assert session.load(big)
    assert session.load(str(session.atlas.table.material_id[3]))
    assert not session.load("no such file.cif")


def test_a_text_names_a_crystal_of_the_atlas_or_a_file(session: Session, tmp_path: Path) -> None:
    load = session.navigation.load_text
    assert load("SrTiO3") and session.structure.composition.reduced_formula == "SrTiO3"
    assert load("spinel") and session.state.point.material_id is not None
    path = tmp_path / "NaCl"
    CRYSTALS["rock salt NaCl"].to_structure().to(filename=str(path), fmt="cif")
    assert load(str(path)) and session.state.loaded is not None
    before = session.state.point
    for wrong in ("oxides with gap > 900", "no such file.cif", "mp-0", "x" * 5000):
        assert not load(wrong) and session.message
    assert session.state.point is before


def test_symmetry_is_found_once_and_never_in_huge_cells(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    from xcrystal.crystal import reading
    from xcrystal.crystal.symmetry import canonical

    searched: list[int] = []

    def counted(structure: Structure) -> canonical.Canonical:
        searched.append(len(structure))
        return canonical.canonicalize(structure)

    monkeypatch.setattr(reading, "canonicalize", counted)
    session.load(CRYSTALS["rock salt NaCl"].to_structure())
    assert searched == [2]
    monkeypatch.setattr(canonical, "_dataset", lambda *_: pytest.fail("spglib was asked"))
    salt = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    session.load(salt * (4, 4, 4))
    assert session.state.loaded is not None
    assert session.state.loaded.space_group is None
    assert "too large" in session.message


def test_what_cannot_be_encoded_has_a_space_group(session: Session) -> None:
    n = session.model.max_atoms + 1
    atoms, points = ["Si"] * (n - 1) + ["C"], [[x / n, 0, 0] for x in range(n)]
    session.load(Structure(Lattice.orthorhombic(2 * n, 3, 4), atoms, points))
    assert session.state.loaded is not None
    assert f"at most {n - 1}" in session.state.loaded.reason
    assert session.state.loaded.space_group == 47


def test_reset_restores_colour_and_cell(session: Session, events: list[str]) -> None:
    first = session.state.color
    session.display.color_by("space_group")
    session.display.show_cell("primitive")
    events.clear()
    session.reset()
    assert (session.state.color, session.state.cell) == (first, "conventional")
    assert {"shown", "color"} <= set(events)


def test_what_hinders_an_attribution_is_said_only_while_it_does(session: Session, big: Structure) -> None:
    session.explanations.attribute("band_gap")
    session.load(big)
    assert session.message.startswith("This cannot be explained")
    session.show("decoded")
    assert session.explanations.attribution is not None
    assert session.message == ""
    session.show("loaded")
    session.explanations.attribute(None)
    assert session.state.loaded is not None
    assert session.message.startswith(session.state.loaded.reason)


def test_a_rare_element_stays_said_and_out_of_stderr(session: Session, rare: Structure) -> None:
    session.load(rare)
    assert "hardly seen" in session.message
    with warnings.catch_warnings():
        warnings.simplefilter("error", UnsupportedElementWarning)
        session.show("loaded")
        session.explanations.attribute("band_gap")
    assert session.explanations.attribution is not None
    assert "hardly seen" in session.message
    session.select(3)
    assert session.message == ""
    session.show("loaded")
    assert "hardly seen" in session.message


def test_a_view_that_fails_keeps_nothing_from_the_others(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    def fail(event: str) -> None:
        raise RuntimeError("broken view")

    heard: list[str] = []
    session.subscribe(fail)
    session.subscribe(heard.append)
    session.select(4)
    assert heard == ["crystal", "history", "summary"]
    assert "broken view" in caplog.text


def test_an_atlas_without_properties_is_coloured_by_space_group(model: CrystalModel, bare_atlas: Atlas) -> None:
    session = Session(model, bare_atlas)
    assert session.state.color == "space_group"
    barer = Atlas("mine", bare_atlas.table.drop(columns="space_group"), bare_atlas.z)
    assert Session(model, barer).state.color == "number_of_elements"


def test_after_unsubscribing_a_view_hears_nothing(session: Session) -> None:
    heard: list[str] = []
    stop = session.subscribe(heard.append)
    stop()
    session.select(2)
    assert heard == []


def test_beginning_here_is_where_undo_and_reset_lead(session: Session) -> None:
    session.select(9)
    session.begin_here()
    here = session.state
    session.undo()
    assert session.state is here
    session.select(4)
    session.reset()
    np.testing.assert_array_equal(session.z, here.point.z)
    assert f"session.select({session.state.point.material_id!r})" in session.code()


def test_threads_do_not_tear_the_state(session: Session) -> None:
    def moves(direction: int) -> None:
        for value in np.linspace(-1, 1, 8):
            session.move(direction, float(value))

    threads = [threading.Thread(target=moves, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_allclose(session.sliders.coordinates[:3], 1.0, atol=1e-3)
    np.testing.assert_allclose(session.sliders.coordinates, session.atlas.directions.coordinates(session.z)[0])
