"""Generators on disk: one safetensors file each, its configuration and what is known of its training in the header."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from xcrystal.crystal.files import replacing
from xcrystal.errors import CheckpointError
from xcrystal.generators.autoregressive import AutoregressiveConfig, AutoregressiveNetwork
from xcrystal.generators.diffusion import DiffusionConfig, DiffusionNetwork, Templates

FORMAT = "1"
_TEMPLATES = "templates."
_SCALE, _LEVELS = ".scale", 127
_FEW = 8  # rows
Network = AutoregressiveNetwork | DiffusionNetwork
_KINDS: dict[str, tuple[Any, Any]] = {
    "autoregressive": (AutoregressiveConfig, AutoregressiveNetwork),
    "diffusion": (DiffusionConfig, DiffusionNetwork),
}


def build(family: str, **sizes: Any) -> Network:
    """A new network of a family ("autoregressive" or "diffusion") with random weights."""
    config, network = _KINDS[family]
    made: Network = network(config(**sizes))
    return made


def save_network(network: Network, path: Path, facts: dict[str, Any], templates: Templates | None = None) -> None:
    """Write a network with 8-bit weights (16-bit biases and norms), and the templates it begins from, atomically."""
    state: dict[str, Tensor] = {}
    for name, value in network.state_dict().items():
        state |= _packed(name, value.detach().cpu().float())
    if templates is not None:
        state |= {_TEMPLATES + name: torch.from_numpy(array) for name, array in vars(templates).items()}
    family = next(name for name, (_, kind) in _KINDS.items() if isinstance(network, kind))
    header = {"format": FORMAT, "family": family}
    header |= {"config": json.dumps(asdict(network.config)), "facts": json.dumps(facts)}
    with replacing(path) as part:
        part.write_bytes(save(state, header))


def load_network(path: Path) -> tuple[Network, dict[str, Any], Templates | None]:
    """A network in evaluation mode, what is known of its training, and its templates, if it begins from any.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, or of another version.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata()
            if header.get("format") != FORMAT:
                raise CheckpointError(f"{path} holds a generator of format {header.get('format')}, not {FORMAT}.")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        values = json.loads(header["config"])
        network = build(header["family"], **{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
        arrays = {k.removeprefix(_TEMPLATES): v.numpy() for k, v in tensors.items() if k.startswith(_TEMPLATES)}
        network.load_state_dict(_unpacked({k: v for k, v in tensors.items() if not k.startswith(_TEMPLATES)}))
    except CheckpointError:
        raise
    except Exception as error:
        raise CheckpointError(f"No generator can be loaded from {path}: {error}") from error
    return network.eval().requires_grad_(False), json.loads(header["facts"]), Templates(**arrays) if arrays else None


def _packed(name: str, value: Tensor) -> dict[str, Tensor]:
    """A matrix as whole numbers from -127 to 127 and a scale for each row; anything small in 16 bits."""
    if value.ndim != 2 or len(value) < _FEW:
        return {name: value.half()}
    scale = value.abs().amax(dim=1, keepdim=True).clamp(min=1e-6).half()
    return {
        name: (value / scale.float() * _LEVELS).round().clamp(-_LEVELS, _LEVELS).to(torch.int8),
        name + _SCALE: scale,
    }


def _unpacked(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors that ``_packed`` was given, as near as they are kept."""
    scales = {name.removesuffix(_SCALE): value.float() for name, value in tensors.items() if name.endswith(_SCALE)}
    return {
        name: value.float() / _LEVELS * scales[name] if name in scales else value.float()
        for name, value in tensors.items()
        if not name.endswith(_SCALE)
    }


def digest(path: Path) -> str:
    """What tells the weights of a file from others."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
