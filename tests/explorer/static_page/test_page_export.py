"""A page as a folder: what is in it, what is refused, and that nothing half-written stays."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Structure

from tests.own_data import PlainVAE
from xcrystal.crystal.collections.tables import row_of
from xcrystal.crystal.symmetry.conventional import conventional
from xcrystal.errors import DatasetError, InvalidCrystalError, TargetError
from xcrystal.explorer.static_page import page_export
from xcrystal.explorer.static_page.packing import array, crystals
from xcrystal.explorer.static_page.page_content import _PATHS
from xcrystal.explorer.static_page.page_export import INDEX, export_page
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas
from xcrystal.latent.landmarks import landmarks

_TYPES = {"f4": "<f4", "u1": "u1", "u2": "<u2", "i4": "<i4"}


def unpack(packed: list[str]) -> np.ndarray:
    return np.frombuffer(b64decode(packed[1]), dtype=_TYPES[packed[0]])


def read(folder: Path, name: str) -> dict[str, Any]:
    text = (folder / f"{name}.js").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text.removeprefix(f"xcrystalPage.{name}(").removesuffix(");\n"))
    return found


@pytest.fixture(scope="module")
def part(atlas: Atlas) -> Atlas:
    """A few crystals, two of which have a name on the map."""
    rows = np.unique([atlas.row("mp-22862"), atlas.row("mp-1265"), *range(40)])
    table = atlas.table.iloc[rows].reset_index(drop=True)
    table.loc[0, "formula"] = "</script><b>"
    return Atlas("few", table, atlas.z[rows])


@pytest.fixture(scope="module")
def folder(model: CrystalModel, part: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("page") / "page"
    index = export_page(target, model, part, "Few <crystals>", crystals=6, grid=3, effort="fast", progress=False)
    assert index == target / INDEX
    return target


def test_arrays_and_crystals_keep_their_numbers(model: CrystalModel, atlas: Atlas) -> None:
    assert unpack(array(np.array([1.5, -2], dtype=np.float32))).tolist() == [1.5, -2]
    structures = model.decode(atlas.z[:3], "fast")
    found = {name: unpack(value) for name, value in crystals(structures).items()}
    cells = [conventional(structure) for structure in structures]
    assert found["counts"].tolist() == [len(cell) for cell in cells]
    assert found["elements"].tolist() == [z for cell in cells for z in cell.atomic_numbers]
    off = found["positions"].reshape(-1, 3) / 65536 - np.concatenate([cell.frac_coords for cell in cells])
    assert np.abs(off - np.rint(off)).max() < 1e-5
    np.testing.assert_allclose(found["cells"].reshape(-1, 6), [cell.lattice.parameters for cell in cells], rtol=1e-6)


def test_the_page_asks_no_network_and_escapes_its_title(folder: Path) -> None:
    html = (folder / INDEX).read_text(encoding="utf-8")
    assert "<title>Few &lt;crystals&gt;</title>" in html
    assert "default-src &#x27;none&#x27;" in html
    assert "<noscript>" in html
    assert "http:" not in html
    assert "https:" not in html
    assert all(f'src="{name}"' in html and (folder / name).is_file() for name in page_export.SCRIPTS)


def test_the_map_is_that_of_the_atlas(folder: Path, part: Atlas) -> None:
    found = read(folder, "map")
    assert found["ids"] == part.table["material_id"].tolist()
    np.testing.assert_array_equal(unpack(found["x"]), part.table["x"].to_numpy(dtype=np.float32))
    assert found["symbols"][225] == "Fm-3m"
    energies = next(one for one in found["colorings"] if one["name"] == "formation_energy_per_atom")
    np.testing.assert_array_equal(unpack(energies["values"]), part.table["formation_energy_per_atom"].to_numpy())


def test_every_crystal_has_the_nearest_decode_and_predictions(folder: Path, model: CrystalModel, part: Atlas) -> None:
    found, predicted = read(folder, "crystals"), read(folder, "predictions")
    rows, nearest = unpack(found["rows"]), unpack(found["nearest"])
    distances = np.linalg.norm(part.z[:, None] - part.z[rows][None], axis=2)
    np.testing.assert_array_equal(nearest, distances.argmin(axis=1))
    np.testing.assert_allclose(unpack(predicted["values"]["band_gap"]), model.predict(part.z)["band_gap"], rtol=1e-5)
    bounds = model.predict_interval(part.z)["band_gap"]
    np.testing.assert_allclose(unpack(predicted["intervals"]["band_gap"]).reshape(-1, 2), bounds, rtol=1e-5)
    groups = [structure.properties["space_group"] for structure in model.decode(part.z[rows], "fast")]
    assert unpack(found["crystals"]["groups"])[: len(rows)].tolist() == groups


def test_paths_and_explanations_are_of_crystals_with_a_name(folder: Path, part: Atlas) -> None:
    found = read(folder, "crystals")
    salt, oxide = part.row("mp-22862"), part.row("mp-1265")
    (path,) = found["paths"]
    assert (path["ends"], path["title"]) == ([salt, oxide], "NaCl to MgO")
    assert [path["formulas"][0], path["formulas"][-1]] == ["NaCl", "MgO"]
    why = found["explained"][str(salt)]["formation_energy_per_atom"]
    assert [row[0].split()[0] for row in why["rows"]] == ["Na", "Cl"]
    assert "Shapley" in why["said"]
    assert unpack(why["colors"]).size == 3 * 8  # of the conventional cell


def test_an_earlier_page_is_replaced_and_other_files_are_not(
    folder: Path, model: CrystalModel, part: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(DatasetError, match="holds other files"):
        export_page(tmp_path, model, part)
    with pytest.raises(DatasetError, match="is a file"):
        export_page(tmp_path / "thesis.txt", model, part)
    with pytest.raises(TargetError, match="at least 1"):
        export_page(tmp_path / "new", model, part, crystals=0)
    with pytest.raises(TargetError, match="at least 2"):
        export_page(tmp_path / "new", model, part, grid=1)
    with pytest.raises(InvalidCrystalError, match="effort"):
        export_page(tmp_path / "new", model, part, effort="hard", progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]

    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(page_export, "prediction_part", interrupt)
        with pytest.raises(KeyboardInterrupt):
            export_page(folder, model, part, crystals=2, grid=0, effort="fast", progress=False)
    assert {path.name: path.stat().st_mtime_ns for path in folder.parent.glob("*/*")} == before

    move, moved = Path.replace, list[Path]()

    def interrupted(self: Path, to: Path) -> Path:
        moved.append(to)
        if len(moved) == len(before) + 3:  # the older ones are away, and two of the new ones there
            raise KeyboardInterrupt
        return move(self, to)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            export_page(folder, model, part, "Half", crystals=1, grid=0, effort="fast", progress=False)
    assert {path.name: path.stat().st_mtime_ns for path in folder.parent.glob("*/*")} == before
    export_page(folder, model, part, "Again", crystals=2, grid=0, effort="fast", progress=False)
    assert "<title>Again</title>" in (folder / INDEX).read_text(encoding="utf-8")
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_both_ends_of_every_path_have_a_name_on_the_map(atlas: Atlas) -> None:
    named = {one.text for one in landmarks(atlas) if one.row is not None}
    assert {end for pair in _PATHS for end in pair} <= named


class Gaps(PlainVAE):
    """A model that decodes nothing where the first number is positive, and predicts no number there."""

    def decode(self, z: np.ndarray) -> list[Any]:
        decoded: list[Structure] = self._model.decode(z, "fast")
        return [None if row[0] > 0 else one for row, one in zip(z, decoded, strict=True)]

    def predict(self, z: np.ndarray) -> dict[str, np.ndarray]:
        return {f"own {k}": np.where(z[:, 0] < -0.5, np.nan, 1.0) for k in range(5)}


def test_a_model_of_ones_own_shows_only_what_it_decodes_itself(
    model: CrystalModel, part: Atlas, tmp_path: Path
) -> None:
    own = Gaps(model)
    rows = [
        row_of(one, name) for one, name in zip(model.decode(part.z, "fast"), part.table["material_id"], strict=True)
    ]
    atlas = Atlas("own", part.table, part.z, structures=pd.DataFrame(rows))
    with pytest.raises(DatasetError, match="build_atlas"):
        export_page(tmp_path / "page", own)
    index = export_page(tmp_path / "page", own, atlas, crystals=45, grid=4, progress=False)
    found = read(index.parent, "crystals")
    rows = unpack(found["rows"])
    assert 0 < len(rows) < len(atlas)
    assert (atlas.z[rows, 0] <= 0).all()
    grid = found["grid"]
    codes = atlas.inverse.codes(unpack(grid["xy"]).reshape(-1, 2).astype(float))
    assert len(grid["near"]) == len(codes)
    count = len(rows) + len(codes) + sum(len(path["xy"]) for path in found["paths"])
    assert unpack(found["crystals"]["counts"]).size == count
    values = [*grid["values"]["own 0"], *(value for path in found["paths"] for value in path["values"]["own 0"])]
    assert set(values) <= {None, 1.0}
    assert read(index.parent, "map")["ours"] is False


def test_an_atlas_of_other_weights_is_refused(model: CrystalModel, part: Atlas, tmp_path: Path) -> None:
    other = Atlas("other", part.table, part.z, facts={"model_digest": "another"})
    with pytest.raises(DatasetError, match="other weights"):
        export_page(tmp_path / "page", model, other)
