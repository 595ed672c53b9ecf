"""A trained crystal VAE as people use it: Structures in, latent vectors, Structures and properties out."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.collections.tables import PROPERTIES
from xcrystal.crystal.elements import symbol
from xcrystal.crystal.reading import as_list, check_size, encodable, read_structure
from xcrystal.crystal.symmetry.canonical import Canonical
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
from xcrystal.errors import CheckpointError, InvalidCrystalError, UnsupportedElementWarning, XCrystalError
from xcrystal.model.decoded import EFFORTS
from xcrystal.model.digests import weights_digest
from xcrystal.predicting import CHUNK, PropertyPredictor
from xcrystal.protocols import as_vectors

if TYPE_CHECKING:
    import torch
    from pymatgen.core import Structure

    from xcrystal.model.correction import Corrector
    from xcrystal.model.decoded import Decoded
    from xcrystal.model.prior import LatentFlow
    from xcrystal.model.tensors import Batch
    from xcrystal.model.vae import CrystalVAE

BUNDLED = Path(__file__).with_name("data")
_HARDLY_SEEN = 5
TEMPERATURE = 0.95  # of draws from the learned prior


class CrystalModel(PropertyPredictor):
    """A crystal VAE with its weights.

    Attributes
    ----------
    name
        Name or folder it was loaded from.
    network
        The torch module, in evaluation mode.
    device
        Where it runs.
    latent_dim
        Length of a latent vector.
    max_atoms, max_orbits
        The most atoms of a primitive cell, and the most orbits, of a crystal that it encodes or decodes.
    facts
        How it was trained.
    prior
        The learned prior, if there is one.
    corrector
        The network that proposes corrections of crystals in a search, if there is one.
    properties
        Names of the properties that its data taught it.
    """

    def __init__(
        self,
        network: CrystalVAE,
        name: str,
        facts: dict[str, Any],
        device: torch.device,
        prior: LatentFlow | None = None,
        corrector: Corrector | None = None,
    ) -> None:
        # frozen: inference and attributions need gradients of inputs only
        self.network = network.to(device).eval().requires_grad_(False)
        self.network.embed.freeze()
        self.device = device
        self.prior = prior.to(device) if prior is not None else None
        self.corrector = corrector.to(device).requires_grad_(False) if corrector is not None else None
        config = network.config
        self._describe(name, facts, config.latent_dim, config.max_atoms, config.max_orbits)

    def _describe(self, name: str, facts: dict[str, Any], latent_dim: int, max_atoms: int, max_orbits: int) -> None:
        """What is known of a model without its weights."""
        self.name, self.facts = name, facts
        self.latent_dim, self.max_atoms, self.max_orbits = latent_dim, max_atoms, max_orbits
        learned = facts.get("properties", PROPERTIES)
        self.properties = tuple(name for name in PROPERTIES if name in learned)
        self._seen = {int(z): n for z, n in facts.get("elements_seen", {}).items()}

    def __repr__(self) -> str:
        return f"CrystalModel({self.name!r}, latent_dim={self.latent_dim}, device={str(self.device)!r})"

    @property
    def has_prior(self) -> bool:
        """Whether it has a learned prior."""
        return self.prior is not None

    @property
    def digest(self) -> str:
        """What tells its weights from others; empty if they are in no file."""
        try:
            return weights_digest(model_folder(self.name))
        except (CheckpointError, OSError):
            return ""

    def encode(self, structures: Iterable[Any] | Any) -> np.ndarray:
        """Latent vectors of crystals: the means of their posteriors.

        Parameters
        ----------
        structures
            pymatgen Structures or paths of crystal files; a single one counts as a list of one.

        Returns
        -------
        ndarray
            (n, latent_dim) float32; the same for any writing of the same crystal, and for its mirror image
            (``canonical`` tells which of the two was encoded).

        Raises
        ------
        ReadError, InvalidCrystalError, UnsupportedCrystalError
            For the first crystal that cannot be encoded; its place in the list is named.

        Warns
        -----
        UnsupportedElementWarning
            For elements that the training data hold fewer than 5 times.
        """
        return self.encode_canonical(self._crystals(structures))

    def _crystals(self, structures: Iterable[Any] | Any) -> list[WyckoffCrystal]:
        """Canonical forms of a list of crystals; an error tells which of them it is about."""
        sources = as_list(structures)
        crystals = []
        for i, source in enumerate(sources):
            try:
                crystals.append(encodable(read_structure(source), *self.limits).crystal)
            except XCrystalError as error:
                if len(sources) == 1:
                    raise
                raise type(error)(f"Crystal {i} of {len(sources)}: {error}") from error
        self.warn_of_elements(crystals, stacklevel=4)
        return crystals

    def posterior(self, structures: Iterable[Any] | Any) -> tuple[np.ndarray, np.ndarray]:
        """Means, which are what ``encode`` gives, and standard deviations of the posteriors of crystals.

        Parameters, errors and warnings as for ``encode``.

        Returns
        -------
        tuple of ndarray
            (n, latent_dim) float32 each.
        """
        return self.posterior_canonical(self._crystals(structures))

    def posterior_canonical(self, crystals: Sequence[WyckoffCrystal]) -> tuple[np.ndarray, np.ndarray]:
        """Means and standard deviations (n, latent_dim) float32 of the posteriors of crystals in canonical form."""
        self._check_sizes(crystals)
        parts = [self._posterior(crystals[i : i + CHUNK]) for i in range(0, len(crystals), CHUNK)]
        empty = np.zeros((0, self.latent_dim), dtype=np.float32)
        means, deviations = zip(*parts or [(empty, empty)], strict=True)
        return np.concatenate(means), np.concatenate(deviations)

    def _posterior(self, crystals: Sequence[WyckoffCrystal]) -> tuple[np.ndarray, np.ndarray]:
        """``posterior_canonical`` of at most ``CHUNK`` crystals."""
        import torch

        from xcrystal.model.device import FEW, one_thread

        with torch.inference_mode(), one_thread(len(crystals) <= FEW):
            mean, log_variance = self.network.posterior(self.batch(crystals))
            return mean.float().cpu().numpy(), (0.5 * log_variance).exp().float().cpu().numpy()

    def _check_sizes(self, crystals: Sequence[WyckoffCrystal]) -> None:
        """Raise UnsupportedCrystalError if one is beyond the model's limits."""
        if len(crystals):
            atoms = max(int(c.multiplicities.sum()) for c in crystals)
            check_size(atoms, max(len(c.positions) for c in crystals), *self.limits)

    def canonical(self, source: Any) -> Canonical:
        """The canonical form of one crystal that can be encoded; warns of elements hardly seen in training."""
        found = encodable(read_structure(source), *self.limits)
        self.warn_of_elements([found.crystal], stacklevel=3)
        return found

    def encode_canonical(self, crystals: Sequence[WyckoffCrystal]) -> np.ndarray:
        """Latent vectors (n, latent_dim) float32 of crystals in canonical form."""
        return self.posterior_canonical(crystals)[0]

    def batch(self, crystals: Sequence[WyckoffCrystal]) -> Batch:
        """Crystals in canonical form as tensors on the model's device; UnsupportedCrystalError beyond its limits."""
        from xcrystal.model.tensors import batch_of

        self._check_sizes(crystals)
        return batch_of(crystals).to(self.device)

    def decode(
        self,
        z: Any,
        effort: str = "normal",
        group: int | None = None,
        *,
        on_step: Callable[[], None] | None = None,
        choose: bool | None = None,
    ) -> list[Structure]:
        """The crystal of each latent vector.

        Parameters
        ----------
        z
            (n, latent_dim) or (latent_dim,), numpy or torch, any float type, finite.
        effort
            "fast" gives the most probable crystal, whatever it is; "normal" looks for a better one where that has
            overlapping atoms or is uncertain; "thorough" searches longer (up to some seconds for a latent vector of a
            large crystal). See ``xcrystal.model.choosing``.
        group
            A space group number, 1 to 230, that the crystals shall have, instead of the most probable one.
        on_step
            Called before each step of a search; what it raises ends the search, and is raised.
        choose
            Deprecated: True is the effort "normal", False is "fast".

        Returns
        -------
        list of Structure
            Standardized primitive cells with ``properties["space_group"]`` (number), ``["space_group_probability"]``,
            ``["likely_groups"]`` (the most probable numbers, with their probabilities), ``["likely_elements"]`` (for
            each orbit the most probable elements, with theirs) and ``["chosen"]`` ("most probable", or why another
            candidate was taken), and site properties ``wyckoff`` ("4a"), ``orbit`` (index) and
            ``element_probability``. They are what the model says: not relaxed.

        Raises
        ------
        InvalidCrystalError
            If ``z`` has another shape or is not finite, or there is no such space group or effort.
        """
        if choose is not None:
            warnings.warn("choose is deprecated: use effort='normal' or 'fast'.", DeprecationWarning, stacklevel=2)
            effort = "normal" if choose else "fast"
        return [to_structure(d) for d in self.decode_arrays(z, effort, group, on_step)]

    def decode_arrays(
        self,
        z: Any,
        effort: str = "normal",
        group: int | None = None,
        on_step: Callable[[], None] | None = None,
    ) -> list[Decoded]:
        """As ``decode``, without building Structures."""
        whole = isinstance(group, (int, np.integer)) and not isinstance(group, bool)
        if group is not None and not (whole and 1 <= group <= 230):
            raise InvalidCrystalError(f"There is no space group {group}; they are numbered from 1 to 230.")
        if effort not in EFFORTS:
            raise InvalidCrystalError(f"There is no effort {effort!r}; there are: {', '.join(EFFORTS)}.")
        vectors = self.vectors(z)
        parts = range(0, len(vectors), CHUNK)
        return [d for i in parts for d in self._decoded(vectors[i : i + CHUNK], effort, group, on_step)]

    def _decoded(
        self, z: np.ndarray, effort: str, group: int | None, on_step: Callable[[], None] | None
    ) -> list[Decoded]:
        """``decode_arrays`` of at most ``CHUNK`` latent vectors (n, latent_dim) float32."""
        import torch

        from xcrystal.model.choosing import decode_best
        from xcrystal.model.device import FEW, one_thread

        with torch.inference_mode(), one_thread(len(z) <= FEW):
            vectors = torch.from_numpy(z).to(self.device)
            return decode_best(self.network, vectors, group, effort, self.corrector, on_step)

    def sample(self, n: int, seed: int = 0, effort: str = "normal") -> list[Structure]:
        """Crystals decoded from ``n`` draws of the prior; ``effort`` is that of ``decode``.

        Raises
        ------
        InvalidCrystalError
            If ``n`` or ``seed`` is negative, or no whole number.
        """
        return self.decode(self.sample_latent(n, seed), effort)

    def sample_latent(self, n: int, seed: int = 0) -> np.ndarray:
        """(n, latent_dim) float32 draws from the prior: the learned one if the model has one, else the standard normal.

        The learned one is drawn from at temperature 0.95: slightly less variety, but fewer crystals that cannot be.

        Raises
        ------
        InvalidCrystalError
            If ``n`` or ``seed`` is negative, or no whole number.
        """
        if not all(isinstance(given, (int, np.integer)) and given >= 0 for given in (n, seed)):
            raise InvalidCrystalError(
                f"There is no sample of {n!r} crystals with the seed {seed!r}: both are whole and not negative."
            )
        normal = np.random.default_rng(seed).standard_normal((n, self.latent_dim))
        return self._carried((TEMPERATURE * normal).astype(np.float32)) if self.has_prior else normal.astype(np.float32)

    def _carried(self, normal: np.ndarray) -> np.ndarray:
        """Latent vectors (n, latent_dim) float32 to which the learned prior carries draws of a normal distribution."""
        assert self.prior is not None
        return self.prior.arrive(normal)

    def design(self, **wanted: Any) -> Any:
        """Crystals with wanted properties, elements and symmetry: ``xcrystal.design`` with this model.

        Parameters
        ----------
        wanted
            All other arguments of ``xcrystal.design``.

        Returns
        -------
        xcrystal.inverse_design.candidates.Design
            The candidates.
        """
        # what designs is built upon models, so that it is looked up by name once somebody asks for it
        return import_module("xcrystal.inverse_design.designing").design(self, **wanted)

    def snap(self, z: Any, strength: float = 0.2) -> np.ndarray:
        """Latent vectors pulled towards where latent vectors of crystals are.

        Parameters
        ----------
        z
            As for ``decode``.
        strength
            0 changes nothing, 1 gives the mean of all latent vectors.

        Returns
        -------
        ndarray
            (n, latent_dim) float32.

        Raises
        ------
        InvalidCrystalError
            If ``z`` has another shape or is not finite, or the strength is not between 0 and 1.
        CheckpointError
            If the model has no learned prior.
        """
        if self.prior is None:
            raise CheckpointError(
                f"The model {self.name!r} has no learned prior; "
                f"fit one with: xcrystal fit-prior --model {self.name} --data FOLDER"
            )
        if not 0 <= strength <= 1:
            raise InvalidCrystalError(f"The strength of snapping is between 0 and 1, not {strength}.")
        import torch

        vectors = torch.from_numpy(self.vectors(z)).to(self.device)
        return self.prior.snap(vectors, float(strength)).float().cpu().numpy()

    def vectors(self, z: Any) -> np.ndarray:
        """Latent vectors as (n, latent_dim) float32; raises InvalidCrystalError as ``decode`` does."""
        # beyond this float32 overflows in the network, and nothing is learned there anyway
        return np.clip(as_vectors(z, self.latent_dim), -1e4, 1e4).astype(np.float32)

    def warn_of_elements(self, crystals: Sequence[WyckoffCrystal], stacklevel: int) -> None:
        elements = {int(z) for crystal in crystals for z in crystal.elements}
        rare = sorted(z for z in elements if self._seen.get(z, 0) < _HARDLY_SEEN)
        if rare and self._seen:
            from pymatgen.core import Element

            names = ", ".join(Element.from_Z(z).symbol for z in rare)
            message = f"{names}: never or hardly seen in training, so what the model says of it is a guess."
            warnings.warn(message, UnsupportedElementWarning, stacklevel=stacklevel)


