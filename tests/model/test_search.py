"""Searches never end farther off than they began, and polishing finds what was moved a little."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from tests.crystals import CRYSTALS
from xcrystal.generator import CrystalModel
from xcrystal.model.choosing import same_crystal
from xcrystal.model.correction import Corrector
from xcrystal.model.decoded import EFFORTS
from xcrystal.model.decoding import as_batch, greedy_decode
from xcrystal.model.exchange import exchange_elements
from xcrystal.model.search import SearchSettings, _moved, _moves, _Pool, encode, propose, search
from xcrystal.model.tensors import Batch
from xcrystal.model.wyckoff_tables import position_tables

QUICK = SearchSettings(rounds=2, patience=1, beam=2, samples=1)
POLISH = SearchSettings(rounds=0, beam=1, polish=6)
NEAR = 0.01


@pytest.fixture(scope="module")
def corrector(model: CrystalModel) -> Corrector:
    """Random weights: what it proposes is nonsense."""
    torch.manual_seed(0)
    return Corrector(model.network.config, depth=1).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def crystals(model: CrystalModel) -> Batch:
    return model.batch(list(CRYSTALS.values()))


@pytest.fixture(scope="module")
def wanted(model: CrystalModel, crystals: Batch) -> torch.Tensor:
    with torch.inference_mode():
        return encode(model.network, crystals)


@pytest.fixture(scope="module")
def moved(model: CrystalModel, crystals: Batch) -> Batch:
    """The crystals with free coordinates and lattices moved a little."""
    rng = np.random.default_rng(3)
    free = model.network.embed.free[model.network.embed.rows(crystals.group, crystals.letter)]
    free = free & crystals.mask[..., None]
    shift = torch.from_numpy(rng.normal(0, 0.006, crystals.coordinates.shape).astype(np.float32)) * free
    lattice = crystals.lattice.clone()
    lattice[:, 0] += torch.from_numpy(rng.normal(0, 0.03, len(lattice)).astype(np.float32))
    return replace(crystals, coordinates=(crystals.coordinates + shift) % 1.0, lattice=lattice)


def test_nonsense_is_never_taken_for_something_nearer(
    model: CrystalModel, corrector: Corrector, moved: Batch, wanted: torch.Tensor
) -> None:
    with torch.inference_mode():
        before = (encode(model.network, moved) - wanted).norm(dim=1).numpy()
        found = search(model.network, corrector, wanted, moved, torch.arange(len(moved)), NEAR, QUICK)
    nearest = np.array([found.distance[found.owner == k].min() for k in range(len(moved))])
    assert (nearest <= before + 1e-4).all()
    own = (encode(model.network, found.batch) - wanted[found.owner]).norm(dim=1).numpy()
    assert np.allclose(own, found.distance, atol=1e-3)


def test_what_is_found_already_is_left_alone(
    model: CrystalModel, corrector: Corrector, crystals: Batch, wanted: torch.Tensor
) -> None:
    with torch.inference_mode():
        found = search(model.network, corrector, wanted, crystals, torch.arange(len(crystals)), NEAR, QUICK)
    assert len(found.owner) == len(crystals)
    assert torch.equal(found.batch.element, crystals.element)
    assert torch.equal(found.batch.coordinates, crystals.coordinates)


def test_polishing_finds_what_was_moved(
    model: CrystalModel, corrector: Corrector, moved: Batch, crystals: Batch, wanted: torch.Tensor
) -> None:
    near = 0.5
    with torch.inference_mode():
        before = (encode(model.network, moved) - wanted).norm(dim=1).numpy()
        found = search(model.network, corrector, wanted, moved, torch.arange(len(moved)), near, POLISH)
    after = np.array([found.distance[found.owner == k].min() for k in range(len(moved))])
    off = before > 0.1 * near  # what lies nearer is not worth a polish
    assert off.sum() >= 10
    assert (after[off] < 0.1 * before[off]).all()
    assert np.array_equal(after[~off], before[~off])
    volumes = found.batch.lattice[:, 0] - crystals.lattice[torch.from_numpy(found.owner), 0]
    assert float(volumes[torch.from_numpy(off)[torch.from_numpy(found.owner)]].abs().max()) < 0.002


def test_polishing_keeps_to_cells_that_can_be_built(model: CrystalModel, corrector: Corrector, crystals: Batch) -> None:
    start = crystals[torch.tensor([list(CRYSTALS).index("triclinic P1")])]
    flat, near_flat = start.lattice.clone(), start.lattice.clone()
    flat[:, 4:], near_flat[:, 4:] = 0.97, 0.85
    with torch.inference_mode():
        z = encode(model.network, replace(start, lattice=flat))
        starts = replace(start, lattice=near_flat)
        found = search(model.network, corrector, z, starts, torch.tensor([0]), 5.0, POLISH)
    assert (found.batch.lattice[:, 4:].abs() <= 0.9).all()
    assert found.distance[0] > 0.1


def test_exchanges_find_two_exchanged_elements(model: CrystalModel, crystals: Batch, wanted: torch.Tensor) -> None:
    solved = 0
    several = [k for k in range(len(crystals)) if len(set(crystals.element[k][crystals.mask[k]].tolist())) > 1]
    for k in several:
        n = int(crystals.mask[k].sum())
        one = Batch(
            crystals.group[k : k + 1],
            crystals.lattice[k : k + 1],
            crystals.letter[k : k + 1, :n],
            crystals.element[k : k + 1, :n].clone(),
            crystals.coordinates[k : k + 1, :n],
        )
        own = one.element[0].clone()
        first = int((own != own[0]).nonzero()[0, 0])
        wrong = own.clone()
        wrong[0], wrong[first] = own[first], own[0]
        with torch.inference_mode():
            spoiled = replace(one, element=wrong[None])
            code = model.network.posterior(spoiled)[0][0]
            found, _, distance = exchange_elements(model.network, spoiled, code, wanted[k], 0.05, 3)
        assert float(distance) <= float((code - wanted[k]).norm())
        solved += torch.equal(found.element[0], own)
    assert solved >= 0.8 * len(several)


def test_proposals_keep_what_symmetry_fixes(
    model: CrystalModel, corrector: Corrector, crystals: Batch, wanted: torch.Tensor
) -> None:
    with torch.inference_mode():
        found = propose(model.network, corrector, crystals, wanted, wanted + 1, 2)
    tables, copies = position_tables(), len(found) // len(crystals)
    assert copies == 6
    group = crystals.group.repeat(copies)
    assert torch.equal(found.group, group)
    assert torch.equal(found.letter, crystals.letter.repeat(copies, 1))
    bound = ~model.network.embed.free[model.network.embed.rows(found.group, found.letter)] & found.mask[..., None]
    assert (found.coordinates[bound] == 0).all()
    assert (found.element[found.mask] > 0).all()
    numbers = found.lattice.numpy()
    fixed = ~tables.free_angles[group.numpy()]
    assert np.allclose(numbers[:, 4:][fixed], tables.fixed_cosines[group.numpy()][fixed])
    cubic = group.numpy() >= 195
    assert np.allclose(numbers[cubic, 1:4], 0, atol=1e-6)


def test_a_search_does_not_depend_on_what_else_is_searched_for(model: CrystalModel) -> None:
    assert model.corrector is not None
    how = SearchSettings(rounds=1, patience=1, beam=2, samples=1, passes=3)
    z = torch.from_numpy(model.sample_latent(24, seed=0))
    with torch.inference_mode():
        starts = as_batch(greedy_decode(model.network, z))
        together = search(model.network, model.corrector, z, starts, torch.arange(len(z)), NEAR, how)
        for k in range(len(z)):
            one = starts[torch.tensor([k])]
            alone = search(model.network, model.corrector, z[k : k + 1], one, torch.tensor([0]), NEAR, how)
            assert alone.distance == pytest.approx(together.distance[together.owner == k], abs=1e-3)


@pytest.mark.parametrize("effort", EFFORTS[1:])
def test_a_decoded_crystal_does_not_depend_on_what_else_is_decoded(model: CrystalModel, effort: str) -> None:
    z = model.sample_latent(3, seed=4)
    assert same_crystal(model.decode_arrays(z[1], effort)[0], model.decode_arrays(z, effort)[1])


def test_no_latent_vectors_are_encoded_at_once(model: CrystalModel, crystals: Batch) -> None:
    none = encode(model.network, crystals[torch.arange(0)])
    assert none.shape == (0, model.latent_dim)


def test_a_crystal_of_the_only_likely_element_has_no_exchange(
    model: CrystalModel, crystals: Batch, wanted: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xcrystal.model.exchange._palette", lambda network, crystal, z: crystal.element[0].unique())
    one = crystals[torch.tensor([0])]
    count = int(one.mask.sum())
    one = replace(
        one,
        letter=one.letter[:, :count],
        element=torch.full((1, count), 26),
        coordinates=one.coordinates[:, :count],
    )
    code = encode(model.network, one)[0]
    with torch.inference_mode():
        found, _, distance = exchange_elements(model.network, one, code, wanted[1], 0.0, 3)
    assert torch.equal(found.element, one.element)
    assert distance == pytest.approx((code - wanted[1]).norm())


@pytest.fixture
def proposed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The turns in which corrections are proposed."""
    turns: list[int] = []

    def counted(*arguments: Any) -> Batch:
        turns.append(arguments[-1])
        return propose(*arguments)

    monkeypatch.setattr("xcrystal.model.search.propose", counted)
    return turns


