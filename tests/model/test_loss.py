"""Each term of the objective against a reference that goes crystal by crystal and step by step, in plain numpy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from tests.crystals import CRYSTALS
from xcrystal.crystal.symmetry.canonical import canonicalize
from xcrystal.crystal.symmetry.groups import space_group
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
from xcrystal.model.loss import LossWeights, loss_parts, total
from xcrystal.model.tensors import Batch, collate, lattice_numbers
from xcrystal.model.vae import Config, CrystalVAE
from xcrystal.model.wyckoff_tables import MAX_LETTERS, position_tables

SMALL = Config(
    width=48, encoder_layers=1, decoder_layers=2, heads=4, latent_dim=16, prefix=2, lattice_mean=(2.9,) + (0.1,) * 6,
    lattice_std=(0.4, 0.3, 0.3, 0.4, 0.05, 0.1, 0.2), property_mean=-1.0, property_std=0.8,
)  # fmt: skip
NAMES = ("rutile TiO2", "baddeleyite ZrO2", "monoclinic polar LiFeF3", "rock salt NaCl")
PROPERTIES = np.array([[-3.1, 1.7, 0.0], [-3.6, np.nan, 0.02], [np.nan, 0.0, np.nan], [-2.1, 5.0, 0.0]], np.float32)
PLAIN = LossWeights(token_dropout=0.0)


@pytest.fixture(scope="module")
def crystals() -> list[WyckoffCrystal]:
    return [canonicalize(CRYSTALS[name].to_structure()).crystal for name in NAMES]


@pytest.fixture(scope="module")
def network() -> CrystalVAE:
    torch.manual_seed(0)
    found = CrystalVAE(SMALL).eval().requires_grad_(False)
    torch.nn.init.normal_(found.encoder.posterior.bias, std=0.5)  # so that no posterior is the prior
    return found


def batch_of(crystals: list[WyckoffCrystal]) -> Batch:
    groups = np.array([c.space_group for c in crystals])
    atoms = np.array([c.multiplicities.sum() for c in crystals], dtype=float)
    numbers = lattice_numbers(groups, np.array([c.lattice for c in crystals]), atoms)
    return collate(
        [(c.space_group, n, c.positions, c.elements, c.coordinates) for c, n in zip(crystals, numbers, strict=True)]
    )


def parts_of(network: CrystalVAE, batch: Batch, frequencies: torch.Tensor | None = None) -> dict[str, float]:
    generator = torch.Generator().manual_seed(3)
    found = loss_parts(network, batch, torch.from_numpy(PROPERTIES), PLAIN, generator, frequencies)
    return {name: float(value) for name, value in found.items()}


def log_softmax(x: np.ndarray) -> np.ndarray:
    return x - x.max() - np.log(np.exp(x - x.max()).sum())


class Reference:
    """The terms of single crystals, from the network's outputs at each of their steps."""

    def __init__(self, network: CrystalVAE, crystals: list[WyckoffCrystal]) -> None:
        self.network, self.crystals, batch = network, crystals, batch_of(crystals)
        self.lattices = ((batch.lattice - network.lattice_mean) / network.lattice_std).numpy()
        mean, log_variance = network.posterior(batch)
        noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(3))
        self.mean, self.log_variance = mean.double().numpy(), log_variance.double().numpy()
        self.z = mean + torch.exp(log_variance / 2) * noise

    def each(self, term: Callable[[int], float]) -> float:
        return float(np.mean([term(i) for i in range(len(self.crystals))]))

    def kl(self, i: int) -> float:
        """Of normal distributions, in closed form."""
        m, v = self.mean[i], np.exp(self.log_variance[i])
        return float(sum((a * a + b - np.log(b) - 1) / 2 for a, b in zip(m, v, strict=True)))

    def group(self, i: int) -> float:
        return -float(log_softmax(self.network.decoder.group(self.z[i]).numpy())[self.crystals[i].space_group])

    def composition_log(self, i: int) -> np.ndarray:
        return log_softmax(self.network.decoder.composition(self.z[i]).numpy())

    def composition(self, i: int) -> float:
        """Cross-entropy with the shares of the elements among the atoms."""
        structure = self.crystals[i].to_structure()
        logs = self.composition_log(i)
        return -float(np.mean([logs[site.specie.Z] for site in structure]))

    def states(self, i: int) -> list[torch.Tensor]:
        """What the decoder knows before each orbit of a crystal, and after the last: one pass for each step."""
        crystal, decoder = self.crystals[i], self.network.decoder
        z, group = self.z[i : i + 1], torch.tensor([crystal.space_group])
        rows = self.network.embed.rows(group, torch.from_numpy(crystal.positions)[None])
        atoms = torch.from_numpy(np.cumsum(crystal.multiplicities))[None]
        elements = torch.from_numpy(crystal.elements.astype(np.int64))[None]
        points = torch.from_numpy(crystal.coordinates.astype(np.float32))[None]
        found = []
        for n in range(len(crystal.positions) + 1):
            orbits = decoder.orbit_tokens(z, rows[:, :n], elements[:, :n], points[:, :n], atoms[:, :n])
            x = torch.cat([decoder.start(z, group), orbits], dim=1)
            sees = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril()
            sees[: SMALL.prefix + 1, : SMALL.prefix + 1] = True
            for block in decoder.blocks:
                x, _ = block(x, sees)
            found.append(decoder.norm(x)[0, -1])
        return found

    def letter(self, i: int) -> float:
        crystal, decoder = self.crystals[i], self.network.decoder
        group = space_group(crystal.space_group)
        rows = position_tables().index[crystal.space_group]
        loss = 0.0
        for n, state in enumerate(self.states(i)):
            last = crystal.positions[n - 1] if n else -1
            room = SMALL.max_atoms - crystal.multiplicities[:n].sum()
            logits = {}
            for k, position in enumerate(group.positions):
                later = k > last or (k == last and position.free.any())
                if later and group.primitive_multiplicity(k) <= room:
                    key = self.network.embed.all_positions()[rows[k]]
                    logits[k] = float(decoder.query(state) @ key) / SMALL.width**0.5
            if n:
                logits[MAX_LETTERS] = float(decoder.stop(state))
            target = crystal.positions[n] if n < len(crystal.positions) else MAX_LETTERS
            loss -= log_softmax(np.array(list(logits.values())))[list(logits).index(target)]
        return float(loss)

    def at_positions(self, i: int) -> list[torch.Tensor]:
        crystal = self.crystals[i]
        rows = position_tables().index[crystal.space_group, crystal.positions]
        vectors = self.network.embed.all_positions()
        return [state + vectors[row] for state, row in zip(self.states(i)[:-1], rows, strict=True)]

    def element(self, i: int) -> float:
        loss = 0.0
        for state, element in zip(self.at_positions(i), self.crystals[i].elements, strict=True):
            logits = self.network.decoder.element(state).numpy()
            logits = logits + float(self.network.decoder.composition_weight) * self.composition_log(i)
            loss -= log_softmax(logits[1:])[element - 1]  # there is no element 0
        return float(loss)

    def places(self, i: int) -> tuple[float, float]:
        """Loss of the bins of coordinates, and of the places within them."""
        crystal, decoder, bins = self.crystals[i], self.network.decoder, SMALL.bins
        group = space_group(crystal.space_group)
        coordinate = residual = 0.0
        for n, state in enumerate(self.at_positions(i)):
            state = state + self.network.embed.elements(torch.tensor(int(crystal.elements[n])))
            for axis in range(3):
                if not group.positions[crystal.positions[n]].free[axis]:
                    continue
                value = float(crystal.coordinates[n, axis]) % 1 * bins
                near = int(np.rint(value))
                logs = log_softmax(decoder.axes[axis](state).numpy())
                coordinate -= 0.9 * logs[near % bins] + 0.05 * (logs[(near - 1) % bins] + logs[(near + 1) % bins])
                # halves of a bin
                residual += abs(float(decoder.residual[axis](state)[near % bins]) - 2 * (value - near))
                if axis < 2:
                    angles = 2 * np.pi * (value / bins) * np.array([1, 2, 3, 4, 6, 8, 12, 16])
                    waves = torch.from_numpy(np.concatenate([np.sin(angles), np.cos(angles)]).astype(np.float32))
                    state = state + decoder.placed[axis](waves)
        return coordinate, residual

    def lattice(self, i: int) -> float:
        found = self.network.decoder.lattice_numbers(self.states(i)[-1], self.z[i]).numpy()
        off = np.abs(found - self.lattices[i])
        return float(np.where(off < 0.02, off**2 / 0.04, off - 0.01).sum())

    def properties(self) -> float:
        """Energies and the sizes of gaps and hull distances by absolute errors; whether these are zero by entropies."""
        raw = self.network.properties.raw(self.z).double().numpy()
        sigmoid, softplus = 1 / (1 + np.exp(-raw)), np.log1p(np.exp(raw))
        energy = np.nanmean(np.abs(raw[:, 0] * 0.8 - 1.0 - PROPERTIES[:, 0])) / 0.8
        gap = np.nanmean(np.abs(sigmoid[:, 1] * softplus[:, 2] - PROPERTIES[:, 1]))
        hull = np.nanmean(np.abs(sigmoid[:, 3] * softplus[:, 4] * 0.1 - PROPERTIES[:, 2])) / 0.1
        zero = 0.0
        for column, k in ((1, 1), (2, 3)):
            known = ~np.isnan(PROPERTIES[:, column])
            p = np.where(PROPERTIES[:, column] > 1e-3, sigmoid[:, k], 1 - sigmoid[:, k])[known]
            zero -= np.log(p).mean()
        return float(3 * energy + gap + 0.3 * hull + 0.3 * zero)


