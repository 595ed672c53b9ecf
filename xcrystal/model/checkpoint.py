"""Weights on disk: safetensors beside a JSON configuration, no pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import Tensor
from torch.overrides import TorchFunctionMode

from xcrystal.crystal.files import replacing
from xcrystal.errors import CheckpointError
from xcrystal.model.vae import Config, CrystalVAE

FORMAT = 1


def save_weights(model: CrystalVAE, folder: Path, facts: dict[str, Any] | None = None, half: bool = True) -> None:
    """Write ``weights.safetensors`` and ``config.json``, each atomically.

    Parameters
    ----------
    facts
        What else the configuration shall tell (training protocol, elements seen).
    half
        Store weights as 16-bit floats, half the size.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: value.cpu() for name, value in unique_state(model).items()}
    if half:
        state = {n: v.half() if v.is_floating_point() else v for n, v in state.items()}
    write_tensors(state, folder / "weights.safetensors")
    content = {"format": FORMAT, "config": model.config.to_dict(), "facts": facts or {}}
    write_text(json.dumps(content, indent=1) + "\n", folder / "config.json")


def load_weights(folder: Path) -> tuple[CrystalVAE, dict[str, Any]]:
    """The model of a folder, in evaluation mode and single precision, and its facts.

    Raises
    ------
    CheckpointError
        If a file is missing, damaged, or of another version.
    """
    try:
        content = json.loads((folder / "config.json").read_text())
        if content.get("format") != FORMAT:
            raise CheckpointError(f"{folder} holds a model of format {content.get('format')}, not {FORMAT}.")
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in content["config"].items()}
        config = Config(**values)
        _check_sizes(config, folder / "weights.safetensors")
        model = CrystalVAE(config)
        state = {name: value.float() for name, value in load_file(folder / "weights.safetensors").items()}
        load_unique_state(model, state)
    except CheckpointError:
        raise
    except Exception as error:
        raise CheckpointError(f"No model can be loaded from {folder}: {error}") from error
    return model.eval(), content["facts"]


class _Unfilled(TorchFunctionMode):
    """Leaves new weights as they are: to draw some on the meta device, torch imports its compiler, for 1.5 s."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        if func in (Tensor.uniform_, Tensor.normal_) or getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else named["tensor"]
        return func(*args, **named)


def _check_sizes(config: Config, weights: Path) -> None:
    """Refuse a configuration of another network than the header of the weights describes, before there is any."""
    with safe_open(weights, framework="pt") as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    if max(config.encoder_layers, config.decoder_layers) > len(shapes):
        raise CheckpointError(f"{weights.parent} holds fewer weights than its config.json has layers.")
    with torch.device("meta"), _Unfilled():
        wanted = {name: tuple(value.shape) for name, value in unique_state(CrystalVAE(config)).items()}
    for name, shape in wanted.items():
        if name in shapes and shapes[name] != shape:
            raise CheckpointError(
                f"The weights in {weights.parent} are not of its config.json: {name} is {shapes[name]}, not {shape}."
            )


_SHARED = ("encoder.embed.", "decoder.embed.")


def unique_state(model: CrystalVAE) -> dict[str, Tensor]:
    """The model's tensors by name, of any shapes (...,); those that encoder and decoder share are there once."""
    return {k: v.detach().clone() for k, v in model.state_dict().items() if not k.startswith(_SHARED)}


def load_unique_state(model: CrystalVAE, state: dict[str, Tensor]) -> None:
    """Load the tensors, of any shapes (...,), that ``unique_state`` returned.

    Raises
    ------
    CheckpointError
        If a tensor is missing or unknown.
    """
    missing, unknown = model.load_state_dict(state, strict=False)
    missing = [name for name in missing if not name.startswith(_SHARED)]
    if missing or unknown:
        raise CheckpointError(f"These weights are not of this model: missing {missing[:3]}, unknown {unknown[:3]}.")


def write_tensors(state: dict[str, Tensor], path: Path, metadata: dict[str, str] | None = None) -> None:
    """Write tensors of any shapes (...,) to a safetensors file, atomically."""
    with replacing(path) as part:
        part.write_bytes(save(state, metadata))  # save_file would make it readable by nobody else


def write_text(text: str, path: Path) -> None:
    """Write a text file atomically."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")
