"""Networks that were trained on a task with known answers: the encoder's architecture, one head, and files of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from xcrystal.errors import CheckpointError, DatasetError
from xcrystal.explanation.fitted_baseline import keep_fitted_element
from xcrystal.explanation.known_answers import TASKS, KnownTask
from xcrystal.explanation.targets import Target
from xcrystal.generator import CrystalModel
from xcrystal.model.checkpoint import write_tensors, write_text
from xcrystal.model.device import pick_device
from xcrystal.model.tensors import Batch
from xcrystal.model.vae import Config, CrystalVAE, mlp

FORMAT = 1
_ELEMENT = "fitted_element"


class TaskNetwork(nn.Module):
    """Encoder, embeddings and a head on the mean of the posterior; the decoder beside them is not used.

    Attributes
    ----------
    vae
        Whose encoder it is.
    head
        Two layers from the latent vector to the target in units of ``std`` from ``mean``; for a binary task a logit.
    mean, std
        Of the target over the training crystals; 0 and 1 for a binary task.
    """

    def __init__(self, vae: CrystalVAE, mean: float = 0.0, std: float = 1.0) -> None:
        super().__init__()
        self.vae = vae
        self.head = mlp(vae.config.latent_dim, vae.config.width, 1)
        self.mean, self.std = mean, std
        self.float()  # whatever the process-wide default is

    def of(self, z: Tensor) -> Tensor:
        """Latent vectors (B, Z) to the target (B,)."""
        found: Tensor = self.head(z)[:, 0] * self.std + self.mean
        return found

    def forward(self, batch: Batch, weights: Tensor | None = None) -> Tensor:
        """(B,) targets of crystals; with ``weights`` (95,) of elements, orbits of element 0 get their weighted mean."""
        if weights is None:
            return self.of(self.vae.posterior(batch)[0])
        embed = self.vae.embed
        mean = weights @ embed.elements(torch.arange(len(weights), device=weights.device))
        vectors = torch.where((batch.element == 0)[..., None], mean, embed.elements(batch.element))
        return self.of(self.vae.posterior(batch, elements=vectors)[0])

    def trained(self) -> dict[str, nn.Module]:
        """The parts that are trained and kept, by name."""
        return {"embed": self.vae.embed, "encoder": self.vae.encoder, "head": self.head}


@dataclass(frozen=True, eq=False)
class TaskModel:
    """A network that can be asked why, and what it was asked to learn.

    Attributes
    ----------
    task
        The task.
    model
        The network as a crystal model, for ``score_crystals``; its decoder and properties mean nothing.
    target
        The task's target as this network predicts it.
    facts
        How it was trained, and its errors on validation crystals: "test_error", "trivial_error", "error_unit";
        "target_std", the target's standard deviation over training crystals.
    """

    task: KnownTask
    model: CrystalModel
    target: Target
    facts: dict[str, Any]


def task_model(task: KnownTask, network: TaskNetwork, facts: dict[str, Any], device: torch.device) -> TaskModel:
    """A trained network as something that can be explained."""
    network = network.to(device).eval().requires_grad_(False)
    known = {"elements_seen": facts.get("elements_seen", {}), "properties": []}
    model = CrystalModel(network.vae, f"task {task.name}", known, device)
    return TaskModel(task, model, Target(task.title, task.unit, network.of), facts | {"target_std": network.std})


def save_task(
    folder: Path, task: KnownTask, network: TaskNetwork, facts: dict[str, Any], element: Tensor | None = None
) -> None:
    """Write ``NAME.safetensors`` (16-bit floats) and ``NAME.json`` into a folder, each atomically, the second last.

    ``element`` (W,) is the vector of its baseline "fitted_element", if it has one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = {
        f"{part}.{name}": value.detach().half().cpu().contiguous()
        for part, module in network.trained().items()
        for name, value in module.state_dict().items()
        if not name.startswith("embed.")
    }
    if element is not None:
        state[_ELEMENT] = element.detach().cpu().contiguous()
    write_tensors(state, folder / f"{task.name}.safetensors")
    content = {
        "format": FORMAT,
        "config": network.vae.config.to_dict(),
        "mean": network.mean,
        "std": network.std,
        "facts": facts,
    }
    write_text(json.dumps(content, indent=1) + "\n", folder / f"{task.name}.json")


def open_task(folder: Path, name: str, device: str = "cpu") -> TaskModel:
    """A task's network from the folder that ``xcrystal fit-tasks`` wrote.

    Raises
    ------
    DatasetError
        If there is no such task, or the folder has no network of it.
    CheckpointError
        If its files are damaged or of another version.
    """
    if name not in TASKS:
        raise DatasetError(f"There is no task {name!r}; there are: {', '.join(TASKS)}.")
    if not (folder / f"{name}.json").is_file():
        raise DatasetError(f"{folder} has no network of the task {name!r}; xcrystal fit-tasks trains it.")
    try:
        content = json.loads((folder / f"{name}.json").read_text())
        if content.get("format") != FORMAT:
            raise CheckpointError(f"{folder} holds a task of format {content.get('format')}, not {FORMAT}.")
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in content["config"].items()}
        network = TaskNetwork(CrystalVAE(Config(**values)), float(content["mean"]), float(content["std"]))
        state = load_file(folder / f"{name}.safetensors")
        element = state.pop(_ELEMENT, None)
        for part, module in network.trained().items():
            own = {k[len(part) + 1 :]: v.float() for k, v in state.items() if k.startswith(f"{part}.")}
            missing, unknown = module.load_state_dict(own, strict=False)
            if unknown or any(not key.startswith("embed.") for key in missing):
                raise CheckpointError(f"The weights of the task {name!r} in {folder} are not of this network.")
        opened = task_model(TASKS[name], network, content["facts"], pick_device(device))
        if element is not None:
            keep_fitted_element(opened.model, element)
        return opened
    except CheckpointError:
        raise
    except Exception as error:
        raise CheckpointError(f"The task {name!r} cannot be loaded from {folder}: {error}") from error
