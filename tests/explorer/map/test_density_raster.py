"""The picture of the density of large maps, and how points take its place."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image
from scipy.spatial import cKDTree

from xcrystal.explorer.drawing import point_colors
from xcrystal.explorer.drawing.palette import COLOR_MAP, COLOR_MAPS, QUALITATIVE, UNKNOWN
from xcrystal.explorer.drawing.point_colors import Coloring, coloring
from xcrystal.explorer.map import map_figure
from xcrystal.explorer.map.density_raster import CellCounts
from xcrystal.explorer.map.map_figure import Points
from xcrystal.latent.atlas import Atlas

WINDOW = (0.0, 1.0, 0.0, 1.0)


def numbers(values: list[float], kinds: tuple[str, ...] = ()) -> Coloring:
    return Coloring("v", "V", np.array(values, dtype=np.float32), kinds)


def test_each_crystal_is_in_its_cell_and_the_upper_row_comes_first() -> None:
    places = np.array([[0.1, 0.9], [0.1, 0.9], [0.9, 0.1], [2.0, 0.5]])
    raster = CellCounts(places).raster(WINDOW, numbers([0.0, 1.0, np.nan, 5.0]), COLOR_MAP)
    lines, columns = np.nonzero(raster.shade)
    upper, lower = (raster.shade[line, column] for line, column in zip(lines, columns, strict=True))
    assert lines[0] < lines[1] and columns[0] < columns[1] and upper > lower == 1 and raster.most == 2
    assert raster.colors[raster.tone[lines[1], columns[1]]] == UNKNOWN


def test_a_cell_has_the_mean_value_or_the_commonest_kind() -> None:
    places = np.tile([0.5, 0.5], (3, 1))
    density = CellCounts(places)
    ends = COLOR_MAPS[COLOR_MAP][0], COLOR_MAPS[COLOR_MAP][-1]
    for values, end in (([0.0, 0.0, 0.0], ends[0]), ([9.0, 9.0, 9.0], ends[1])):
        given = numbers(values)
        given.__dict__["span"] = (0.0, 9.0)
        raster = density.raster(WINDOW, given, COLOR_MAP)
        assert raster.colors[raster.tone[raster.shade > 0].item()] == end
    raster = density.raster(WINDOW, numbers([1, 0, 1], ("a", "b")), COLOR_MAP)
    assert raster.colors[raster.tone[raster.shade > 0].item()] == QUALITATIVE[1]
    raster = density.raster(WINDOW, numbers([1, 0, 1], ("a", "b")), COLOR_MAP, grey=True)
    assert raster.colors[raster.tone[raster.shade > 0].item()] == UNKNOWN


def test_the_picture_says_what_the_cells_say() -> None:
    places = np.random.default_rng(0).random((5000, 2)) ** 2
    raster = CellCounts(places).raster(WINDOW, numbers(places[:, 0].tolist()), COLOR_MAP)
    picture = Image.open(io.BytesIO(base64.b64decode(raster.address.partition(",")[2]))).convert("RGBA")
    pixels = np.asarray(picture)
    np.testing.assert_array_equal(pixels[..., 3] > 0, raster.shade > 0)
    line, column = np.argwhere(raster.shade > 0)[7]
    assert "#" + "".join(f"{v:02x}" for v in pixels[line, column, :3]) == raster.colors[raster.tone[line, column]]


def test_a_large_map_is_a_density_until_few_enough_are_in_view(atlas: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_figure, "DENSE", 10_000)
    points = Points(atlas, "band_gap")
    assert points.raster is not None and len(points.rows) == 0
    assert len(points.raster.address) < 1_000_000
    row = atlas.row("mp-5986")
    x, y = atlas.inverse.places[row]
    assert points.nearest((x, y), (1e-6, 1e-6)) == (row, pytest.approx(0, abs=1e-6))
    grey = np.flatnonzero(atlas.table["space_group"] == 99)
    points.select(grey)
    np.testing.assert_array_equal(points.rows, grey)
    assert points.raster is not None and points.raster.colors == [UNKNOWN]
    points.select(None)
    points.look_at((x - 0.05, x + 0.05, y - 0.05, y + 0.05))
    assert points.raster is None and row in points.rows and len(points.rows) < 20_000
    assert sum(len(trace.x) for trace in points.figure.data) == len(points.rows)
    points.figure.close()


def test_density_in_cells_is_the_number_of_crystals_around(atlas: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(point_colors, "_LARGE", 1000)
    counted = 10 ** coloring(atlas, "density").values
    some = np.random.default_rng(0).choice(len(atlas), 500, replace=False)
    tree = cKDTree(atlas.inverse.places)
    around = tree.query_ball_point(atlas.inverse.places[some], 0.01 * atlas.inverse.width, return_length=True)
    assert np.corrcoef(counted[some], around)[0, 1] > 0.9
    assert np.median(counted[some] / around) == pytest.approx(1, abs=0.1)
