"""The two generators: what they are made of, what they learn, and that a file keeps them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from xcrystal.crystal.collections.tokens import Tokens
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
from xcrystal.errors import CheckpointError, DatasetError
from xcrystal.generators.autoregressive import AutoregressiveConfig, AutoregressiveNetwork
from xcrystal.generators.denoising import denoise_crystals
from xcrystal.generators.diffusion import DiffusionConfig, DiffusionNetwork, Templates, wrapped_score
from xcrystal.generators.free_lattice import FreeLattice
from xcrystal.generators.stored import load_network, save_network
from xcrystal.generators.writing import Drawing, write_crystals
from xcrystal.model.tensors import LATTICE_SIZE, batch_of, lattice_numbers
from xcrystal.training.generator_fit import Budget, fit_generator
from xcrystal.training.perovskites import idealized_crystals

SMALL = {"width": 32, "layers": 1, "heads": 2}


def tokens_of(crystals: list[WyckoffCrystal]) -> Tokens:
    lengths = [len(c.positions) for c in crystals]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return Tokens(
        row=np.arange(len(crystals)),
        group=np.array([c.space_group for c in crystals]),
        cell=np.array([c.lattice for c in crystals]),
        atoms=np.array([c.multiplicities.sum() for c in crystals]),
        start=starts,
        letter=np.concatenate([c.positions for c in crystals]),
        element=np.concatenate([c.elements for c in crystals]),
        coordinates=np.concatenate([c.coordinates for c in crystals]).astype(np.float32),
        permutation_start=starts,
        permutations=np.concatenate([np.arange(n) for n in lengths]),
        properties=np.full((len(crystals), 3), np.nan),
    )


@pytest.mark.parametrize(
    ("group", "cell"),
    [
        (1, [4.0, 5.0, 6.0, 80.0, 95.0, 102.0]),
        (12, [4.0, 5.0, 6.0, 90.0, 95.0, 90.0]),
        (62, [4.0, 5.0, 6.0, 90.0, 90.0, 90.0]),
        (99, [4.0, 4.0, 6.0, 90.0, 90.0, 90.0]),
        (194, [4.0, 4.0, 6.0, 90.0, 90.0, 120.0]),
        (225, [4.0, 4.0, 4.0, 90.0, 90.0, 90.0]),
    ],
)
def test_what_a_group_leaves_free_gives_the_whole_cell(group: int, cell: list[float]) -> None:
    numbers = torch.from_numpy(lattice_numbers(np.array([group]), np.array([cell]), np.array([4.0])))
    lattice = FreeLattice((0.1,) * LATTICE_SIZE, (0.5,) * LATTICE_SIZE)
    groups = torch.tensor([group])
    whole = lattice.completed(lattice.standardized(numbers, groups), groups)
    free = lattice.free(groups)
    # the cosines that a group fixes are filled in when the cell is made
    kept = torch.tensor([[True] * 4 + free[0, 4:].tolist()])
    assert torch.allclose(whole[kept], numbers[kept], atol=1e-5)
    lengths = {1: 2, 12: 2, 62: 2, 99: 1, 194: 1, 225: 0}[group]
    angles = {1: 3, 12: 1}.get(group, 0)
    assert int(free.sum()) == 1 + lengths + angles


def test_the_score_of_a_wrapped_normal_is_the_slope_of_its_logarithm() -> None:
    moved, width = torch.tensor([-0.4, -0.1, 0.02, 0.3], dtype=torch.float64), torch.full((4,), 0.2).double()

    def log_density(x: torch.Tensor) -> torch.Tensor:
        images = torch.arange(-5, 6)
        return (-0.5 * ((x[:, None] + images) / 0.2).square()).exp().sum(dim=1).log()

    slope = (log_density(moved + 1e-5) - log_density(moved - 1e-5)) / 2e-5
    assert torch.allclose(wrapped_score(moved, width), slope * width, atol=1e-4)


@pytest.fixture(scope="module")
def crystals() -> list[WyckoffCrystal]:
    return idealized_crystals()[:64]


def test_a_crystal_written_piece_by_piece_is_possible(crystals: list[WyckoffCrystal]) -> None:
    network = AutoregressiveNetwork(AutoregressiveConfig(**SMALL)).eval()
    batch = batch_of(crystals)
    network.count_groups(batch.group, torch.zeros(len(crystals), dtype=torch.long))
    made = write_crystals(network, 20, seed=3)
    assert {c.space_group for c in made} <= {99, 221}
    for crystal in made:
        assert crystal.multiplicities.sum() <= 20
        assert (np.diff(crystal.positions) >= 0).all()
    chosen = write_crystals(network, 10, 3, Drawing(group=225, elements=[11, 17]))
    assert {c.space_group for c in chosen} == {225}
    assert {int(z) for c in chosen for z in c.elements} <= {11, 17}
    again = write_crystals(network, 20, seed=3)
    assert all(np.array_equal(a.coordinates, b.coordinates) for a, b in zip(made, again, strict=True))


def test_diffusion_keeps_group_and_letters_and_is_seeded(crystals: list[WyckoffCrystal]) -> None:
    network = DiffusionNetwork(DiffusionConfig(**SMALL)).eval()
    batch = batch_of(crystals)
    templates = Templates.of(batch.group.numpy(), batch.letter.numpy())
    assert templates.count.sum() == len(crystals)
    known = {(int(g), tuple(t[t >= 0])) for g, t in zip(templates.group, templates.letter, strict=True)}
    made, again = (denoise_crystals(network, templates, 6, seed=1, steps=5, noise=0.0) for _ in range(2))
    assert all((c.space_group, tuple(c.positions)) in known for c in made)
    assert all(np.array_equal(a.lattice, b.lattice) for a, b in zip(made, again, strict=True))
    only = denoise_crystals(network, templates, 6, 1, 5, elements=[8, 22], group=221)
    assert {int(z) for c in only for z in c.elements} <= {8, 22}
    assert {c.space_group for c in only} == {221}


@pytest.mark.parametrize("family", ["autoregressive", "diffusion"])
def test_training_lowers_the_loss_and_keeps_the_network(
    family: str, crystals: list[WyckoffCrystal], tmp_path: Path
) -> None:
    train, validation = tokens_of(crystals[:48]), tokens_of(crystals[48:])
    plan = Budget(steps=12, batch_size=32, warm_up=2, score_every=6, average=0.5)
    found = fit_generator(family, train, [validation], validation, tmp_path, plan, device="cpu")
    records = [json.loads(line) for line in (tmp_path / f"metrics-{family}.jsonl").read_text().splitlines()]
    assert found["validation"] < records[0]["validation"]
    network, facts, templates = load_network(tmp_path / f"generator-{family}.safetensors")
    assert facts["crystals_of_train"] == 48 and facts["crystals"] == 64
    assert (templates is None) == (family == "autoregressive")
    batch = batch_of(crystals)
    torch.manual_seed(0)
    parts = network.loss_parts(batch, torch.zeros(len(crystals), dtype=torch.long))
    assert all(torch.isfinite(value) for value in parts.values())


def test_an_unknown_family_is_refused(crystals: list[WyckoffCrystal], tmp_path: Path) -> None:
    tokens = tokens_of(crystals)
    with pytest.raises(DatasetError, match="autoregressive and diffusion"):
        fit_generator("gan", tokens, [], tokens, tmp_path)


def test_weights_in_8_bits_are_near_and_damage_is_reported(tmp_path: Path) -> None:
    network = AutoregressiveNetwork(AutoregressiveConfig(**SMALL))
    path = tmp_path / "generator-autoregressive.safetensors"
    save_network(network, path, {"steps": 1})
    loaded, facts, _ = load_network(path)
    assert facts == {"steps": 1}
    for name, value in network.state_dict().items():
        step = value.abs().max() / 127
        assert (loaded.state_dict()[name] - value).abs().max() <= step, name
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="No generator can be loaded"):
        load_network(path)
