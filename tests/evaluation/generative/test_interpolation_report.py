"""What lies between crystals, on the bundled model and the test crystals, and on paths whose figures are known."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.crystals import CRYSTALS, structures
from xcrystal.crystal.geometry.contacts import SHORT_CONTACT, shortest_contact
from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.errors import DatasetError, InvalidCrystalError
from xcrystal.evaluation.generative.interpolation_report import (
    evaluate_interpolation,
    path_figures,
    random_pairs,
)
from xcrystal.evaluation.generative.path_frames import Paths, measure_paths, path_frames
from xcrystal.generator import CrystalModel
from xcrystal.latent.paths import KINDS, interpolate


@pytest.mark.parametrize("kind", KINDS)
def test_measured_paths_are_what_the_model_decodes(model: CrystalModel, kind: str) -> None:
    z = model.encode([CRYSTALS["rock salt NaCl"].to_structure(), CRYSTALS["rutile TiO2"].to_structure()])
    paths = measure_paths(model, z[:1], z[1:], 5, kind)
    np.testing.assert_array_equal(paths.z[0], interpolate(z[0], z[1], 5, kind, model.prior))
    decoded = model.decode(paths.z[0])
    for k, structure in enumerate(decoded):
        found = paths.structures[0][k]
        np.testing.assert_allclose(found.lattice.matrix, structure.lattice.matrix, rtol=1e-4)
        numbers = np.array(structure.atomic_numbers)
        contact = shortest_contact(structure.lattice.matrix, structure.frac_coords, numbers)
        assert paths.contacts[0, k] == pytest.approx(contact.ratio, rel=1e-3)
        assert paths.formulas[0, k] == structure.composition.reduced_formula
    expected = [match_rms(a, b) is not None for a, b in pairwise(decoded)]
    assert paths.alike.tolist() == [expected]
    energies = model.predict(paths.z[0])["formation_energy_per_atom"]
    np.testing.assert_allclose(paths.energies[0], energies, atol=1e-4)
    again = model.encode(decoded[0])
    apart = np.linalg.norm(again[0] - z[0]) / np.linalg.norm(z[1] - z[0])
    assert paths.detours[0, 0] == pytest.approx(apart, abs=1e-3)
    assert paths.energies_again[0, 0] == pytest.approx(model.predict(again)["formation_energy_per_atom"][0], abs=1e-3)


def test_frames_are_looked_at_one_by_one() -> None:
    salt, rutile = CRYSTALS["rock salt NaCl"].to_structure(), CRYSTALS["rutile TiO2"].to_structure()
    squeezed = salt.copy()
    squeezed.scale_lattice(salt.volume * 0.2)
    collapsed = salt.copy()
    collapsed.translate_sites([1], [0.5, 0.5, 0.499], to_unit_cell=True)
    frames = path_frames([salt, salt * (1, 1, 2), squeezed, rutile, collapsed])
    assert (frames.contacts >= SHORT_CONTACT).tolist() == [True, True, False, True, False]
    assert frames.formulas == ("NaCl", "NaCl", "NaCl", "TiO2", "NaCl")
    assert frames.alike.tolist() == [True, True, False, False]  # the matcher rescales volumes
    assert frames.space_groups[:4].tolist() == [225, 225, 225, 136]
    assert [crystal is None for crystal in frames.crystals] == [False, False, False, False, True]


def test_the_decoder_may_be_kept_from_choosing(model: CrystalModel) -> None:
    """Far from all latent vectors, where the most probable crystals are no good."""
    starts, ends = 2 * model.sample_latent(4, seed=0), 2 * model.sample_latent(4, seed=1)
    free, bound = (measure_paths(model, starts, ends, 4, effort=effort) for effort in ("normal", "fast"))
    assert free.chosen.any()
    assert not bound.chosen.any()
    kept = ~free.chosen
    np.testing.assert_array_equal(free.formulas[kept], bound.formulas[kept])
    np.testing.assert_allclose(free.contacts[kept], bound.contacts[kept], rtol=1e-3)
    assert (free.contacts >= SHORT_CONTACT).sum() >= (bound.contacts >= SHORT_CONTACT).sum()


def known_paths() -> Paths:
    """Two paths of four frames whose figures can be counted by hand."""
    return Paths(
        kind="linear",
        z=np.zeros((2, 4, 3)),
        structures=[[], []],
        chosen=np.array([[False, True, False, True], [False] * 4]),
        contacts=np.array([[1.0, 0.6, 0.69, 0.7], [0.9, 0.9, 0.9, 0.9]]),
        space_groups=np.array([[225, 225, 1, 1], [2, 2, 2, 2]]),
        formulas=np.array([["NaCl", "NaCl", "KCl", "KBr"], ["C", "C", "C", "C"]]),
        alike=np.array([[True, False, False], [True, True, True]]),
        energies=np.array([[0.0, 0.0, 3.0, 1.5], [-1.0, -1.0, -1.0, -1.0]]),
        energies_again=np.array([[0.0, np.nan, 1.0, 1.25], [0.0, 0.0, 0.0, 0.0]]),
        detours=np.array([[0.1, np.nan, 0.5, 0.3], [np.nan, 0.5, 0.5, np.nan]]),
    )


def test_figures_of_known_paths() -> None:
    figures = path_figures(known_paths())
    assert figures.chosen == 2 / 8
    assert figures.overlap_free == 6 / 8
    assert figures.overlap_free_inner == 2 / 4
    assert figures.overlap_free_at == (1.0, 0.5, 0.5, 1.0)
    assert figures.overlap_free_inner_interval == (0.0, 1.0)
    assert figures.crystals_crossed == (3 + 1) / 2
    assert figures.composition_changes == pytest.approx(2 / 6)
    assert figures.space_group_changes == pytest.approx(1 / 6)
    assert figures.energy_jump[:2] == pytest.approx((4.5 / 6, 0.0))
    assert figures.energy_jump_smoothest[:2] == pytest.approx((0.25, 0.25))
    assert figures.energy_jump_again[0] == pytest.approx(0.25 / 4)  # of the steps whose two frames are known
    assert figures.detour == pytest.approx((0.5, 0.5, 0.5))
    assert figures.detour_at_ends[0] == pytest.approx(0.2)
    assert figures.encoded_again == 7 / 8


def test_figures_of_paths_without_inner_frames() -> None:
    paths = known_paths()
    by_frame = "z chosen contacts space_groups formulas energies energies_again detours".split()
    ends = {name: getattr(paths, name)[:, [0, -1]] for name in by_frame}
    figures = path_figures(replace(paths, **ends, alike=paths.alike[:, :1]))
    assert figures.overlap_free == 1.0
    assert math.isnan(figures.overlap_free_inner)
    assert math.isnan(figures.detour[0])


@pytest.mark.parametrize("source", ["table", "list"])
def test_the_report(model: CrystalModel, crystal_table: Path, source: str) -> None:
    crystals = crystal_table if source == "table" else structures()
    report = evaluate_interpolation(model, crystals, paths=3, steps=4, seed=1, workers=1)
    assert (report.paths, report.steps, list(report.kinds)) == (3, 4, list(KINDS))
    for figures in report.kinds.values():
        low, high = figures.overlap_free_interval
        assert 0 <= low <= figures.overlap_free <= high <= 1
        assert figures.overlap_free == pytest.approx(np.mean(figures.overlap_free_at))
        assert 1 <= figures.crystals_crossed <= 4
        assert figures.energy_jump[0] >= figures.energy_jump_smoothest[0] - 1e-9
    ends = {figures.detour_at_ends for figures in report.kinds.values()}
    assert len({tuple(np.round(three, 3)) for three in ends}) == 1  # the ends are those of the same pairs
    content = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert len(content["kinds"]["linear"]["overlap_free_at"]) == 4
    lines = report.table().splitlines()
    assert any("linear" in line and "spherical" in line for line in lines)
    assert sum(line.startswith(("  at the ends", "  frame 2 from an end")) for line in lines) == 2


def test_equal_ends_have_no_detour_and_json_has_no_nan(model: CrystalModel) -> None:
    salt = CRYSTALS["rock salt NaCl"].to_structure()
    report = evaluate_interpolation(model, [salt, salt], paths=5, steps=3, workers=1)
    assert report.paths == 1
    assert report.kinds["linear"].crystals_crossed == 1.0
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["kinds"]["linear"]["detour"] == [None] * 3
    report.table()


def test_crystals_that_cannot_be_encoded_are_named(model: CrystalModel) -> None:
    good = structures()[:3]
    heavy = good[0].copy()
    heavy.replace_species({"Na": "Am"})
    report = evaluate_interpolation(model, [*good, heavy], paths=6, steps=2, workers=1)
    assert list(report.not_encoded) == ["3"]
    assert report.paths == 3
    assert "not encoded: 3" in report.table()
    with pytest.raises(DatasetError, match="Am"):
        evaluate_interpolation(model, [good[0], heavy], workers=1)
    with pytest.raises(DatasetError, match="two crystals"):
        evaluate_interpolation(model, good[:1], workers=1)
    with pytest.raises(InvalidCrystalError, match="frames"):
        evaluate_interpolation(model, good, steps=1, workers=1)


@pytest.mark.parametrize(("count", "pairs"), [(1000, 100), (6, 3), (30, 40), (5, 100), (2, 1), (1, 3), (0, 3)])
def test_random_pairs(count: int, pairs: int) -> None:
    found = random_pairs(count, pairs, np.random.default_rng(0))
    assert found.shape == (min(pairs, count * (count - 1) // 2), 2)
    assert (found[:, 0] != found[:, 1]).all()
    assert len({tuple(sorted(pair)) for pair in found.tolist()}) == len(found)
    if 2 * pairs <= count:
        assert len(np.unique(found)) == 2 * pairs
    np.testing.assert_array_equal(found, random_pairs(count, pairs, np.random.default_rng(0)))
    if count > 10:
        assert (found != random_pairs(count, pairs, np.random.default_rng(1))).any()
