"""Candidates: what is chosen never has overlapping atoms where another has none, and never lies farther from the latent
vector.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
import torch

from xcrystal.crystal.geometry.contacts import SHORT_CONTACT
from xcrystal.errors import InvalidCrystalError, XCrystalError
from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas
from xcrystal.model.choosing import (
    CERTAIN,
    LESS_OVERLAP,
    MOST_PROBABLE,
    NEARER,
    NO_OVERLAP,
    canonical_form,
    contact_ratios,
    decode_best,
    substitutions,
)
from xcrystal.model.decoded import EFFORTS, Decoded
from xcrystal.model.decoding import MAX_DRAWS, as_batch, draw_crystals, greedy_decode


@pytest.fixture(scope="module")
def between(model: CrystalModel) -> torch.Tensor:
    """Latent vectors far from any latent vector, where atoms often overlap."""
    return torch.from_numpy(np.random.default_rng(5).standard_normal((24, model.latent_dim)).astype(np.float32))


@pytest.fixture(scope="module")
def chosen(model: CrystalModel, between: torch.Tensor) -> list[Decoded]:
    with torch.inference_mode():
        return decode_best(model.network, between)


def same(one: Decoded, other: Decoded) -> bool:
    return (
        one.group == other.group
        and np.array_equal(one.letter, other.letter)
        and np.array_equal(one.element, other.element)
        and np.allclose(one.coordinates, other.coordinates, atol=1e-4)
        and np.allclose(one.cell, other.cell, rtol=1e-4)
    )


def distances_when_read(model: CrystalModel, crystals: list[Decoded], z: torch.Tensor) -> np.ndarray:
    """Of the latent vectors that the crystals have when they are read from a file; 20 if they cannot be."""
    found = np.full(len(crystals), 20.0)
    for k, crystal in enumerate(crystals):
        with suppress(XCrystalError):
            found[k] = np.linalg.norm(model.encode(crystal.crystal.to_structure())[0] - z[k].numpy())
    return found


def test_another_candidate_is_taken_for_a_reason(
    model: CrystalModel, between: torch.Tensor, chosen: list[Decoded]
) -> None:
    greedy = greedy_decode(model.network, between)
    before, after = contact_ratios(greedy) >= SHORT_CONTACT, contact_ratios(chosen) >= SHORT_CONTACT
    assert after.sum() > before.sum()
    for k, (one, other) in enumerate(zip(greedy, chosen, strict=True)):
        assert after[k] >= before[k]
        assert other.chosen in (MOST_PROBABLE, NO_OVERLAP, LESS_OVERLAP, NEARER)
        assert same(one, other) == (other.chosen == MOST_PROBABLE)
        if other.chosen == NO_OVERLAP:
            assert after[k] and not before[k]
    # who asks for the most probable crystal gets it
    assert all(same(a, b) for a, b in zip(greedy, model.decode_arrays(between, effort="fast"), strict=True))


def test_a_choice_does_not_depend_on_what_else_is_decoded(
    model: CrystalModel, between: torch.Tensor, chosen: list[Decoded]
) -> None:
    with torch.inference_mode():
        alone = [decode_best(model.network, between[k : k + 1])[0] for k in range(0, len(between), 4)]
    assert [same(a, b) for a, b in zip(alone, chosen[::4], strict=True)].count(False) == 0


@pytest.mark.parametrize("searching", [False, True])
def test_what_is_nearer_to_the_code_is_nearer(model: CrystalModel, atlas: Atlas, searching: bool) -> None:
    corrector = model.corrector if searching else None
    assert (corrector is not None) == searching
    codes = torch.from_numpy(np.asarray(atlas.z[:256], dtype=np.float32))
    z = codes + 0.3 * torch.from_numpy(np.random.default_rng(1).standard_normal(codes.shape).astype(np.float32))
    with torch.inference_mode():
        greedy, chosen = greedy_decode(model.network, z), decode_best(model.network, z, corrector=corrector)
        distances = [
            (model.network.posterior(as_batch(found))[0] - z).norm(dim=1).numpy() for found in (greedy, chosen)
        ]
    nearer = np.array([c.chosen == NEARER for c in chosen])
    assert nearer.any()
    assert (distances[1][nearer] < distances[0][nearer]).all()


def test_only_what_is_doubtful_is_searched_for(model: CrystalModel, atlas: Atlas) -> None:
    z = torch.from_numpy(np.asarray(atlas.z[:256], dtype=np.float32))
    greedy, chosen = model.decode_arrays(z, "fast"), model.decode_arrays(z)
    sound = (contact_ratios(greedy) >= SHORT_CONTACT) & np.array([c.certainty >= CERTAIN for c in greedy])
    assert 0 < sound.sum() < len(z)
    assert all(same(greedy[k], chosen[k]) for k in np.flatnonzero(sound))
    assert not all(same(greedy[k], chosen[k]) for k in np.flatnonzero(~sound))


def test_a_longer_search_comes_nearer(model: CrystalModel) -> None:
    z = torch.from_numpy(model.sample_latent(12, seed=5))
    means = [distances_when_read(model, model.decode_arrays(z, effort), z).mean() for effort in EFFORTS]
    assert means[0] > means[1] > means[2]


def test_a_thorough_search_is_never_worse_than_a_normal_one(model: CrystalModel, atlas: Atlas) -> None:
    pairs = np.random.default_rng(0).integers(0, len(atlas.z), (8, 2))
    z = torch.from_numpy(atlas.z[pairs].mean(axis=1, dtype=np.float32))  # halfway, where no crystal's own vector is
    normal, thorough = (model.decode_arrays(z, effort) for effort in ("normal", "thorough"))
    before, after = (distances_when_read(model, found, z) for found in (normal, thorough))
    mended = (contact_ratios(thorough) >= SHORT_CONTACT) & (contact_ratios(normal) < SHORT_CONTACT)
    assert (after[~mended] <= before[~mended] + 1e-3).all()
    assert (after < 0.95 * before).any()


def test_an_effort_that_does_not_exist_is_refused(model: CrystalModel) -> None:
    with pytest.raises(InvalidCrystalError, match="no effort 'much'; there are: fast, normal, thorough") as refused:
        model.decode(np.zeros(model.latent_dim), effort="much")
    assert "\n" not in str(refused.value)


def test_the_former_name_of_an_effort_still_works(model: CrystalModel, between: torch.Tensor) -> None:
    for choose, effort in ((False, "fast"), (True, "normal")):
        with pytest.warns(DeprecationWarning, match="effort"):
            found = model.decode(between[:4], choose=choose)
        assert found == model.decode(between[:4], effort=effort)


@pytest.mark.parametrize("other_groups", [False, True])
def test_draws_differ_and_repeat(model: CrystalModel, between: torch.Tensor, other_groups: bool) -> None:
    with torch.inference_mode():
        drawn = draw_crystals(model.network, between[:2], range(MAX_DRAWS), other_groups)
        again = draw_crystals(model.network, between[1:2], range(3, 8), other_groups)
        greedy = greedy_decode(model.network, between[:1])[0]
    assert len(drawn) == 2 * MAX_DRAWS
    assert all(same(a, b) for a, b in zip(drawn[MAX_DRAWS + 3 : MAX_DRAWS + 8], again, strict=True))
    assert len({(d.group, tuple(d.element.tolist())) for d in drawn[:MAX_DRAWS]}) > 3
    assert (len({d.group for d in drawn[:MAX_DRAWS]} - {greedy.group}) > 0) == other_groups


def test_substitutions_change_elements_only(chosen: list[Decoded]) -> None:
    crystal = next(c for c in chosen if len(c.element) > 2)
    found = substitutions(crystal, 6)
    assert 0 < len(found) <= 6
    seen = {tuple(c.element.tolist()) for c in found}
    assert len(seen) == len(found)
    assert tuple(crystal.element.tolist()) not in seen
    for candidate in found:
        assert same(replace(candidate, element=crystal.element), crystal)
        assert ((candidate.element_probability >= 0) & (candidate.element_probability <= 1)).all()


def test_what_was_likely_is_reported(model: CrystalModel, between: torch.Tensor) -> None:
    for found in greedy_decode(model.network, between):
        assert found.likely_groups[0] == found.group
        assert found.likely_groups_probability[0] == pytest.approx(found.group_probability)
        assert (np.diff(found.likely_groups_probability) <= 0).all()
        assert found.likely_groups_probability.sum() <= 1 + 1e-6
    structure = model.decode(between[:1])[0]
    assert len(structure.properties["likely_elements"]) == max(structure.site_properties["orbit"]) + 1
    assert all(0 <= p <= 1 for orbit in structure.properties["likely_elements"] for _, p in orbit)


@pytest.mark.parametrize("effort", ["normal", "fast"])
def test_a_space_group_can_be_asked_for(model: CrystalModel, between: torch.Tensor, effort: str) -> None:
    for group in (1, 99, 225):
        for found in model.decode_arrays(between[:8], effort, group):
            assert found.group == group
            assert found.group_probability == pytest.approx(
                dict(zip(found.likely_groups, found.likely_groups_probability, strict=True)).get(
                    group, found.group_probability
                )
            )
    likely = greedy_decode(model.network, between[:8])
    asked = [model.decode_arrays(between[k], effort="fast", group=c.group)[0] for k, c in enumerate(likely)]
    assert all(same(one, other) for one, other in zip(likely, asked, strict=True))
    with pytest.raises(InvalidCrystalError, match="no space group 231"):
        model.decode(between[0], group=231)
    for wrong in ("225", 2.5, True):
        with pytest.raises(InvalidCrystalError, match="no space group"):
            model.decode(between[0], group=wrong)  # type: ignore[arg-type]


def test_the_canonical_form_of_a_decode_is_what_is_read_from_a_file(model: CrystalModel, atlas: Atlas) -> None:
    z = torch.from_numpy(np.asarray(atlas.z[:40], dtype=np.float32))
    for crystal in model.decode_arrays(z, "fast"):
        form = canonical_form(crystal)
        if form is None:
            continue
        with torch.inference_mode():
            own = model.network.posterior(as_batch([form]))[0][0].numpy()
        np.testing.assert_allclose(own, model.encode(crystal.crystal.to_structure())[0], atol=1e-3)
        # what was said of an orbit goes with its element
        said = dict(zip(crystal.element.tolist(), crystal.element_probability.tolist(), strict=True))
        if len(said) == len(crystal.element):
            for element, probability in zip(form.element.tolist(), form.element_probability.tolist(), strict=True):
                assert said[element] == probability
