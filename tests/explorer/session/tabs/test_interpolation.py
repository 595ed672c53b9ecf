"""Paths in a session: ends, frames, what is measured along them, files, and undo."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pymatgen.core import Lattice, Structure

from tests.crystals import CRYSTALS
from xcrystal.crystal.reading import parse_structure
from xcrystal.errors import TargetError
from xcrystal.explorer.drawing.scene import build_scene
from xcrystal.explorer.drawing.viewpoint import standard_view
from xcrystal.explorer.session.session import Session
from xcrystal.explorer.session.state import Path as Way
from xcrystal.explorer.session.tabs.path_export import _picture
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas

SALT = "mp-22862"


@pytest.fixture
def session(model: CrystalModel, atlas: Atlas) -> Session:
    return Session(model, atlas)


@pytest.fixture
def on_the_way(session: Session) -> Session:
    session.set_end("A")
    assert session.set_end("B", SALT)
    assert session.interpolate("linear", 5)
    return session


def way(session: Session) -> Way:
    assert session.state.path is not None
    return session.state.path


def test_a_path_leads_from_a_to_b(on_the_way: Session) -> None:
    start, end = on_the_way.state.ends
    assert start is not None and end is not None
    frames = way(on_the_way).frames
    assert len(frames) == 5
    assert np.array_equal(frames[0].z, start.z) and np.array_equal(frames[-1].z, end.z)
    assert frames[0].structure == start.structure and frames[-1].material_id == SALT
    assert on_the_way.state.point is frames[0]
    middle = (start.z + end.z) / 2
    assert np.allclose(frames[2].z, middle, atol=1e-5)


def test_ends_come_from_anywhere(session: Session, tmp_path: Path) -> None:
    salt = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.69), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    path = tmp_path / "<b>salt.cif"
    salt.to(str(path), fmt="cif")
    here = session.state.point
    assert session.set_end("A", salt) and session.set_end("B", str(path))
    start, end = session.state.ends
    assert start is not None and end is not None
    assert np.allclose(start.z, end.z, atol=1e-4)
    assert "salt.cif" in end.label and session.state.point is here
    assert not session.set_end("A", tmp_path / "nothing.cif")
    assert "no file" in session.message and session.state.ends[0] is start
    with pytest.raises(TargetError):
        session.set_end("C")


def test_frames_are_there_at_once_and_one_step_of_undo(on_the_way: Session) -> None:
    before = len(on_the_way.history)
    for frame in (1, 2, 3):
        on_the_way.interpolation.show_frame(frame)
        assert on_the_way.state.point is way(on_the_way).frames[frame]
    on_the_way.settle()
    on_the_way.interpolation.show_frame(4)  # playing goes on after a pause
    on_the_way.settle()
    assert len(on_the_way.history) == before + 1
    on_the_way.undo()
    assert way(on_the_way).frame == 0
    on_the_way.redo()
    assert way(on_the_way).frame == 4
    on_the_way.interpolation.show_frame(99)
    assert "no frame 99" in on_the_way.message and way(on_the_way).frame == 4


def test_the_table_measures_every_frame(on_the_way: Session) -> None:
    table = on_the_way.interpolation.table()
    assert list(table["frame"]) == list(range(5))
    assert {"formula", "space_group", "formation_energy_per_atom", "volume_per_atom", "contact", "valid"} <= set(table)
    assert table["formula"].iloc[0] == "BaTiO3" and table["formula"].iloc[-1] == "NaCl"
    assert (table["valid"] == (table["contact"] >= 0.7)).all()
    frame, name = way(on_the_way).frames[2], "formation_energy_per_atom"
    assert table[f"{name}_at_vector"].iloc[2] == pytest.approx(frame.predicted[name])
    assert table[name].iloc[2] == pytest.approx(on_the_way.points.achieved(frame)[name], abs=1e-5)
    assert abs(table[name] - table[f"{name}_at_vector"]).max() > 1e-3  # between crystals the two differ
    assert table["distance"].iloc[-1] == pytest.approx(0, abs=1e-3) and table["nearest"].iloc[-1] == "NaCl"
    assert on_the_way.interpolation.table() is table
    on_the_way.interpolation.clear()
    assert on_the_way.interpolation.table().empty and on_the_way.state.ends == (None, None)


def test_the_other_way_round_and_around_the_origin(on_the_way: Session) -> None:
    last = way(on_the_way).frames[-1]
    on_the_way.interpolation.swap_ends()
    assert way(on_the_way).frames[0] is last and way(on_the_way).frame == 4
    assert on_the_way.interpolate("spherical", 3)
    assert way(on_the_way).kind == "spherical" and len(way(on_the_way).frames) == 3
    with pytest.raises(TargetError):
        on_the_way.interpolate("zigzag")


def test_a_path_needs_ends_and_sensible_frames(session: Session) -> None:
    assert not session.interpolate()
    assert "set A and B" in session.message and len(session.history) == 1
    session.set_end("A")
    session.set_end("B", SALT)
    assert not session.interpolate(frames=1) and not session.interpolate(frames=10_000)
    session.interpolation.show_frame(0)
    assert session.message == "There is no path."


def test_it_can_be_stopped(session: Session) -> None:
    session.set_end("A")
    session.set_end("B", SALT)
    seen = []

    def stop(event: str) -> None:
        if event == "progress" and session.progress is not None and session.progress.done > 0:
            seen.append(session.progress)
            session.stop()

    session.subscribe(stop)
    assert not session.interpolate(frames=60)
    assert len(seen) == 1 and session.state.path is None and session.progress is None


def test_a_new_end_forgets_the_path_and_undo_brings_it_back(on_the_way: Session) -> None:
    path = on_the_way.state.path
    on_the_way.set_end("B")
    assert on_the_way.state.path is None
    on_the_way.undo()
    assert on_the_way.state.path is path


def test_cifs_in_a_zip(on_the_way: Session) -> None:
    name, content = on_the_way.interpolation.export("cif")
    assert name == "path-BaTiO3-NaCl.zip"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = archive.namelist()
        assert len(files) == 5 and files[0] == "1-BaTiO3.cif"
        text = archive.read(files[-1])
    assert b"not relaxed" in text.splitlines()[0]
    assert parse_structure(text, "x.cif").composition.reduced_formula == "NaCl"
    assert on_the_way.interpolation.export("cif")[1] == content


def test_extended_xyz_is_what_ase_reads(on_the_way: Session) -> None:
    from ase.io import read

    name, content = on_the_way.interpolation.export("xyz")
    frames = read(io.StringIO(content.decode()), index=":", format="extxyz")
    assert name.endswith(".xyz") and len(frames) == 5
    assert all(frame.pbc.all() for frame in frames)
    lattice = on_the_way.state.ends[1].structure.lattice  # type: ignore[union-attr]
    assert frames[-1].get_volume() == pytest.approx(4 * lattice.volume, rel=1e-4)
    assert "not verified" in frames[0].info["comment"]


def test_an_animated_picture(on_the_way: Session) -> None:
    _, content = on_the_way.interpolation.export("gif")
    picture = Image.open(io.BytesIO(content))
    assert picture.n_frames == 5 and picture.info["loop"] == 0  # type: ignore[attr-defined]
    assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 20
    assert len(content) < 1_000_000
    with pytest.raises(TargetError):
        on_the_way.interpolation.export("mp4")


def test_frames_of_an_animated_picture_have_polyhedra() -> None:
    structure = CRYSTALS["perovskite SrTiO3"].to_structure()
    structure.properties["space_group"] = 221
    scene, view = build_scene(structure), standard_view(structure.lattice.matrix)
    bare = replace(scene, corners=scene.corners[:0], face_sizes=scene.face_sizes[:0], face_atoms=scene.face_atoms[:0])
    pictures = [np.asarray(_picture(one, structure, view, 4.0, "1").convert("RGB"), int) for one in (scene, bare)]
    assert (np.abs(pictures[0] - pictures[1]).max(axis=2) > 20).mean() > 0.03


def test_code_of_a_frame_leads_back(on_the_way: Session, model: CrystalModel, atlas: Atlas) -> None:
    on_the_way.interpolation.show_frame(2)
    other = Session(model, atlas)
    for command in on_the_way.state.point.commands:
        exec(command.code(), {"session": other})
    assert np.allclose(other.z, on_the_way.z, atol=1e-5) and other.label == on_the_way.label
