"""The atlas: shipped, written and read, searched and extended by new points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import xcrystal as xc
from xcrystal.errors import DatasetError, InvalidCrystalError, ReadError
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas, open_atlas


def small_atlas() -> Atlas:
    rng = np.random.default_rng(0)
    z = rng.standard_normal((60, 8)).astype(np.float16).astype(np.float32)
    table = pd.DataFrame({"material_id": [f"id-{i}" for i in range(60)], "x": z[:, 0], "y": z[:, 1]})
    return Atlas("small", table, z)


def test_shipped_atlas_belongs_to_the_shipped_model(atlas: Atlas, model: CrystalModel) -> None:
    columns = {"material_id", "formula", "formation_energy_per_atom", "band_gap", "e_above_hull", "x", "y"}
    assert columns <= set(atlas.table.columns)
    assert atlas.z.shape == (len(atlas.table), model.latent_dim) and len(atlas) > 10_000
    assert np.isfinite(atlas.z).all() and np.isfinite(atlas.table[["x", "y"]].to_numpy()).all()
    rows = np.random.default_rng(0).choice(len(atlas), 200, replace=False)
    decoded = model.decode(atlas.z[rows])
    same = [d.composition.reduced_formula == f for d, f in zip(decoded, atlas.table["formula"].iloc[rows], strict=True)]
    assert np.mean(same) > 0.6, "the codes decode to the crystals that the table names"


def test_neighbours_are_the_nearest_and_sorted() -> None:
    atlas = small_atlas()
    rows, distances = atlas.neighbours(atlas.z[:5] + 0.1, k=7)
    every = np.linalg.norm(atlas.z[None] - (atlas.z[:5, None] + 0.1), axis=2)
    assert np.allclose(distances, np.sort(every, axis=1)[:, :7], atol=1e-4)
    assert (np.diff(distances, axis=1) >= 0).all()
    assert rows.shape == (5, 7)


def test_known_codes_fall_on_their_own_place() -> None:
    atlas = small_atlas()
    assert np.allclose(atlas.place(atlas.z), atlas.table[["x", "y"]], atol=1e-3)


def test_any_point_has_a_place(atlas: Atlas, model: CrystalModel) -> None:
    for z in (np.zeros(model.latent_dim), 100 * np.ones((2, model.latent_dim)), model.sample_latent(300, seed=0)):
        placed = atlas.place(z)
        assert np.isfinite(placed).all() and placed.shape == (len(np.atleast_2d(z)), 2)


def test_material_ids_are_found_or_named_in_one_sentence(atlas: Atlas) -> None:
    some = atlas.table["material_id"].iloc[17]
    assert atlas.table["material_id"].iloc[atlas.row(some)] == some
    with pytest.raises(ReadError, match="mp-nothing"):
        atlas.row("mp-nothing")


def test_an_atlas_survives_the_disk(tmp_path) -> None:
    atlas = small_atlas()
    atlas.save(tmp_path)
    again = open_atlas(tmp_path)
    assert np.array_equal(again.z, atlas.z)
    pd.testing.assert_frame_equal(again.table, atlas.table)


def test_missing_or_damaged_atlases_get_one_sentence(tmp_path) -> None:
    with pytest.raises(DatasetError):
        xc.atlas(tmp_path)
    small_atlas().save(tmp_path)
    (tmp_path / "atlas.safetensors").write_bytes(b"nonsense")
    with pytest.raises(DatasetError):
        xc.atlas(tmp_path)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ({"x": float("nan")}, "column x holds"),
        ({"y": "far"}, "column y holds"),
        ({"material_id": None}, "material_id is missing"),
        ({"space_group": 231}, "from 1 to 230"),
        ({"space_group": "F m -3 m"}, "from 1 to 230"),
        (None, "no rows"),
    ],
)
def test_values_that_no_map_can_have_are_refused_at_once(tmp_path, damage, reason) -> None:
    atlas = small_atlas()
    if damage is None:
        Atlas("small", atlas.table.iloc[:0], atlas.z[:0]).save(tmp_path)
    else:
        Atlas("small", atlas.table.assign(**damage), atlas.z).save(tmp_path)
    with pytest.raises(DatasetError, match=reason):
        open_atlas(tmp_path)


def test_a_latent_vector_that_is_not_finite_is_refused(tmp_path) -> None:
    atlas = small_atlas()
    atlas.z[3, 2] = np.inf
    atlas.save(tmp_path)
    with pytest.raises(DatasetError, match="not finite"):
        open_atlas(tmp_path)


def test_of_ids_that_come_twice_the_first_row_is_found_however_many_are_asked() -> None:
    names = [f"id-{i % 100}" for i in range(200)]
    atlas = Atlas("twice", pd.DataFrame({"material_id": names, "x": 0.0, "y": 0.0}), np.zeros((200, 2), np.float32))
    assert [atlas.row(name) for name in names] == [*range(100), *range(100)]
    assert not atlas.holds("id-100") and atlas.holds("id-99")


def test_a_search_makes_no_dictionary_of_all_ids() -> None:
    atlas = small_atlas()
    assert atlas.holds("id-7") and not atlas.holds("SrTiO3") and "_row_of" not in vars(atlas)


def test_mistakes_are_said_in_one_sentence(tmp_path: Path) -> None:
    atlas = small_atlas()
    with pytest.raises(InvalidCrystalError, match=r"of this atlas have the shape \(n, \d+\), not \(2, 5\)"):
        atlas.neighbours(np.zeros((2, 5)))
    with pytest.raises(InvalidCrystalError, match="encode makes one"):
        atlas.place("NaCl.cif")  # type: ignore[arg-type]
    for row in (len(atlas), -len(atlas) - 1, "BaTiO3", 0.5):
        with pytest.raises(ReadError, match="rows from 0 to"):
            atlas.structure(row)  # type: ignore[arg-type]
    assert atlas.structure(np.int64(0)) == atlas.structure(-len(atlas))
    with pytest.raises(ReadError, match="its ids are like 'id-0'"):
        atlas.row("NaCl")
    run, model = tmp_path / "run", tmp_path / "model"
    atlas.save(run / "atlas")
    model.mkdir()
    (model / "config.json").touch()
    for folder, hint in ((run, "There is one in "), (model, "xcrystal atlas --model"), (tmp_path, "atlas.parquet")):
        with pytest.raises(DatasetError, match=hint):
            open_atlas(folder)