def test_a_search_ends_when_nothing_comes_nearer(
    model: CrystalModel, corrector: Corrector, moved: Batch, wanted: torch.Tensor, proposed: list[int]
) -> None:
    row = torch.tensor([list(CRYSTALS).index("rutile TiO2")])
    for patience in (1, 2):
        proposed.clear()
        how = SearchSettings(rounds=6, patience=patience, beam=1, samples=0, passes=3)
        with torch.inference_mode():
            search(model.network, corrector, wanted[row], moved[row], torch.tensor([0]), 1e-6, how)
        assert proposed == list(range(patience))


def test_a_search_goes_on_while_something_comes_nearer(
    model: CrystalModel, moved: Batch, wanted: torch.Tensor, proposed: list[int]
) -> None:
    assert model.corrector is not None
    row = torch.tensor([list(CRYSTALS).index("quartz SiO2")])
    distances = []
    for passes in (1, 2):
        proposed.clear()
        how = SearchSettings(rounds=1, patience=1, beam=2, samples=2, passes=passes)
        with torch.inference_mode():
            start = (encode(model.network, moved[row]) - wanted[row]).norm()
            found = search(model.network, model.corrector, wanted[row], moved[row], torch.tensor([0]), 1e-6, how)
        assert proposed == list(range(passes))
        distances.append(found.distance.min())
    assert distances[1] < distances[0] < 0.97 * float(start)