def to_structure(decoded: Decoded) -> Structure:
    """The Structure of a decoded crystal, with the decoder's probabilities."""
    structure = decoded.crystal.to_structure()
    structure.properties["space_group_probability"] = decoded.group_probability
    structure.properties["likely_groups"] = list(
        zip(decoded.likely_groups.tolist(), decoded.likely_groups_probability.tolist(), strict=True)
    )
    structure.properties["likely_elements"] = [
        [(symbol(element), p) for element, p in zip(elements, probabilities, strict=True) if element]
        for elements, probabilities in zip(decoded.likely.tolist(), decoded.likely_probability.tolist(), strict=True)
    ]
    structure.properties["chosen"] = decoded.chosen
    orbit = structure.site_properties["orbit"]
    structure.add_site_property("element_probability", [float(decoded.element_probability[k]) for k in orbit])
    return structure


def model_folder(name: str | Path) -> Path:
    """The folder of a bundled model's name, or of a path.

    Raises
    ------
    CheckpointError
        If there is no model.
    """
    for folder in (BUNDLED / str(name), Path(name)):
        if (folder / "config.json").is_file():
            return folder
    bundled = sorted(p.parent.name for p in BUNDLED.glob("*/config.json"))
    known = ", ".join(bundled) or "none"
    raise CheckpointError(f"There is no model {str(name)!r}; bundled: {known}, or give a folder.")


