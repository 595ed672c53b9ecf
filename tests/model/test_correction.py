"""The network that corrects crystals: it knows no order of orbits, and belongs to the weights that it was made for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.crystals import CRYSTALS
from xcrystal.errors import CheckpointError
from xcrystal.generator import CrystalModel
from xcrystal.model.checkpoint import save_weights
from xcrystal.model.correction import Corrector, load_corrector, save_corrector
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
