"""Axes through latent space: units, moves, and how well groups and properties are told apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xcrystal.errors import DatasetError, TargetError
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas
from xcrystal.latent.axes import (
    FAMILIES,
    SMALLEST,
    Axes,
    Axis,
    area_under_roc,
    coordinates,
    discriminant,
    explained_variance,
    separability,
    towards,
)
from xcrystal.latent.searching import search


@pytest.fixture(scope="module")
def axes(atlas: Atlas, model: CrystalModel) -> Axes:
    return Axes(atlas, model)


@pytest.fixture(scope="module")
def every(axes: Axes) -> list[Axis]:
    """Some of each family."""
    concept = axes.concept("oxides", search(axes.atlas, "oxide"), [])
    return [*axes.principal[:3], *axes.latent[:3], axes.latent[-1], *axes.property, concept]


def test_axes_have_unit_length_and_the_atlas_unit_spread(every: list[Axis], atlas: Atlas) -> None:
    for axis in every:
        assert axis.family in FAMILIES and axis.note
        assert np.linalg.norm(axis.vector) == pytest.approx(1)
        along = axis.coordinates(atlas.z)
        assert along.mean() == pytest.approx(0, abs=1e-3)
        assert along.std() == pytest.approx(1, abs=1e-3)


@settings(max_examples=30, deadline=None)
@given(value=st.floats(-4, 4), row=st.integers(0, 18_000), k=st.integers(0, 10))
def test_a_move_sets_one_coordinate_and_keeps_what_is_at_right_angles(
    value: float, row: int, k: int, every: list[Axis], atlas: Atlas
) -> None:
    axis, z = every[k], atlas.z[row]
    moved = axis.move(z, value)
    assert moved.dtype == np.float32 and moved.shape == z.shape
    assert axis.coordinates(moved)[0] == pytest.approx(value, abs=1e-4)
    change = moved.astype(float) - z
    assert np.allclose(change - (change @ axis.vector) * axis.vector, 0, atol=1e-5)
    assert np.allclose(axis.move(moved, float(axis.coordinates(z)[0])), z, atol=1e-4)


def test_names_are_unique_and_say_the_families(axes: Axes) -> None:
    names = [axis.name for axis in (*axes.principal, *axes.latent, *axes.property)]
    assert len(set(names)) == len(names)
    assert axes.principal[0].name == "principal 1" and "% of the variance" in axes.principal[0].note
    spread = [axis.scale for axis in axes.latent]
    assert spread == sorted(spread, reverse=True)
    assert axes.latent_axis(17).vector[17] == 1 and axes.latent_axis(17).name == "latent 17"
    with pytest.raises(TargetError, match="0 to 127"):
        axes.latent_axis(128)
    assert coordinates(axes.principal, axes.atlas.z[0]).shape == (len(axes.principal),)
    assert coordinates((), axes.atlas.z[0]).shape == (0,)


def test_property_axes_point_where_one_wants(axes: Axes, model: CrystalModel, atlas: Atlas) -> None:
    assert [axis.target for axis in axes.property] == list(model.properties)
    assert [axis.name for axis in axes.property] == [
        "lower formation energy",
        "larger band gap",
        "lower energy above hull",
    ]
    for axis in axes.property:
        assert axis.target is not None
        _, sign = towards(axis.target)
        far = model.predict(np.stack([axis.move(z, 2.0) for z in atlas.z[:200]]))[axis.target]
        near = model.predict(atlas.z[:200])[axis.target]
        assert sign * (far - near).mean() > 0
        assert 0 < float(axis.note.split("R² ")[1]) < 1
    assert towards("band_width") == ("higher band width", 1.0)


def test_predictions_stand_in_where_no_value_is_known(model: CrystalModel, atlas: Atlas) -> None:
    table = atlas.table.iloc[:300][["material_id", "formula", "space_group", "x", "y"]]
    bare = Axes(Atlas("bare", table, atlas.z[:300]), model).property
    assert [axis.target for axis in bare] == list(model.properties)
    assert all("predictions" in axis.note for axis in bare)
    assert Axes(Atlas("tiny", table.iloc[:10], atlas.z[:10]), model).property == ()


def test_a_concept_leads_from_one_group_to_the_other(axes: Axes, atlas: Atlas) -> None:
    oxides = search(atlas, "oxide")
    concept = axes.concept("oxides", oxides, [])
    along = concept.coordinates(atlas.z)
    rest = np.setdiff1d(np.arange(len(atlas)), oxides)
    assert along[oxides].mean() > along[rest].mean() + 1
    assert float(concept.note.split("AUC ")[1].split(",")[0]) > 0.98
    # a group within the other is taken out of it
    within = axes.concept("some", oxides[:50], oxides)
    assert within.note.startswith(f"50 against {len(oxides) - 50:,} ")
    swapped = axes.concept("others", rest, oxides)
    assert swapped.vector @ concept.vector == pytest.approx(-1)


def test_a_concept_that_is_none_is_no_better_than_chance(axes: Axes, atlas: Atlas) -> None:
    rows = np.random.default_rng(0).permutation(len(atlas))
    one, other = atlas.z[rows[:400]].astype(float), atlas.z[rows[400:800]].astype(float)
    for area in separability(one, other, seed=1):
        assert 0.4 < area < 0.6
    assert separability(one, other, seed=1) == separability(one, other, seed=1)


def test_few_crystals_are_enough_but_not_fewer_than_five(axes: Axes, atlas: Atlas) -> None:
    oxides, halides = search(atlas, "oxide, no F"), search(atlas, "fluoride, no O")
    few = axes.concept("few", oxides[:SMALLEST], halides[:SMALLEST])
    assert few.coordinates(atlas.z[oxides]).mean() > few.coordinates(atlas.z[halides]).mean()
    for positive, negative in ((oxides[:4], halides), (oxides, halides[:4]), (oxides, oxides), (np.array([], int), [])):
        with pytest.raises(DatasetError, match="at least 5"):
            axes.concept("too few", positive, negative)


def test_groups_with_the_same_mean_have_no_direction(model: CrystalModel, atlas: Atlas) -> None:
    same = Axes(Atlas("same", atlas.table.iloc[:20], np.tile(atlas.z[:1], (20, 1))), model)
    with pytest.raises(DatasetError, match="same mean"):
        same.concept("nothing", np.arange(10), np.arange(10, 20))


def test_the_discriminant_sees_what_the_means_alone_do_not() -> None:
    rng = np.random.default_rng(0)
    spread = np.array([[1.0, 0.99], [0.99, 1.0]])  # the groups differ across a long thin cloud
    one, other = (rng.multivariate_normal(middle, spread, 500) for middle in ([0.3, -0.3], [-0.3, 0.3]))
    weights = discriminant(one, other)
    assert abs(weights[0] + weights[1]) < 0.1 * abs(weights[0])
    tilted, flat = separability(one + 0.5, other, seed=0)
    assert tilted > 0.99 > flat


def test_area_under_the_curve_is_the_chance_of_the_right_order() -> None:
    assert area_under_roc(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 1
    assert area_under_roc(np.array([0.0]), np.array([0.0])) == 0.5
    assert area_under_roc(np.array([0.0, 2.0]), np.array([1.0])) == 0.5


def test_cross_validated_regression_knows_signal_from_noise() -> None:
    rng = np.random.default_rng(0)
    z = rng.standard_normal((500, 20))
    assert explained_variance(z, z @ rng.standard_normal(20)) > 0.99
    assert explained_variance(z, rng.standard_normal(500)) < 0.1
