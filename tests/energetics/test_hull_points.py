"""The phase diagram as points and lines in the plane."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import xcrystal as xc
from xcrystal.energetics.hull_points import SHOWN, diagram


def test_two_elements_make_a_line_below_which_nothing_lies() -> None:
    found = diagram(xc.hull("NaCl", -2.0))
    assert found is not None
    assert found.elements == ("Na", "Cl")
    assert found.own == (0.5, 0.0)
    energies = {point.place[0]: point.formation_energy_per_atom for point in found.points if point.stable}
    shares = sorted(energies)
    assert shares[0] == 0.0
    assert shares[-1] == 1.0
    edges = {tuple(sorted(found.points[k].place[0] for k in edge)) for edge in found.edges}
    assert edges == set(itertools.pairwise(shares))
    for point in found.points:
        assert (
            point.formation_energy_per_atom >= np.interp(point.place[0], shares, [energies[x] for x in shares]) - 1e-9
        )


def test_three_elements_lie_in_a_triangle_by_their_shares() -> None:
    hull = xc.hull("BaTiO3")
    found = diagram(hull)
    assert found is not None
    corners = np.array([[0, 0], [1, 0], [0.5, np.sqrt(3) / 2]])
    shares = dict(zip(found.elements, np.zeros(3), strict=True)) | {"Ba": 0.2, "Ti": 0.2, "O": 0.6}
    assert found.own == pytest.approx(tuple(np.array([shares[e] for e in found.elements]) @ corners))
    assert all(point.e_above_hull <= SHOWN for point in found.points)
    assert all(found.points[k].stable for edge in found.edges for k in edge)
    stable = {entry.composition.reduced_formula for entry in hull.diagram.stable_entries}
    assert {point.formula for point in found.points if point.stable} == stable


def test_other_numbers_of_elements_have_no_plane() -> None:
    assert diagram(xc.hull("Fe")) is None
    assert diagram(xc.hull("LiFePO4")) is None