def test_every_term_is_what_it_is_said_to_be(network: CrystalVAE, crystals: list[WyckoffCrystal]) -> None:
    reference = Reference(network, crystals)
    expected = {
        "kl": reference.each(reference.kl),
        "group": reference.each(reference.group),
        "composition": reference.each(reference.composition),
        "letter": reference.each(reference.letter),
        "element": reference.each(reference.element),
        "coordinate": reference.each(lambda i: reference.places(i)[0]),
        "residual": reference.each(lambda i: reference.places(i)[1]),
        "lattice": reference.each(reference.lattice),
        "properties": reference.properties(),
    }
    found = parts_of(network, batch_of(crystals))
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert value > 0.01, name
        assert found[name] == pytest.approx(value, rel=2e-4), name


def test_the_loss_is_the_weighted_sum() -> None:
    names = ("kl", "group", "composition", "letter", "element", "coordinate", "residual", "lattice", "properties")
    parts = {name: torch.tensor(10.0**k, dtype=torch.float64) for k, name in enumerate(names)}
    weights = LossWeights(kl=0.5, lattice=4.0, residual=2.0, composition=3.0, properties=6.0)
    assert float(total(parts, weights, 1.0)) == 642_111_310.5
    assert float(total(parts, weights, 0.4)) == pytest.approx(642_111_310.2)
    assert min(vars(LossWeights()).values()) > 0


