"""The standard view of still pictures: c upwards, a to the front and to the left, b to the right, layers visible."""

from __future__ import annotations

import numpy as np
import pytest

from tests.crystals import CRYSTALS
from xcrystal.explorer.drawing.viewpoint import standard_view


@pytest.mark.parametrize("name", CRYSTALS)
def test_axes_point_where_books_have_them(name: str) -> None:
    lattice = CRYSTALS[name].to_structure().to_conventional().lattice.matrix
    view = standard_view(lattice)
    np.testing.assert_allclose(view @ view.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(view) == pytest.approx(1)
    a, b, c = (lattice / np.linalg.norm(lattice, axis=1)[:, None]) @ view.T
    assert c[0] == pytest.approx(0, abs=1e-12) and 0.9 < c[1] < 1 and c[2] > 0.1
    assert a[0] < 0 < b[0] and a[2] > 0.3
    # planes across c are seen from above, so that layers are told apart
    assert (view @ np.cross(lattice[0], lattice[1]))[2] > 0


def test_it_turns_with_the_crystal() -> None:
    lattice = CRYSTALS["polar BaTiO3"].to_structure().lattice.matrix
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    rotation *= np.linalg.det(rotation)
    seen = standard_view(lattice) @ lattice.T
    np.testing.assert_allclose(standard_view(lattice @ rotation.T) @ rotation @ lattice.T, seen, atol=1e-12)
