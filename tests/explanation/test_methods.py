"""Methods, levels and baselines: what goes together, and that what is attributed is what the level says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.crystals import CRYSTALS
from xcrystal.errors import TargetError
from xcrystal.explanation.batches import score_crystals
from xcrystal.explanation.inputs import LEVELS, inputs_of
from xcrystal.explanation.methods import METHODS, baselines_of, check, method_table
from xcrystal.explanation.targets import Target
from xcrystal.generator import CrystalModel

CHOICES = [(name, level) for name, method in METHODS.items() for level in method.levels]
SIGNED = [name for name, level in CHOICES if METHODS[name].signed and level == "latent"]
COMPLETE = [(m, level, b) for m, level in CHOICES if METHODS[m].complete for b in baselines_of(m, level)]
NAMES = ("perovskite SrTiO3", "spinel MgAl2O4", "rock salt NaCl")


# noise is drawn for the whole batch
@pytest.mark.parametrize(("method", "level"), [c for c in CHOICES if c[0] not in ("gradient_shap", "smoothgrad")])
def test_scores_do_not_depend_on_what_else_is_in_the_batch(model: CrystalModel, method: str, level: str) -> None:
    crystals = [model.canonical(CRYSTALS[name].to_structure()).crystal for name in NAMES]
    together = score_crystals(model, crystals, method=method, level=level)
    for k, crystal in enumerate(crystals):
        alone = score_crystals(model, [crystal], method=method, level=level)
        assert together.names[k] == alone.names[0]
        assert np.allclose(together.values[k], alone.values[0], atol=2e-4)
        assert len(alone.values[0]) == len(alone.names[0])


@pytest.mark.parametrize(("method", "level", "baseline"), COMPLETE)
def test_complete_methods_are_complete(model: CrystalModel, method: str, level: str, baseline: str) -> None:
    crystals = [model.canonical(CRYSTALS[name].to_structure()).crystal for name in NAMES]
    found = score_crystals(model, crystals, method=method, level=level, baseline=baseline)
    assert (found.errors <= np.maximum(0.01 * np.abs(found.target_values - found.baseline_values), 0.002)).all()


@pytest.mark.parametrize("method", SIGNED)
def test_a_target_that_is_linear_in_z_and_a_level_that_is_z_give_the_products(model: CrystalModel, method: str) -> None:
    weight = torch.randn(model.latent_dim, generator=torch.Generator().manual_seed(0))
    crystal = model.canonical(CRYSTALS["spinel MgAl2O4"].to_structure()).crystal
    found = score_crystals(model, [crystal], Target("linear", "", lambda z: z @ weight), method, "latent")
    expected = model.encode_canonical([crystal])[0] * weight.numpy()
    # gradient SHAP begins at random places of the line and adds noise to them
    tolerance = 0.3 if method == "gradient_shap" else 1e-4
    assert np.allclose(found.values[0], expected, atol=tolerance)


def test_moves_of_zero_give_the_baseline_and_full_moves_the_crystal(model: CrystalModel) -> None:
    crystals = [model.canonical(CRYSTALS[name].to_structure()).crystal for name in NAMES]
    codes, rows = model.encode_canonical(crystals), torch.arange(len(crystals))
    for level in LEVELS:
        for baseline in baselines_of("shapley", level):
            found = inputs_of(model, crystals, level, baseline)
            every = rows.repeat_interleave(found.draws)
            moved = found.encode(found.moved, torch.arange(len(found.moved))).detach().numpy()
            assert np.allclose(moved, codes[every], atol=2e-5)
            assert (found.moved[~found.present] == 0).all()


def test_the_baseline_of_a_crystals_own_mean_does_not_move_an_element_by_itself(model: CrystalModel) -> None:
    crystal = model.canonical(CRYSTALS["diamond C"].to_structure()).crystal
    found = score_crystals(model, [crystal], baseline="average_of_crystal")
    assert np.abs(found.values[0]).max() < 1e-6
    assert found.target_values[0] == pytest.approx(found.baseline_values[0], abs=1e-5)


def test_lattice_has_the_degrees_of_freedom_that_symmetry_leaves(model: CrystalModel) -> None:
    crystals = [model.canonical(crystal.to_structure()).crystal for crystal in CRYSTALS.values()]
    found = score_crystals(model, crystals, level="lattice", method="shapley")
    for crystal, names in zip(crystals, found.names, strict=True):
        assert names[0] == "volume per atom"
        if crystal.space_group >= 195:
            assert names == ["volume per atom"]
        elif crystal.space_group >= 75:
            assert names == ["volume per atom", "c / a"]
        elif crystal.space_group <= 2:
            assert len(names) == 6


@pytest.mark.parametrize(("method", "level"), CHOICES)
def test_they_work_under_double_precision_and_in_inference_mode(model: CrystalModel, method: str, level: str) -> None:
    crystal = model.canonical(CRYSTALS["spinel MgAl2O4"].to_structure()).crystal
    own = (method, level) == ("shapley", "orbits")
    for baseline in baselines_of(method, level) if own else baselines_of(method, level)[:1]:
        plain = score_crystals(model, [crystal], method=method, level=level, baseline=baseline)
        with torch.inference_mode():
            inferred = score_crystals(model, [crystal], method=method, level=level, baseline=baseline)
        torch.set_default_dtype(torch.float64)
        try:
            double = score_crystals(model, [crystal], method=method, level=level, baseline=baseline)
        finally:
            torch.set_default_dtype(torch.float32)
        assert np.allclose(inferred.values[0], plain.values[0], atol=1e-5)
        assert np.isfinite(double.values[0]).all() and double.target_values == pytest.approx(plain.target_values)
        if method not in ("gradient_shap", "smoothgrad"):  # other noise is drawn in another precision
            assert np.allclose(double.values[0], plain.values[0], atol=1e-4)


def test_random_methods_are_seeded_and_leave_other_randomness_alone(model: CrystalModel) -> None:
    crystal = model.canonical(CRYSTALS["spinel MgAl2O4"].to_structure()).crystal
    for method in ("gradient_shap", "smoothgrad"):
        torch.manual_seed(5)
        np.random.seed(5)  # noqa: NPY002
        first = score_crystals(model, [crystal], method=method, seed=1).values[0]
        after = torch.rand(1), np.random.rand()  # noqa: NPY002
        again = score_crystals(model, [crystal], method=method, seed=1).values[0]
        other = score_crystals(model, [crystal], method=method, seed=2).values[0]
        assert (first == again).all()
        assert (first != other).any()
        torch.manual_seed(5)
        np.random.seed(5)  # noqa: NPY002
        assert after == (torch.rand(1), np.random.rand())  # noqa: NPY002


def test_a_lone_orbit_cannot_be_taken_out(model: CrystalModel) -> None:
    crystal = model.canonical(CRYSTALS["diamond C"].to_structure()).crystal
    with pytest.raises(TargetError, match="Nothing is left"):
        score_crystals(model, [crystal], method="occlusion")


def test_what_does_not_go_together_gets_one_sentence() -> None:
    assert check("occlusion", "atoms", None) == "vacancy"
    assert check("integrated_gradients", "atoms", None) == "mean_element"
    for wrong in (
        ("occlusion", "lattice", None),
        ("saliency", "pairs", None),
        ("occlusion", "atoms", "mean_element"),
        ("shapley", "latent", "vacancy"),
    ):
        with pytest.raises(TargetError, match="does not go with"):
            check(*wrong)


def test_the_documentation_shows_the_table() -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "explain.md"
    assert method_table() in page.read_text(encoding="utf-8")
