"""Names of directions: what grows along them is said, with its sign, and where nothing does that is said, too."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from xcrystal.latent.atlas import Atlas
from xcrystal.latent.axes import Axis
from xcrystal.latent.axis_descriptions import MIXED, AxisDescriptions

COUNT = 600
CATIONS = ("Li", "B", "Mg", "K", "Ti", "Ga", "Sr", "Mo", "La", "Au", "U")


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    """Crystals whose first number is their share of oxygen, the second their symmetry, the third nothing."""
    rng = np.random.default_rng(0)
    oxygen = rng.integers(1, 9, COUNT)
    group = rng.choice([1, 14, 62, 139, 194, 225], COUNT)
    order = np.log([{1: 1, 14: 4, 62: 8, 139: 16, 194: 24, 225: 48}[int(number)] for number in group])
    z = np.stack([oxygen / (oxygen + 1), order, rng.normal(size=COUNT), rng.normal(size=COUNT)], axis=1)
    table = pd.DataFrame(
        {
            "material_id": [f"x-{k}" for k in range(COUNT)],
            "formula": [f"{rng.choice(CATIONS)}O{n}" for n in oxygen],
            "space_group": group,
            "band_gap": rng.normal(size=COUNT),
            "x": z[:, 0],
            "y": z[:, 1],
        }
    )
    return Atlas("made up", table, z.astype(np.float32))


def axis(*direction: float) -> Axis:
    vector = np.array(direction) / np.linalg.norm(direction)
    return Axis("principal 1", "principal", vector, np.zeros(len(vector)), 1.0)


def test_what_grows_is_named_with_its_sign(atlas: Atlas) -> None:
    descriptions = AxisDescriptions(atlas)
    assert descriptions.describe(axis(1, 0, 0, 0)).split(", ")[0] == "more oxygen"
    assert descriptions.describe(axis(-1, 0, 0, 0)).split(", ")[0] == "less oxygen"
    assert descriptions.describe(axis(0, 1, 0, 0)) == "higher symmetry"
    assert descriptions.describe(axis(0, -1, 0, 0)) == "lower symmetry"


def test_two_independent_things_are_both_named(atlas: Atlas) -> None:
    spread = atlas.z.std(axis=0)
    found = AxisDescriptions(atlas).describe(axis(1 / spread[0], -1 / spread[1], 0, 0))
    assert set(found.split(", ")) == {"more oxygen", "lower symmetry"}


def test_where_nothing_grows_that_is_said(atlas: Atlas) -> None:
    assert AxisDescriptions(atlas).describe(axis(0, 0, 1, 0)) == MIXED


def test_something_weak_is_called_slight(atlas: Atlas) -> None:
    spread = atlas.z.std(axis=0)
    found = AxisDescriptions(atlas).describe(axis(0.23 / spread[0], 0, 1, 0))
    assert found == "slightly more oxygen"


def test_few_crystals_name_nothing(atlas: Atlas) -> None:
    few = Atlas("few", atlas.table.iloc[:20], atlas.z[:20])
    assert AxisDescriptions(few).describe(axis(1, 0, 0, 0)) == MIXED
