"""The index of a large atlas: what it misses, how it is kept in files, and what of damaged ones is refused."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Lattice, Structure
from safetensors.numpy import load_file, save_file

from xcrystal.crystal.collections.tables import row_of
from xcrystal.errors import DatasetError, ReadError, TargetError
from xcrystal.latent import atlas as atlas_module
from xcrystal.latent import atlas_writing, inverted_lists
from xcrystal.latent.atlas import CODES, LISTS, STRUCTURES, Atlas, open_atlas
from xcrystal.latent.building import build_atlas
from xcrystal.latent.inverted_lists import InvertedLists, fit_cells
from xcrystal.latent.nearest import Nearest
from xcrystal.latent.readme import README, write_readme
from xcrystal.latent.umap_layout import kept_neighbours, lay_out


@pytest.fixture(scope="module")
def codes(atlas: Atlas) -> np.ndarray:
    return atlas.z


@pytest.fixture(scope="module")
def indexed(codes: np.ndarray) -> tuple[InvertedLists, np.ndarray]:
    return InvertedLists.of(codes)


def recall(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found.tolist(), wanted.tolist(), strict=True)]))


@pytest.mark.parametrize("seed", [0, 1])
def test_nearly_all_of_the_nearest_are_found_alone_and_together(
    codes: np.ndarray, indexed: tuple[InvertedLists, np.ndarray], seed: int
) -> None:
    (lists, order), rng = indexed, np.random.default_rng(seed)
    points = codes[rng.choice(len(codes), 200, replace=False)]
    points = points + 0.2 * rng.standard_normal(points.shape, dtype=np.float32)
    wanted, far = Nearest(codes).query(points, 10)
    alone = [lists.query(point[None], 10) for point in points]
    rows, distances = (np.concatenate([one[k] for one in alone]) for k in (0, 1))
    assert recall(order[rows], wanted) >= 0.95
    assert recall(order[lists.query(points, 10)[0]], wanted) >= 0.95
    same = order[rows] == wanted
    np.testing.assert_allclose(distances[same], far[same], rtol=1e-5)
    assert (np.diff(distances, axis=1) >= 0).all()


def test_thousands_at_once_find_what_each_finds_alone(
    codes: np.ndarray, indexed: tuple[InvertedLists, np.ndarray]
) -> None:
    (lists, _), rng = indexed, np.random.default_rng(0)
    points = codes[rng.choice(len(codes), 4000, replace=False)]
    points = points + 0.2 * rng.standard_normal(points.shape, dtype=np.float32)
    rows, distances = lists.query(points, 10)
    alone = [lists.query(point[None], 10) for point in points[:400]]
    assert recall(rows[:400], np.concatenate([found for found, _ in alone])) >= 0.999
    np.testing.assert_allclose(distances[:400], np.concatenate([far for _, far in alone]), rtol=1e-3)
    assert lists.query(points[:0], 10)[0].shape == (0, 10)


def test_many_points_around_one_take_memory_within_bounds(
    indexed: tuple[InvertedLists, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    lists, rng = indexed[0], np.random.default_rng(0)
    points = lists.codes[:1] + 0.01 * rng.standard_normal((1000, lists.codes.shape[1]), dtype=np.float32)
    wanted = lists.query(points, 10)[0]
    monkeypatch.setattr(inverted_lists, "MOST_DISTANCES", 2**18)
    tracemalloc.start()
    rows = lists.query(points, 10)[0]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert recall(rows, wanted) >= 0.999 and peak < 16e6  # a few arrays of 2 ** 18 numbers


def test_points_whose_lists_hold_too_few_look_at_more(codes: np.ndarray) -> None:
    order, centres, start = fit_cells(codes[:300], 30)
    ordered = codes[:300][order]
    lists = InvertedLists(ordered, centres, start, (ordered**2).sum(axis=1), probes=2)
    rows = lists.query(codes[300:320], 200)[0]
    assert all(len(set(found)) == 200 for found in rows.tolist())


def test_all_lists_together_are_exact(codes: np.ndarray) -> None:
    some = codes[:3000]
    order, centres, start = fit_cells(some, 20)
    ordered = some[order]
    lists = InvertedLists(ordered, centres, start, (ordered**2).sum(axis=1), probes=20)
    np.testing.assert_array_equal(
        order[lists.query(codes[5000:5020], 7)[0]], Nearest(some).query(codes[5000:5020], 7)[0]
    )
    assert lists.query(codes[:1], 5000)[0].shape == (1, 3000)


def test_a_part_of_the_index_knows_no_others(codes: np.ndarray, indexed: tuple[InvertedLists, np.ndarray]) -> None:
    kept = np.random.default_rng(0).random(len(codes)) < 0.3
    part = indexed[0].part(kept)
    rows, distances = part.query(part.codes[:3], 1)
    assert len(part.codes) == kept.sum() and rows[:, 0].tolist() == [0, 1, 2] and np.allclose(distances, 0, atol=1e-3)


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(atlas_module, "LARGE", 2000)
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"material_id": [f"id-{k}" for k in range(2000)], "formula": "NaCl"})
    table[["x", "y"]] = rng.random((2000, 2))
    Atlas("many", table.assign(number=np.arange(2000.0)), rng.random((2000, 8), dtype=np.float32)).save(tmp_path)
    return tmp_path


def test_a_large_atlas_is_mapped_and_each_row_keeps_its_vector(folder: Path) -> None:
    found, z = open_atlas(folder), np.random.default_rng(0)
    z.random((2000, 2))
    given = z.random((2000, 8), dtype=np.float32)
    np.testing.assert_array_equal(found.z, given[found.table["number"].to_numpy(dtype=int)])
    assert found.table["material_id"].iat[5] == f"id-{int(found.table['number'].iat[5])}"
    assert found.lists is not None and not found.z.flags.owndata
    assert found.neighbours(found.z[17], 1)[0].item() == 17
    found.z[0] = 9  # stays in the memory
    assert not (open_atlas(folder).z[0] == 9).any()


def test_of_many_crystals_only_those_beside_the_one_asked_for_are_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(atlas_writing, "ROWS", 8)
    lengths = [3.0 + k / 10 for k in range(30)]
    rows = pd.DataFrame([row_of(Structure(Lattice.cubic(a), ["Po"], [[0, 0, 0]]), f"id-{a:.1f}") for a in lengths])
    table = rows[["material_id", "formula"]].assign(x=0.0, y=0.0)
    Atlas("some", table, np.zeros((30, 2), np.float32), structures=rows).save(tmp_path)
    found = open_atlas(tmp_path)
    assert [found.structure(row).lattice.a for row in (29, 0, 7, 8, -2)] == pytest.approx([5.9, 3.0, 3.7, 3.8, 5.8])
    assert "_kept" not in vars(found)
    with pytest.raises(ReadError, match="rows from 0 to 29"):
        found.structure(30)
    (tmp_path / STRUCTURES).write_bytes(b"PAR1 and no more PAR1")
    with pytest.raises(DatasetError, match="cannot be read as parquet"):
        open_atlas(tmp_path).structure(0)


@pytest.mark.parametrize("name", ["centres", "start", "squares"])
def test_a_damaged_index_is_one_sentence(folder: Path, name: str) -> None:
    held = load_file(folder / LISTS)
    save_file({**held, name: held[name][:-1]}, folder / LISTS)
    with pytest.raises(DatasetError, match="index"):
        open_atlas(folder)


def test_a_smaller_atlas_in_the_same_folder_leaves_no_index(folder: Path) -> None:
    small = Atlas("few", open_atlas(folder).table[:50], np.random.default_rng(1).random((50, 8), dtype=np.float32))
    small.save(folder)
    assert not (folder / LISTS).exists() and len(open_atlas(folder)) == 50


def test_an_index_of_other_vectors_is_refused(folder: Path) -> None:
    save_file({"z": np.random.default_rng(7).random((2000, 8), dtype=np.float32)}, folder / CODES)
    with pytest.raises(DatasetError, match="not that of the latent vectors"):
        open_atlas(folder)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_mapped_vectors_that_are_not_finite_are_refused(folder: Path, wrong: float) -> None:
    z = load_file(folder / CODES)["z"]
    z[1234, 3] = wrong
    save_file({"z": z}, folder / CODES)
    with pytest.raises(DatasetError, match="not finite"):
        open_atlas(folder)


def test_vectors_that_are_cut_off_are_refused(folder: Path) -> None:
    (folder / CODES).write_bytes((folder / CODES).read_bytes()[:-40])
    with pytest.raises(DatasetError, match="cannot be read"):
        open_atlas(folder)


def test_a_map_that_is_fitted_to_a_part_keeps_neighbours_of_all() -> None:
    rng = np.random.default_rng(0)
    z = np.repeat(10 * rng.standard_normal((8, 6)), 50, axis=0) + rng.standard_normal((400, 6))
    z = z.astype(np.float32)
    places, how = lay_out(z, fitted=200)
    assert how["fitted"] == 200 and np.isfinite(places).all()
    # half of each cloud is placed by neighbours, and falls upon its cloud
    middles = places.reshape(8, 50, 2)
    assert np.linalg.norm(middles - np.median(middles, axis=1, keepdims=True), axis=2).max() < 5
    chance = 10 / 400
    assert how["kept_fitted"] > 5 * chance and how["kept_placed"] > 5 * chance
    assert kept_neighbours(z[:, :2], z[:, :2], np.arange(400)) == 1
    some = np.sort(np.random.default_rng(0).choice(400, 200, replace=False))
    others = np.setdiff1d(np.arange(400), some)
    known = Atlas("fitted", pd.DataFrame(places[some], columns=["x", "y"]), z[some])
    np.testing.assert_allclose(places[others], known.place(z[others]), atol=1e-4)  # as decoded crystals are


def test_the_readme_of_a_large_atlas_names_its_index(folder: Path) -> None:
    nothing = pd.DataFrame(columns=["name", "source", "reason"])
    write_readme(folder, {"crystals": 2000, "latent_dim": 8, "skipped": 0}, ["material_id"], nothing)
    assert LISTS in (folder / README).read_text(encoding="utf-8")


def test_too_few_to_fit_a_map_to_are_refused_at_once(tmp_path: Path) -> None:
    for fitted in (0, -1, 14, 20.5):
        with pytest.raises(TargetError, match="fitted is a whole number of at least 15"):
            build_atlas("mp20", tmp_path, tmp_path / "out", fitted=fitted)  # type: ignore[arg-type]


def test_the_centre_of_a_mapped_atlas_is_that_of_its_vectors(folder: Path) -> None:
    found = open_atlas(folder)
    np.testing.assert_allclose(found.centre, found.z.mean(axis=0), atol=0.02)
