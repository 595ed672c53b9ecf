"""What a latent model of crystals has to offer to be explored, in plain Python, numpy and pymatgen.

A model of your own is any object with ``encode`` or ``decode``, or both, and ``predict`` if it predicts something:

>>> class MyModel:
...     def encode(self, structures): ...  # sequence of Structures -> (n, d) array
...     def decode(self, z): ...           # (n, d) array -> list of n Structures
...     def predict(self, z): ...          # (n, d) array -> {"band_gap": (n,) array, ...}

``xcrystal.build_atlas(MyModel(), "folder of crystals", "atlas")`` and ``xcrystal.explore(model=MyModel(),
atlas="atlas")`` then do the rest. Nothing is inherited and nothing registered; the classes below say what is expected
of each method, and ``isinstance(model, Encodes)`` whether it is there. What a model cannot do is left out of its
explorer or said in one sentence.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

import numpy as np

from xcrystal.crystal.reading import MAX_ATOMS, MAX_ORBITS
from xcrystal.errors import CapabilityError, DatasetError, InvalidCrystalError

if TYPE_CHECKING:
    import pandas as pd
    from pymatgen.core import Structure

LACKS = {
    "encode": "has no encode, so it knows the crystals of its atlas only, and no others",
    "decode": "has no decode: what is drawn is the nearest known crystal",
    "predict": "has no predict: there is nothing that it predicts",
    "gradients": "gives no gradients, which attributions, concepts, steering and proposals need",
    "sample": "has no prior to draw crystals from",
    "runners_up": "does not tell what else it might have decoded",
}
"""Capabilities of models, and what is said of a model without one."""


def as_vectors(z: Any, latent_dim: int | None, owner: str = "this model") -> np.ndarray:
    """Latent vectors, of numpy, torch or lists, as (n, latent_dim) float64.

    Parameters
    ----------
    z
        (n, latent_dim), or (latent_dim,) of one.
    latent_dim
        How many numbers each has; None for any.
    owner
        Of what they are, in words.

    Raises
    ------
    InvalidCrystalError
        If they are no real numbers, not finite, or of another shape.
    """
    try:
        given = z.detach().cpu().double().numpy() if hasattr(z, "detach") else np.asarray(z)  # of torch, or not
        if np.iscomplexobj(given):
            raise TypeError("these are complex")
        vectors = np.atleast_2d(given.astype(np.float64))
    except (TypeError, ValueError, RuntimeError) as error:
        reason = f"{error}; of a crystal, encode makes one"
        raise InvalidCrystalError(f"Latent vectors are arrays of numbers: {reason}.") from error
    if vectors.ndim != 2 or vectors.shape[1] != (latent_dim or vectors.shape[1]):
        wanted = f"(n, {latent_dim or 'numbers'})"
        raise InvalidCrystalError(f"Latent vectors of {owner} have the shape {wanted}, not {tuple(vectors.shape)}.")
    if not np.isfinite(vectors).all():
        raise InvalidCrystalError("A latent vector contains a number that is not finite.")
    return vectors


@runtime_checkable
class Encodes(Protocol):
    """A model that encodes crystals."""

    def encode(self, structures: Sequence[Structure]) -> np.ndarray:
        """Latent vectors (n, d), finite numbers, of n crystals.

        They come as standardized primitive cells, in one and the same setting however a crystal was written.
        """
        ...


@runtime_checkable
class Decodes(Protocol):
    """A model that decodes latent vectors."""

    def decode(self, z: np.ndarray) -> Sequence[Structure]:
        """Crystals of n latent vectors (n, d) float32: ordered, periodic Structures, in any cell."""
        ...


@runtime_checkable
class Predicts(Protocol):
    """A model that predicts properties from latent vectors."""

    def predict(self, z: np.ndarray) -> Mapping[str, np.ndarray]:
        """Values (n,) of each property, by name, of n latent vectors (n, d) float32; always of the same properties."""
        ...


class Known(Protocol):
    """The known crystals of a model: what it needs of an ``xcrystal.latent.atlas.Atlas``."""

    name: str
    table: pd.DataFrame
    z: np.ndarray
    facts: dict[str, Any]

    def neighbours(self, z: np.ndarray, k: int = 8) -> tuple[np.ndarray, np.ndarray]:
        """Rows (n, k) and distances (n, k) of the nearest known crystals."""
        ...

    def structure(self, row: int) -> Structure | None:
        """The known crystal itself, if it is kept."""
        ...


class Capable:
    """What a model says of itself: its name and sizes, and which capabilities it has.

    Attributes
    ----------
    name
        What it is called.
    capabilities
        Of the names in ``LACKS``.
    latent_dim
        Length of its latent vectors.
    max_atoms, max_orbits
        The most atoms of a primitive cell, and the most orbits, that it encodes.
    spread
        How far latent vectors of crystals differ in a dimension, about: the unit of distances that are said in words.
    code
        Python that stands for it.
    """

    name: str
    latent_dim: int
    capabilities: frozenset[str] = frozenset(LACKS)
    max_atoms: int = MAX_ATOMS
    max_orbits: int = MAX_ORBITS
    spread: float = 1.0

    @property
    def abilities(self) -> frozenset[str]:
        """Deprecated: ``capabilities``."""
        warnings.warn("model.abilities is now model.capabilities.", DeprecationWarning, stacklevel=2)
        return self.capabilities

    @property
    def limits(self) -> tuple[int, int]:
        """``max_atoms`` and ``max_orbits``, as ``xcrystal.crystal.reading.encodable`` takes them."""
        return self.max_atoms, self.max_orbits

    @property
    def code(self) -> str:
        return repr(self.name)

    @property
    def digest(self) -> str:
        """What tells its weights from others; empty if nothing does."""
        return ""

    def lacks(self, capability: str) -> str:
        """Why the model cannot do something, in one sentence; empty if it can."""
        return "" if capability in self.capabilities else f"The model {self.name!r} {LACKS[capability]}."

    def require(self, capability: str) -> None:
        """Raises CapabilityError if the model cannot do it."""
        if reason := self.lacks(capability):
            raise CapabilityError(reason)

    def known_intervals(self, z: Any) -> dict[str, np.ndarray]:
        """90 % intervals (n, 2) of predicted properties by name, of those for which they are known."""
        return {}

    def known_nonzero(self, z: Any) -> dict[str, np.ndarray]:
        """Probabilities (n,) that predicted properties are not zero, by name, of those for which they are known."""
        return {}

    def with_known(self, atlas: Known) -> Self:
        """The model together with the atlas that it is explored in.

        Raises
        ------
        DatasetError
            If the atlas is of another model.
        """
        size = atlas.z.shape[1]
        if size != self.latent_dim:
            raise DatasetError(
                f"The atlas {atlas.name} belongs to another model than {self.name!r}: its latent vectors have {size} "
                f"numbers, not {self.latent_dim}."
            )
        made_with = str(atlas.facts.get("model_digest") or "")
        if made_with and self.digest not in ("", made_with):
            raise DatasetError(
                f"The atlas {atlas.name} was made with other weights than those of the model {self.name!r}: make it "
                "again with xcrystal atlas."
            )
        return self


def __getattr__(name: str) -> type[Capable]:
    if name == "Able":
        warnings.warn("xcrystal.protocols.Able is now Capable.", DeprecationWarning, stacklevel=2)
        return Capable
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