def test_an_averaged_site_is_not_learned_and_read_as_the_mean_element(
    network: CrystalVAE, crystals: list[WyckoffCrystal]
) -> None:
    batch = batch_of(crystals)
    hidden = Batch(batch.group, batch.lattice, batch.letter, batch.element.clone(), batch.coordinates)
    hidden.element[0, 1] = 0  # the oxygen of rutile
    shares = torch.zeros(95)
    shares[[8, 22]] = torch.tensor([0.25, 0.75])
    found = parts_of(network, hidden, shares)

    class Hidden(Reference):
        def __init__(self) -> None:
            super().__init__(network, crystals)
            vectors = network.embed.elements(batch.element)
            vectors[0, 1] = 0.25 * network.embed.elements(torch.tensor(8))
            vectors[0, 1] += 0.75 * network.embed.elements(torch.tensor(22))
            mean, log_variance = network.posterior(batch, vectors)
            noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(3))
            self.mean, self.log_variance = mean.double().numpy(), log_variance.double().numpy()
            self.z = mean + torch.exp(log_variance / 2) * noise

    read = Hidden()
    assert found["kl"] == pytest.approx(read.each(read.kl), rel=2e-4)
    assert found["group"] == pytest.approx(read.each(read.group), rel=2e-4)
    # a composition that is not whole teaches nothing, nor does the site itself
    assert found["composition"] == pytest.approx(sum(map(read.composition, (1, 2, 3))) / 4, rel=2e-4)
    titanium = crystals[0].elements[0]
    state = read.at_positions(0)[0]
    logits = network.decoder.element(state).numpy() + float(network.decoder.composition_weight) * read.composition_log(
        0
    )
    rest = -log_softmax(logits[1:])[titanium - 1] + sum(map(read.element, (1, 2, 3)))
    assert found["element"] == pytest.approx(rest / 4, rel=2e-4)


def test_without_averaged_sites_frequencies_change_nothing(network: CrystalVAE, crystals: list[WyckoffCrystal]) -> None:
    batch = batch_of(crystals)
    assert parts_of(network, batch, torch.full((95,), 1 / 95)) == pytest.approx(parts_of(network, batch), rel=1e-6)
