"""Generators on disk: one safetensors file each, its configuration and what is known of its training in the header."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save

from xcrystal.crystal.files import replacing
from xcrystal.errors import CheckpointError
from xcrystal.generators.autoregressive import AutoregressiveConfig, AutoregressiveNetwork
from xcrystal.generators.diffusion import DiffusionConfig, DiffusionNetwork, Templates

FORMAT = "1"
_TEMPLATES = "templates."
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
    """Write a network with 16-bit weights, and the templates that it begins from, atomically."""
    state = {name: value.detach().cpu().half() for name, value in network.state_dict().items()}
    if templates is not None:
        state |= {_TEMPLATES + name: torch.from_numpy(array) for name, array in vars(templates).items()}
    family = next(name for name, (_, kind) in _KINDS.items() if isinstance(network, kind))
    header = {"format": FORMAT, "family": family}
    header |= {"config": json.dumps(network.config.to_dict()), "facts": json.dumps(facts)}
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
        network.load_state_dict({k: v.float() for k, v in tensors.items() if not k.startswith(_TEMPLATES)})
    except CheckpointError:
        raise
    except Exception as error:
        raise CheckpointError(f"No generator can be loaded from {path}: {error}") from error
    return network.eval().requires_grad_(False), json.loads(header["facts"]), Templates(**arrays) if arrays else None


def digest(path: Path) -> str:
    """What tells the weights of a file from others."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
