"""The network that corrects crystals: it knows no order of orbits, and belongs to the weights that it was made for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.crystals import CRYSTALS
from xcrystal.errors import CheckpointError
from xcrystal.generator import CrystalModel
from xcrystal.model.checkpoint import save_weights
from xcrystal.model.correction import Corrector, load_corrector, save_corrector
from xcrystal.model.search import encode, propose
from xcrystal.model.tensors import Batch
from xcrystal.model.vae import Config, CrystalVAE

SMALL = Config(width=48, encoder_layers=1, decoder_layers=1, heads=4, latent_dim=16, prefix=2)


@pytest.fixture(scope="module")
def network() -> CrystalVAE:
    torch.manual_seed(0)
    return CrystalVAE(SMALL).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def corrector() -> Corrector:
    torch.manual_seed(1)
    return Corrector(SMALL, depth=2).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def batch(model: CrystalModel) -> Batch:
    return model.batch(list(CRYSTALS.values()))


@pytest.fixture(scope="module")
def vectors(network: CrystalVAE, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    code, _ = network.posterior(batch)
    return code, code + 0.3 * torch.randn(code.shape, generator=torch.Generator().manual_seed(2))


def test_it_does_not_matter_in_which_order_orbits_stand(
    network: CrystalVAE, corrector: Corrector, batch: Batch, vectors: tuple[torch.Tensor, torch.Tensor]
) -> None:
    order = torch.arange(batch.letter.shape[1]).flip(0)
    turned = replace(
        batch,
        letter=batch.letter[:, order],
        element=batch.element[:, order],
        coordinates=batch.coordinates[:, order],
    )
    one, other = corrector(network, batch, *vectors), corrector(network, turned, *vectors)
    mask = turned.mask
    assert torch.allclose(one.element[:, order][mask], other.element[mask], atol=1e-4)
    assert torch.allclose(one.lattice, other.lattice, atol=1e-4)


def test_padding_changes_nothing(
    network: CrystalVAE, corrector: Corrector, batch: Batch, vectors: tuple[torch.Tensor, torch.Tensor]
) -> None:
    code, z = vectors
    row = int(batch.mask.sum(dim=1).argmin())
    n = int(batch.mask[row].sum())
    alone = Batch(
        batch.group[row : row + 1],
        batch.lattice[row : row + 1],
        batch.letter[row : row + 1, :n],
        batch.element[row : row + 1, :n],
        batch.coordinates[row : row + 1, :n],
    )
    one = corrector(network, alone, code[row : row + 1], z[row : row + 1])
    many = corrector(network, batch, code, z)
    assert torch.allclose(one.element[0], many.element[row, :n], atol=1e-4)
    assert torch.allclose(one.lattice[0], many.lattice[row], atol=1e-4)


def test_it_reads_what_is_wanted(
    network: CrystalVAE, corrector: Corrector, batch: Batch, vectors: tuple[torch.Tensor, torch.Tensor]
) -> None:
    code, z = vectors
    assert not torch.allclose(corrector(network, batch, code, z).lattice, corrector(network, batch, code, code).lattice)


def test_it_is_read_back_and_refused_for_other_weights(
    network: CrystalVAE, corrector: Corrector, tmp_path: Path
) -> None:
    assert load_corrector(tmp_path, SMALL) is None
    save_weights(network, tmp_path)
    save_corrector(corrector, tmp_path)
    again = load_corrector(tmp_path, SMALL)
    assert again is not None
    for (name, one), (_, other) in zip(corrector.state_dict().items(), again.state_dict().items(), strict=True):
        assert torch.allclose(one, other, atol=2e-3), name
    torch.manual_seed(9)
    save_weights(CrystalVAE(SMALL), tmp_path)
    with pytest.raises(CheckpointError, match="other weights"):
        load_corrector(tmp_path, SMALL)
    (tmp_path / "corrector.safetensors").write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        load_corrector(tmp_path, SMALL)


@pytest.fixture(scope="module")
def spoiled(model: CrystalModel, batch: Batch) -> Batch:
    """The crystals with free coordinates and lattices moved, and two elements exchanged where there are two."""
    rng = np.random.default_rng(0)
    free = model.network.embed.free[model.network.embed.rows(batch.group, batch.letter)] & batch.mask[..., None]
    shift = torch.from_numpy(rng.normal(0, 0.04, batch.coordinates.shape).astype(np.float32)) * free
    lattice = batch.lattice.clone()
    lattice[:, 0] += torch.from_numpy(rng.normal(0, 0.06, len(lattice)).astype(np.float32))
    element = batch.element.clone()
    for k, own in enumerate(batch.element):
        other = (own[batch.mask[k]] != own[0]).nonzero()[:, 0]
        if len(other):
            element[k, 0], element[k, other[0]] = own[other[0]].item(), own[0].item()
    return replace(batch, coordinates=(batch.coordinates + shift) % 1.0, lattice=lattice, element=element)


def test_the_shipped_one_says_what_spoiled_crystals_were(model: CrystalModel, batch: Batch, spoiled: Batch) -> None:
    corrector, mask, rows = model.corrector, batch.mask, torch.arange(len(batch))
    assert corrector is not None
    with torch.inference_mode():
        wanted, code = (encode(model.network, b) for b in (batch, spoiled))
        found = propose(model.network, corrector, spoiled, code, wanted, 0)[rows]
        again = encode(model.network, found)
        moved = replace(batch, coordinates=spoiled.coordinates)
        placed = propose(model.network, corrector, moved, encode(model.network, moved), wanted, 0)[rows]
    right = [int(((b.element == batch.element) & mask).sum()) for b in (found, spoiled)]
    assert right[0] > 0.75 * int(mask.sum()) > 1.5 * right[1]
    volumes = [float((b.lattice[:, 0] - batch.lattice[:, 0]).abs().mean()) for b in (found, spoiled)]
    assert volumes[0] < 0.2 * volumes[1]
    assert float(((again - wanted).norm(dim=1) / (code - wanted).norm(dim=1)).median()) < 0.3
    for name in ("wurtzite ZnO", "rutile TiO2", "quartz SiO2"):
        k = list(CRYSTALS).index(name)
        off = [
            float(((b.coordinates[k] - batch.coordinates[k] + 0.5) % 1 - 0.5).abs()[mask[k]].mean())
            for b in (placed, moved)
        ]
        assert off[0] < 0.2 * off[1], name
