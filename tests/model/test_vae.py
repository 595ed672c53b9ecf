"""The network, with random weights: what holds by construction, trained or not."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.crystals import CRYSTALS
from xcrystal.crystal.symmetry.canonical import canonicalize
from xcrystal.errors import CheckpointError
from xcrystal.model.checkpoint import load_weights, save_weights, unique_state
from xcrystal.model.decoded import Decoded
from xcrystal.model.decoding import greedy_decode
from xcrystal.model.device import pick_device
from xcrystal.model.loss import LossWeights, loss_parts
from xcrystal.model.tensors import Batch, collate, lattice_numbers
from xcrystal.model.vae import Config, CrystalVAE
from xcrystal.model.wyckoff_tables import position_tables

SMALL = Config(width=48, encoder_layers=2, decoder_layers=2, heads=4, latent_dim=16, prefix=2)


@pytest.fixture(scope="module")
def network() -> CrystalVAE:
    torch.manual_seed(0)
    return CrystalVAE(SMALL).eval()


@pytest.fixture(scope="module")
def batch() -> Batch:
    found = [canonicalize(crystal.to_structure()).crystal for crystal in CRYSTALS.values()]
    groups = np.array([c.space_group for c in found])
    atoms = np.array([c.multiplicities.sum() for c in found], dtype=float)
    numbers = lattice_numbers(groups, np.array([c.lattice for c in found]), atoms)
    rows = zip(found, numbers, strict=True)
    return collate([(c.space_group, n, c.positions, c.elements, c.coordinates) for c, n in rows])


def encode(network: CrystalVAE, batch: Batch) -> torch.Tensor:
    with torch.no_grad():
        return network.posterior(batch)[0]


def test_codes_do_not_depend_on_the_order_of_the_orbits(network: CrystalVAE, batch: Batch) -> None:
    z = encode(network, batch)
    flipped = torch.arange(batch.letter.shape[1] - 1, -1, -1)
    turned = Batch(
        batch.group,
        batch.lattice,
        batch.letter[:, flipped],
        batch.element[:, flipped],
        batch.coordinates[:, flipped],
    )
    assert torch.allclose(encode(network, turned), z, atol=1e-5)


def test_codes_do_not_depend_on_the_rest_of_the_batch(network: CrystalVAE, batch: Batch) -> None:
    z = encode(network, batch)
    for i in range(len(batch)):
        n = int(batch.mask[i].sum())
        alone = Batch(
            batch.group[i : i + 1],
            batch.lattice[i : i + 1],
            batch.letter[i : i + 1, :n],
            batch.element[i : i + 1, :n],
            batch.coordinates[i : i + 1, :n],
        )
        assert torch.allclose(encode(network, alone)[0], z[i], atol=1e-5)


def test_codes_read_coordinates_modulo_the_lattice(network: CrystalVAE, batch: Batch) -> None:
    free = network.embed.free[network.embed.rows(batch.group, batch.letter)]
    moved = Batch(batch.group, batch.lattice, batch.letter, batch.element, batch.coordinates + free.float())
    assert torch.allclose(encode(network, moved), encode(network, batch), atol=1e-3)


def test_codes_tell_elements_cells_and_coordinates_apart(network: CrystalVAE, batch: Batch) -> None:
    z = encode(network, batch)
    free = network.embed.free[network.embed.rows(batch.group, batch.letter)].float() * batch.mask[..., None]
    element = torch.where(batch.mask, batch.element % 90 + 1, 0)
    changes = {
        "elements": Batch(batch.group, batch.lattice, batch.letter, element, batch.coordinates),
        "cell": Batch(batch.group, batch.lattice + 0.1, batch.letter, batch.element, batch.coordinates),
        "coordinates": Batch(batch.group, batch.lattice, batch.letter, batch.element, batch.coordinates + 0.05 * free),
    }
    for name, changed in changes.items():
        difference = (encode(network, changed) - z).norm(dim=1)
        with_freedom = free.any(dim=-1).any(dim=-1) if name == "coordinates" else torch.ones(len(z), dtype=torch.bool)
        assert (difference[with_freedom] > 1e-4).all(), name


def test_gradients_reach_the_element_vectors_of_every_orbit(network: CrystalVAE, batch: Batch) -> None:
    elements = network.embed.elements(batch.element).detach().requires_grad_(True)
    mean, _ = network.posterior(batch, elements)
    network.properties(mean)[:, 0].sum().backward()
    assert elements.grad is not None
    size = elements.grad.norm(dim=-1)
    assert (size[batch.mask] > 0).all()
    assert (size[~batch.mask] == 0).all()


def test_given_element_vectors_are_the_own_ones_by_default(network: CrystalVAE, batch: Batch) -> None:
    with torch.no_grad():
        given = network.posterior(batch, network.embed.elements(batch.element))[0]
    assert torch.equal(given, encode(network, batch))


def assert_possible(decoded: Decoded) -> None:
    tables = position_tables()
    assert 1 <= decoded.group <= 230
    assert np.isfinite(decoded.cell).all()
    assert len(decoded.letter) >= 1
    assert (np.diff(decoded.letter) >= 0).all()
    rows = tables.index[decoded.group, decoded.letter]
    assert (rows >= 0).all(), "letters of the group"
    fixed = [letter for letter, row in zip(decoded.letter, rows, strict=True) if not tables.free[row].any()]
    assert len(set(fixed)) == len(fixed), "no point is taken twice"
    assert tables.multiplicity[rows].sum() <= SMALL.max_atoms
    assert ((decoded.element >= 1) & (decoded.element <= 94)).all()
    assert ((decoded.coordinates >= 0) & (decoded.coordinates < 1)).all()
    assert (decoded.coordinates[~tables.free[rows]] == 0).all()
    assert 0 < decoded.group_probability <= 1
    assert ((decoded.element_probability > 0) & (decoded.element_probability <= 1)).all()


@pytest.mark.parametrize("scale", [0.0, 1e-6, 1.0, 30.0, 1e4])
def test_decoding_gives_possible_crystals_whatever_z(network: CrystalVAE, scale: float) -> None:
    z = torch.randn(40, SMALL.latent_dim, generator=torch.Generator().manual_seed(1)) * scale
    decoded = greedy_decode(network, z)
    assert len(decoded) == 40
    for crystal in decoded:
        assert_possible(crystal)


def test_decoding_is_deterministic_and_independent_of_the_batch(network: CrystalVAE) -> None:
    z = torch.randn(12, SMALL.latent_dim, generator=torch.Generator().manual_seed(2))
    together, again = greedy_decode(network, z), greedy_decode(network, z)
    for i, crystal in enumerate(together):
        alone = greedy_decode(network, z[i : i + 1])[0]
        for other, tolerance in ((again[i], 0.0), (alone, 1e-5)):
            assert other.group == crystal.group
            assert np.array_equal(other.letter, crystal.letter)
            assert np.array_equal(other.element, crystal.element)
            assert np.allclose(other.coordinates, crystal.coordinates, atol=tolerance)
            assert np.allclose(other.cell, crystal.cell, rtol=tolerance)


def test_properties_stay_in_their_range(network: CrystalVAE) -> None:
    z = torch.randn(200, SMALL.latent_dim, generator=torch.Generator().manual_seed(3)) * 100
    with torch.no_grad():
        values = network.properties(z)
    assert values.shape == (200, 3)
    assert torch.isfinite(values).all()
    assert (values[:, 1:] >= 0).all()


def test_the_loss_is_finite_and_ignores_unknown_properties(network: CrystalVAE, batch: Batch) -> None:
    known = torch.zeros(len(batch), 3)
    unknown = torch.full((len(batch), 3), float("nan"))
    weights = LossWeights(token_dropout=0.0)
    for properties in (known, unknown):
        parts = loss_parts(network, batch, properties, weights, torch.Generator().manual_seed(0))
        assert all(torch.isfinite(v) for v in parts.values())
    assert float(parts["properties"].detach()) == 0.0


def test_the_loss_teaches_what_decoding_reads(network: CrystalVAE, batch: Batch) -> None:
    # every tensor but the embedding rows of absent groups gets a gradient
    properties = torch.ones(len(batch), 3)
    parts = loss_parts(network, batch, properties, LossWeights(token_dropout=0.0), torch.Generator().manual_seed(0))
    network.zero_grad()
    torch.stack(list(parts.values())).sum().backward()
    silent = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    network.zero_grad()
    assert silent == []


def test_weights_come_back_from_disk(network: CrystalVAE, tmp_path: Path) -> None:
    save_weights(network, tmp_path, {"seed": 7}, half=False)
    loaded, facts = load_weights(tmp_path)
    assert facts["seed"] == 7
    assert loaded.config == network.config
    assert not loaded.training
    for name, value in unique_state(network).items():
        assert torch.equal(unique_state(loaded)[name], value), name
    save_weights(network, tmp_path, half=True)
    z = torch.randn(3, SMALL.latent_dim, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.allclose(load_weights(tmp_path)[0].properties(z), network.properties(z), atol=0.02)
    assert not list(tmp_path.glob("*.part"))


def test_shared_embeddings_are_stored_once(network: CrystalVAE, tmp_path: Path) -> None:
    save_weights(network, tmp_path)
    names = load_file(tmp_path / "weights.safetensors").keys()
    assert not any(name.startswith(("encoder.embed.", "decoder.embed.")) for name in names)
    loaded, _ = load_weights(tmp_path)
    assert loaded.encoder.embed is loaded.decoder.embed is loaded.embed


@pytest.mark.parametrize(
    "damage", ["missing", "no weights", "cut", "other sizes", "huge", "many layers", "format", "not json"]
)
def test_damaged_weights_get_one_sentence(network: CrystalVAE, tmp_path: Path, damage: str) -> None:
    save_weights(network, tmp_path)
    config, weights = tmp_path / "config.json", tmp_path / "weights.safetensors"
    if damage == "missing":
        config.unlink()
    elif damage == "no weights":
        weights.unlink()
    elif damage == "cut":
        weights.write_bytes(weights.read_bytes()[:1000])
    elif damage == "other sizes":
        config.write_text(config.read_text().replace('"width": 48', '"width": 96'))
    elif damage == "huge":  # 10 TB, if it were made
        config.write_text(config.read_text().replace('"width": 48', '"width": 480000'))
    elif damage == "many layers":
        config.write_text(re.sub(r'"encoder_layers": \d+', '"encoder_layers": 1000000000', config.read_text()))
    elif damage == "format":
        config.write_text(config.read_text().replace('"format": 1', '"format": 99'))
    else:
        config.write_text("{")
    with pytest.raises(CheckpointError) as caught:
        load_weights(tmp_path)
    assert len(str(caught.value)) <= 400
    assert "\n" not in str(caught.value)


def test_devices() -> None:
    assert pick_device("cpu").type == "cpu"
    assert pick_device().type in ("cpu", "cuda", "mps")
    with pytest.raises(CheckpointError, match="no device"):
        pick_device("abacus")
