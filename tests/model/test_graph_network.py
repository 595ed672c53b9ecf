"""Graph networks: neighbours, distributions, a fit that learns, and what lies on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.crystals import random_crystal
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
from xcrystal.errors import CheckpointError
from xcrystal.model.graph_network import (
    FILE,
    GraphEnsemble,
    GraphNetwork,
    Graphs,
    load_graph_ensemble,
    save_graph_ensemble,
)
from xcrystal.training.graph_network_fit import GraphSettings, energy_scale, fit_network


@pytest.fixture(scope="module")
def crystals() -> list[WyckoffCrystal]:
    rng = np.random.default_rng(0)
    return [random_crystal(int(number), rng, 12) for number in rng.choice([2, 62, 139, 166, 225], 40)]


def ensemble() -> GraphEnsemble:
    torch.manual_seed(0)
    return GraphEnsemble([GraphNetwork(32, 2).eval() for _ in range(2)], torch.tensor([-1.0, 0.8]), torch.ones(2))


def test_neighbours_are_those_of_pymatgen(crystals: list[WyckoffCrystal]) -> None:
    for crystal in crystals[:8]:
        graph, structure = Graphs.of([crystal]), crystal.to_structure()
        centre, _, _, distance = structure.get_neighbor_list(6.9)
        for atom in range(len(structure)):
            nearest = np.sort(distance[centre == atom])[:16]
            assert np.sort(graph.distance[atom])[: len(nearest)] == pytest.approx(nearest, abs=1e-3)


def test_crystals_are_judged_each_by_itself(crystals: list[WyckoffCrystal]) -> None:
    networks, together = ensemble(), Graphs.of(crystals)
    alone = [networks.raw(Graphs.of([crystal])) for crystal in crystals[:5]]
    assert torch.allclose(networks.raw(together)[:, :5], torch.cat(alone, dim=1), atol=1e-5)
    assert networks.raw(Graphs.of([])).shape == (2, 0, 5)


def test_probabilities_of_ranges_add_up(crystals: list[WyckoffCrystal]) -> None:
    networks, graphs = ensemble(), Graphs.of(crystals)
    for name in ("formation_energy_per_atom", "band_gap"):
        parts = [networks.within(graphs, name, *ends) for ends in ((-np.inf, -0.5), (-0.5, 0.7), (0.7, np.inf))]
        assert sum(parts) == pytest.approx(np.ones(len(crystals)), abs=1e-5)
    metals = networks.within(graphs, "band_gap", 0, 0)
    assert networks.within(graphs, "band_gap", 1e-6, np.inf) == pytest.approx(1 - metals, abs=1e-4)


def test_a_fit_learns_what_distances_tell(crystals: list[WyckoffCrystal]) -> None:
    graphs = Graphs.of(crystals)
    nearest = np.array([graphs.distance[graphs.start[k] : graphs.start[k + 1]].min() for k in range(len(graphs))])
    truth = np.stack([nearest, np.where(nearest > np.median(nearest), 2.0, 0.0)], axis=1)
    truth[:3] = np.nan  # not known
    scale = energy_scale(truth)
    network = fit_network(graphs, truth, scale, GraphSettings(steps=150, batch_size=37, learning_rate=5e-3), 0)
    found = GraphEnsemble([network.eval()], scale, torch.ones(2)).predict(graphs)
    error = np.abs(found["formation_energy_per_atom"] - truth[:, 0])[3:].mean()
    assert error < 0.5 * np.abs(truth[3:, 0] - truth[3:, 0].mean()).mean()


def test_it_is_kept_in_a_folder(crystals: list[WyckoffCrystal], tmp_path: Path) -> None:
    assert load_graph_ensemble(tmp_path) is None
    networks, graphs = ensemble(), Graphs.of(crystals[:4])
    save_graph_ensemble(networks, tmp_path)
    again = load_graph_ensemble(tmp_path)
    assert again is not None
    assert again.predict(graphs)["band_gap"] == pytest.approx(networks.predict(graphs)["band_gap"], abs=0.02)
    (tmp_path / FILE).write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match=FILE):
        load_graph_ensemble(tmp_path)
