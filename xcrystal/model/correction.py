"""A network that corrects crystals: what to change in a candidate so that its latent vector becomes the one wanted.

The autoregressive decoder cannot take back an early choice. This network sees a whole candidate at once, together with
the latent vector that is wanted and the one that the candidate has, and says for every orbit which element and which
coordinates it should have instead, and which lattice. Space group and Wyckoff letters are kept. It is a transformer
over the set of orbits, so that it does not matter in which order they stand, and reads the frozen embeddings of the
model whose candidates it corrects. Iterating it is a discrete denoising; in the spirit of Ghazvininejad et al.,
"Mask-Predict" (EMNLP 2019), with the difference that here every answer can be checked by encoding it.

Shapes: B crystals, T orbits, W width, Z latent dimension.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xcrystal.errors import CheckpointError
from xcrystal.model.checkpoint import write_tensors
from xcrystal.model.digests import weights_digest
from xcrystal.model.tensors import LATTICE_SIZE, Batch
from xcrystal.model.vae import FREQUENCIES, N_ELEMENTS, Block, Config, CrystalVAE, fourier, mlp

if TYPE_CHECKING:
    from pathlib import Path

FILE = "corrector.safetensors"
DEPTH = 4


class Corrections(NamedTuple):
    """What the network proposes.

    Attributes
    ----------
    element
        (B, T, 95) logits of each orbit's element.
    state
        (B, T, W) from which coordinates are chosen axis by axis.
    lattice
        (B, 7) standardized lattice numbers.
    """

    element: Tensor
    state: Tensor
    lattice: Tensor


class Corrector(nn.Module):
    """Candidates, their latent vectors and those wanted to better elements, coordinates and lattices."""

    def __init__(self, config: Config, depth: int = DEPTH) -> None:
        super().__init__()
        W, Z = config.width, config.latent_dim
        self.bins = config.bins
        self.orbit = nn.Linear(3 * W, W)
        self.each = nn.Linear(2 * Z, W)
        self.whole = nn.Linear(W + LATTICE_SIZE + 2 * Z, W)
        self.blocks = nn.ModuleList(Block(W, config.heads) for _ in range(depth))
        self.norm = nn.LayerNorm(W)
        self.element = mlp(W, W, N_ELEMENTS)
        self.named = nn.Linear(W, W)
        self.axes = nn.ModuleList(mlp(W, W, config.bins) for _ in range(3))
        self.residual = nn.ModuleList(mlp(W, W, config.bins) for _ in range(3))
        self.placed = nn.ModuleList(nn.Linear(2 * len(FREQUENCIES), W) for _ in range(2))
        self.lattice = mlp(W, W, LATTICE_SIZE)
        self.float()  # whatever the process-wide default is

    def forward(self, vae: CrystalVAE, candidate: Batch, code: Tensor, z: Tensor) -> Corrections:
        """Corrections of candidates with latent vectors ``code`` (B, Z) towards ``z`` (B, Z)."""
        embed = vae.embed
        rows = embed.rows(candidate.group, candidate.letter)
        parts = (embed.elements(candidate.element), embed.all_positions()[rows])
        places = embed.places(rows, candidate.coordinates)
        wanted = torch.cat([z, 4 * (z - code)], dim=-1)
        orbits = self.orbit(torch.cat([*parts, places], dim=-1)) + self.each(wanted)[:, None]
        lattice = vae.standardized(candidate.lattice)
        whole = self.whole(torch.cat([embed.groups(candidate.group), lattice, wanted], dim=-1))
        x = torch.cat([whole[:, None], orbits], dim=1)
        mask = F.pad(candidate.mask, (1, 0), value=True)[:, None, None, :]
        for block in self.blocks:
            x, _ = block(x, mask)
        x = self.norm(x)
        return Corrections(self.element(x[:, 1:]), x[:, 1:], lattice + self.lattice(x[:, 0]))

    def with_elements(self, state: Tensor, elements: Tensor) -> Tensor:
        """(B, T, W): the states once the elements' vectors (B, T, W) are known."""
        return state + self.named(elements)

    def with_axis(self, state: Tensor, axis: int, value: Tensor, free: Tensor) -> Tensor:
        """(B, T, W): the states once the coordinates (B, T) along an axis that is ``free`` (B, T) are known."""
        return state + self.placed[axis](fourier(value)) * free[..., None]


def save_corrector(corrector: Corrector, folder: Path, facts: dict[str, str] | None = None) -> None:
    """Write ``corrector.safetensors`` beside the weights that it corrects the candidates of, atomically."""
    state = {name: value.detach().half().cpu().contiguous() for name, value in corrector.state_dict().items()}
    write_tensors(state, folder / FILE, {"weights": weights_digest(folder), **(facts or {})})


def load_corrector(folder: Path, config: Config) -> Corrector | None:
    """The corrector of a model's folder, in evaluation mode; None if it has none.

    Raises
    ------
    CheckpointError
        If it is damaged, or was fitted to other weights than the folder holds.
    """
    from safetensors import safe_open
    from safetensors.torch import load_file

    path = folder / FILE
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            metadata: dict[str, Any] = file.metadata() or {}
        state = {name: value.float() for name, value in load_file(path).items()}
        depth = 1 + max(int(name.split(".")[1]) for name in state if name.startswith("blocks."))
        corrector = Corrector(config, depth)
        corrector.load_state_dict(state)
    except Exception as error:
        raise CheckpointError(f"The corrector {path} cannot be loaded: {error}") from error
    if metadata.get("weights") != weights_digest(folder):
        raise CheckpointError(
            f"{path} was fitted to other weights; fit it anew with xcrystal fit-corrector, or remove it."
        )
    return corrector.eval()
