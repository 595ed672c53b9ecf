"""The vector that stands for no element in particular: fitted so that an encoder that has never seen it knows it.

With it on some sites of a crystal, latent vectors are as near as one vector can bring them to their mean over all
elements on these sites, drawn as often as they occur. The mean of the element vectors, to which the mean of the latent
vectors is not linear, does not do that. The encoder and all that follows it stay as they are.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from xcrystal.errors import CheckpointError, TargetError
from xcrystal.model.digests import weights_digest

if TYPE_CHECKING:
    from torch import Tensor

    from xcrystal.generator import CrystalModel

FILE = "baseline.safetensors"
_KEPT = "_fitted_element"


def keep_fitted_element(model: CrystalModel, vector: Tensor) -> None:
    """Let a model have a vector (W,) without a file."""
    vars(model)[_KEPT] = vector.detach().float().to(model.device)


def has_fitted_element(model: CrystalModel) -> bool:
    """Whether a model has the vector without a file."""
    return _KEPT in vars(model)


def fitted_element(model: CrystalModel) -> Tensor:
    """(W,) the vector of a model, read once.

    Raises
    ------
    TargetError
        If the model has none.
    CheckpointError
        If its file is damaged, or was fitted to other weights.
    """
    from xcrystal.generator import model_folder

    if not has_fitted_element(model):
        path = None
        with suppress(CheckpointError):  # a model without a folder
            path = model_folder(model.name) / FILE
        if path is None or not path.is_file():
            raise TargetError(
                "This model has no baseline 'fitted_element': xcrystal fit-baseline makes one, or take 'mean_element'."
            )
        keep_fitted_element(model, _read(path))
    vector: Tensor = vars(model)[_KEPT]
    return vector


def save_fitted_element(vector: Tensor, folder: Path) -> None:
    """Write ``baseline.safetensors`` with a vector (W,) beside the weights that it was fitted to, atomically."""
    from xcrystal.model.checkpoint import write_tensors

    state = {"element": vector.detach().float().cpu().contiguous()}
    write_tensors(state, folder / FILE, {"weights": weights_digest(folder)})


def _read(path: Path) -> Tensor:
    from safetensors import safe_open

    try:
        with safe_open(path, framework="pt") as file:
            weights, vector = (file.metadata() or {}).get("weights"), file.get_tensor("element")
    except Exception as error:
        raise CheckpointError(f"The baseline {path} cannot be loaded: {error}") from error
    if weights != weights_digest(path.parent):
        raise CheckpointError(f"{path} was fitted to other weights; fit it anew with xcrystal fit-baseline.")
    found: Tensor = vector
    return found