def test_the_nearest_are_kept_and_equally_near_ones_once(crystals: Batch) -> None:
    rows, owner = torch.arange(6), torch.tensor([0, 1, 0, 0, 1, 0])
    distance = torch.tensor([0.3, 0.5, 0.1, 0.2, 0.4, 0.1])
    pool = _Pool(crystals[rows], owner, rows, torch.zeros(6, 2), distance).best(2, 2)
    assert pool.owner.tolist() == [0, 0, 1, 1]
    assert pool.distance.tolist() == pytest.approx([0.1, 0.2, 0.4, 0.5])
    assert pool.origin.tolist() == [2, 3, 4, 1]


def test_crystals_are_moved_along_what_symmetry_leaves_free(model: CrystalModel, crystals: Batch) -> None:
    directions = {"rock salt NaCl": 1, "rutile TiO2": 3, "triclinic P1": None}
    for name, count in directions.items():
        one = crystals[torch.tensor([list(CRYSTALS).index(name)])]
        one = one[torch.tensor([0])]
        points, lattices, sizes = moves = _moves(model.network, one)
        assert len(points) == len(lattices) == len(sizes)
        assert count is None or len(sizes) == count, name
        assert lattices[:, 1:4].sum(dim=1).abs().max() < 1e-6, "the volume has a number of its own"
        steps = torch.eye(len(sizes))
        ahead = _moved(one, moves, steps)
        assert torch.allclose(ahead.lattice - one.lattice, lattices, atol=1e-6)
        assert torch.allclose((ahead.coordinates - one.coordinates + 0.5) % 1 - 0.5, points, atol=1e-6)


def test_half_of_the_corrections_are_those_of_half_of_the_orbits(
    model: CrystalModel, corrector: Corrector, crystals: Batch, wanted: torch.Tensor
) -> None:
    n = len(crystals)
    with torch.inference_mode():
        found = propose(model.network, corrector, crystals, wanted, wanted + 1, 0)
    every, partly = found[torch.arange(n)], found[torch.arange(3 * n, 4 * n)]

    def changed(batch: Batch) -> torch.Tensor:
        apart = ((batch.coordinates - crystals.coordinates + 0.5) % 1 - 0.5).abs().amax(dim=-1) > 0.02
        return ((batch.element != crystals.element) | apart) & crystals.mask

    most = (changed(every).sum(dim=1) + 1) // 2
    assert most.max() > 1
    assert torch.equal(changed(partly).sum(dim=1), most)