def open_model(name: str | Path = "mp20", device: str = "auto", server: str | None = None) -> CrystalModel:
    """Load a model, or have it from a server.

    Parameters
    ----------
    name
        A bundled model ("mp20"), or a folder with ``config.json`` and ``weights.safetensors``; if it also holds
        ``properties.safetensors``, that ensemble predicts the properties, with ``prior.safetensors`` that flow is the
        prior, and with ``corrector.safetensors`` that network proposes corrections in a search.
    device
        "auto" picks cuda, then mps, then cpu.
    server
        The address of an ``xcrystal model-server``, such as "http://127.0.0.1:8765", which then encodes, decodes,
        predicts and explains; the model here takes over where it does not answer. By default what the environment
        variable XCRYSTAL_SERVER says, if that server has this model; "" for none. The server's token is that of
        XCRYSTAL_SERVER_TOKEN.

    Raises
    ------
    CheckpointError
        If there is no such model or device, or ``server`` is no address, or the server there does not answer or has
        another model.
    """
    if server is None:
        if os.environ.get("XCRYSTAL_SERVER"):
            served = import_module("xcrystal.served.served_model").served_by_default(str(name), device)
            if served is not None:
                return served
    elif server != "":
        return import_module("xcrystal.served.served_model").open_served(str(name), device, server)
    import torch

    from xcrystal.model.checkpoint import load_weights
    from xcrystal.model.correction import load_corrector
    from xcrystal.model.device import pick_device
    from xcrystal.model.prior import load_flow
    from xcrystal.model.properties import load_ensemble

    folder = model_folder(name)
    with torch.inference_mode(False):  # of weights that were made in that mode there are no gradients
        network, facts = load_weights(folder)
        ensemble = load_ensemble(folder)
        if ensemble is not None:
            network.properties = ensemble
        corrector = load_corrector(folder, network.config)
        return CrystalModel(network, str(name), facts, pick_device(device), load_flow(folder), corrector)
