"""A latent model of one's own in the shape of ours: what it gives is checked, what it lacks is said."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from xcrystal.crystal.limits import MAX_SEARCHED
from xcrystal.crystal.reading import as_list, check_structure, encodable, read_structure
from xcrystal.errors import (
    CapabilityError,
    DatasetError,
    InvalidCrystalError,
    ModelError,
    UnsupportedCrystalError,
    XCrystalError,
)
from xcrystal.generator import CrystalModel
from xcrystal.protocols import LACKS, Capable, Decodes, Encodes, Known, Predicts, as_vectors

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.crystal.symmetry.canonical import Canonical
    from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
    from xcrystal.model.prior import LatentFlow

MOST_ATOMS = 100  # in a primitive cell, unless a model says otherwise
NEAREST = "nearest known"  # how a known crystal that stands for a decode was chosen


class Explorable(Protocol):
    """A model as the explorer uses it: ours, and yours once it is wrapped.

    All of its methods are there whatever the model can do; ``lacks`` says which of them need a capability that it does
    not have, and these then raise CapabilityError.
    """

    @property
    def name(self) -> str: ...
    @property
    def latent_dim(self) -> int: ...
    @property
    def spread(self) -> float: ...
    @property
    def properties(self) -> tuple[str, ...]: ...
    @property
    def facts(self) -> dict[str, Any]: ...
    @property
    def prior(self) -> LatentFlow | None: ...
    @property
    def has_prior(self) -> bool: ...
    @property
    def limits(self) -> tuple[int, int]: ...
    @property
    def max_atoms(self) -> int: ...
    @property
    def code(self) -> str: ...

    def lacks(self, capability: str) -> str:
        """Why the model cannot do something, in one sentence; empty if it can."""
        ...

    def require(self, capability: str) -> None:
        """Raise CapabilityError if the model cannot do it."""
        ...

    def with_known(self, atlas: Known) -> Self:
        """The model together with the atlas that it is explored in."""
        ...

    def canonical(self, source: Any) -> Canonical:
        """The canonical form of one crystal that can be encoded."""
        ...

    def encode(self, structures: Iterable[Any] | Any) -> np.ndarray:
        """Latent vectors (n, latent_dim) float32 of crystals."""
        ...

    def encode_canonical(self, crystals: Sequence[WyckoffCrystal]) -> np.ndarray:
        """Latent vectors (n, latent_dim) float32 of crystals in canonical form."""
        ...

    def decode(
        self,
        z: Any,
        effort: str = "normal",
        group: int | None = None,
        *,
        on_step: Callable[[], None] | None = None,
    ) -> list[Structure]:
        """Crystals of latent vectors (n, latent_dim)."""
        ...

    def predict(self, z: Any) -> dict[str, np.ndarray]:
        """Properties (n,) of latent vectors (n, latent_dim), by name."""
        ...

    def known_intervals(self, z: Any) -> dict[str, np.ndarray]:
        """90 % intervals (n, 2) of predicted properties by name, of those for which they are known."""
        ...

    def known_nonzero(self, z: Any) -> dict[str, np.ndarray]:
        """Probabilities (n,) that predicted properties are not zero, by name, of those for which they are known."""
        ...

    def sample_latent(self, n: int, seed: int = 0) -> np.ndarray:
        """Draws (n, latent_dim) from the prior."""
        ...

    def vectors(self, z: Any) -> np.ndarray:
        """Latent vectors as (n, latent_dim) float32; raises InvalidCrystalError for anything else."""
        ...

    def warn_of_elements(self, crystals: Sequence[WyckoffCrystal], stacklevel: int) -> None:
        """Warn of elements that the model hardly saw in training."""
        ...


class LatentModel(Capable):
    """Any model with ``encode`` or ``decode`` (see ``xcrystal.protocols``), as the explorer uses models.

    Parameters
    ----------
    model
        The object.
    name
        What it is called.
    max_atoms
        The most atoms in a primitive cell that it encodes.

    Attributes
    ----------
    model
        The object that was given.
    properties
        Names of what it predicts; known once it has an atlas.
    facts
        Nothing; ours tell here how they were trained.
    prior
        None; ours may have a learned one.

    Raises
    ------
    ModelError
        If the object has neither ``encode`` nor ``decode``, or is a class, or ``latent_dim`` is no whole number.
    """

    prior: LatentFlow | None = None
    has_prior = False

    def __init__(self, model: Any, name: str, max_atoms: int = MOST_ATOMS) -> None:
        kinds = {"encode": Encodes, "decode": Decodes, "predict": Predicts}
        self.capabilities = frozenset(capability for capability, kind in kinds.items() if isinstance(model, kind))
        if not self.capabilities & {"encode", "decode"}:
            raise ModelError(f"{name!r} is no latent model: it has neither encode nor decode.")
        self.model, self.name = model, name
        self.max_atoms = self.max_orbits = int(max_atoms)  # as many orbits as atoms, in a crystal without symmetry
        if isinstance(model, type):
            raise ModelError(f"{name!r} is a class; give an object of it, such as {model.__name__}().")
        size = getattr(model, "latent_dim", None) or 0
        if not isinstance(size, (int, np.integer)) or size < 0:
            raise ModelError(f"The model {name!r} says no whole number for its latent_dim.")
        self.latent_dim = int(size)
        self.properties: tuple[str, ...] = ()
        self.facts: dict[str, Any] = {}
        self._known: Known | None = None

    def __repr__(self) -> str:
        return f"LatentModel({self.name!r}, {', '.join(sorted(self.capabilities))})"

    @property
    def code(self) -> str:
        """The variable that a user is likely to have it in."""
        return "model"

    def with_known(self, atlas: Known) -> Self:
        """A copy that has known crystals to fall back on, and knows what it predicts.

        Raises
        ------
        DatasetError
            If the atlas is of another model, or keeps no crystals though there is no decoder.
        ModelError
            If ``predict`` fails.
        """
        bound = copy(self)
        bound.latent_dim = bound.latent_dim or atlas.z.shape[1]
        super(LatentModel, bound).with_known(atlas)
        bound._known = atlas
        bound.spread = float(np.sqrt(atlas.z.var(axis=0, dtype=np.float64).mean())) or 1.0
        if "decode" not in self.capabilities and atlas.structure(0) is None:
            raise DatasetError(
                f"{self.lacks('decode').rstrip('.')}, but the atlas {atlas.name} keeps no crystals; "
                "xcrystal.build_atlas makes one that does."
            )
        if "predict" in self.capabilities:
            bound.properties = tuple(bound.predict(atlas.z[:1]))
        return bound

    # -- encoding

    def encode(self, structures: Iterable[Any] | Any) -> np.ndarray:
        """Codes (n, latent_dim) float32 of Structures or paths of crystal files.

        Raises
        ------
        CapabilityError
            If the model has no ``encode``.
        ReadError, InvalidCrystalError, UnsupportedCrystalError
            For the first crystal that cannot be encoded.
        ModelError
            If the model's own ``encode`` fails.
        """
        self.require("encode")
        return self.encode_canonical([self.canonical(source).crystal for source in as_list(structures)])

    def canonical(self, source: Any) -> Canonical:
        """The canonical form of one crystal that can be encoded."""
        if reason := self.lacks("encode"):
            raise UnsupportedCrystalError(reason)
        return encodable(read_structure(source), *self.limits)

    def encode_canonical(self, crystals: Sequence[WyckoffCrystal]) -> np.ndarray:
        """Codes (n, latent_dim) float32 of crystals in canonical form."""
        self.require("encode")
        if not crystals:
            return np.zeros((0, self.latent_dim), dtype=np.float32)
        given = self._ask("encode", self.model.encode, [crystal.to_structure() for crystal in crystals])
        codes = self._numbers("encode", given)
        if codes.ndim != 2 or len(codes) != len(crystals) or (self.latent_dim and codes.shape[1] != self.latent_dim):
            size = self.latent_dim or "d"
            raise ModelError(
                f"The model {self.name!r} gives latent vectors of the shape {codes.shape} for {len(crystals)} "
                f"crystals, not ({len(crystals)}, {size})."
            )
        if not np.isfinite(codes).all():
            raise ModelError(f"The model {self.name!r} gives a latent vector that is not finite.")
        self.latent_dim = codes.shape[1]
        return codes.astype(np.float32)

    # -- decoding

    def decode(
        self,
        z: Any,
        effort: str = "normal",
        group: int | None = None,
        *,
        on_step: Callable[[], None] | None = None,
    ) -> list[Structure]:
        """The crystal of each latent vector; where there is none, the nearest known one, and ``properties["notice"]``
        says so.

        Parameters
        ----------
        z
            (n, latent_dim) or (latent_dim,), finite.
        effort, on_step
            Make no difference: the model decides alone.
        group
            Nothing else than None, since the model cannot be asked for a space group.

        Returns
        -------
        list of Structure
            Standardized primitive cells with ``properties["space_group"]`` and the site properties ``wyckoff`` and
            ``orbit``, as ``CrystalModel.decode`` gives.

        Raises
        ------
        CapabilityError, InvalidCrystalError, ModelError
            If a space group is asked for, ``z`` is not as above, or there is neither a crystal nor a known one.
        """
        if group is not None:
            self.require("runners_up")
        vectors = self.vectors(z)
        if "decode" not in self.capabilities:
            return [self._nearest(vector, self.lacks("decode")) for vector in vectors]
        try:
            found = self._decoded(vectors)
        except ModelError:
            if len(vectors) > 1:  # one bad latent vector must not cost the others their crystals
                return [self.decode(vector)[0] for vector in vectors]
            found = [None]
            if self._known is None:
                raise
        return [self._checked(one, vector) for one, vector in zip(found, vectors, strict=True)]

    def _decoded(self, vectors: np.ndarray) -> Sequence[Any]:
        found = self._ask("decode", self.model.decode, vectors)
        if not isinstance(found, Sequence) or len(found) != len(vectors):
            raise ModelError(
                f"The model {self.name!r} does not decode {len(vectors)} latent vectors to as many crystals."
            )
        return found

    def _checked(self, decoded: Any, vector: np.ndarray) -> Structure:
        try:
            return _standard(check_structure(decoded))
        except (XCrystalError, AttributeError, TypeError) as error:
            reason = str(error) if isinstance(error, XCrystalError) else "It gives no Structure."
            if self._known is None:
                raise ModelError(f"The model {self.name!r} decodes to no crystal: {reason}") from error
            said = f"The model {self.name!r} decodes nothing that is a crystal here: the nearest known one is drawn."
            return self._nearest(vector, said)

    def _nearest(self, vector: np.ndarray, notice: str) -> Structure:
        known = self._known
        row = None if known is None else int(known.neighbours(vector, 1)[0][0, 0])
        structure = None if known is None or row is None else known.structure(row)
        if structure is None or known is None:
            raise ModelError(f"{notice} There is no atlas that keeps its crystals.")
        found = _standard(structure)
        name = str(known.table["material_id"].iat[row])
        found.properties |= {"chosen": NEAREST, "notice": f"{notice.rstrip('.')}, {name}."}
        return found

    # -- predicting

    def predict(self, z: Any) -> dict[str, np.ndarray]:
        """Properties (n,) float64 of latent vectors by name; {} if the model has no ``predict``.

        Raises
        ------
        InvalidCrystalError, ModelError
            If ``z`` is not as for ``decode``, or the model's own ``predict`` fails.
        """
        vectors = self.vectors(z)
        if "predict" not in self.capabilities:
            return {}
        found = self._ask("predict", self.model.predict, vectors)
        if not isinstance(found, Mapping):
            raise ModelError(f"The model {self.name!r} predicts a {type(found).__name__}, not a dict of arrays.")
        values = {str(name): self._numbers("predict", column) for name, column in found.items()}
        wrong = [name for name, column in values.items() if column.shape != (len(vectors),)]
        if wrong:
            raise ModelError(f"The model {self.name!r} does not predict one {wrong[0]!r} for each latent vector.")
        return values

    def predict_interval(self, z: Any, level: float = 0.9) -> dict[str, np.ndarray]:
        """Raise CapabilityError: of a model of your own no intervals (n, 2) are known."""
        raise CapabilityError(f"The model {self.name!r} knows no intervals of properties.")

    def sample_latent(self, n: int, seed: int = 0) -> np.ndarray:
        """Raise CapabilityError: there is no prior to draw (n, latent_dim) from."""
        self.require("sample")
        raise NotImplementedError

    def vectors(self, z: Any) -> np.ndarray:
        """Codes as (n, latent_dim) float32.

        Raises
        ------
        InvalidCrystalError
            If they have another shape or are not finite.
        """
        return as_vectors(z, self.latent_dim or None).astype(np.float32)

    # -- inside

    def warn_of_elements(self, crystals: Sequence[WyckoffCrystal], stacklevel: int) -> None:
        """Which elements it has hardly seen is not known."""

    def _ask(self, what: str, method: Callable[[Any], Any], given: Any) -> Any:
        try:
            return method(given)
        except Exception as error:  # it is not our code
            raise ModelError(f"The model {self.name!r} fails to {what}: {type(error).__name__}: {error}") from error

    def _numbers(self, what: str, given: Any) -> np.ndarray:
        try:
            return np.asarray(given, dtype=np.float64)
        except (TypeError, ValueError, RuntimeError) as error:
            raise ModelError(f"The model {self.name!r} does not {what} to an array of numbers: {error}.") from error


def wrap_model(model: Any, name: str | None = None, max_atoms: int | None = None) -> CrystalModel | LatentModel:
    """A model of one's own, ready to be explored; ``explore`` and ``build_atlas`` do this by themselves.

    Parameters
    ----------
    model
        An object with ``encode`` or ``decode``, and perhaps ``predict``; see ``xcrystal.protocols``. Our own models are
        returned as they are.
    name
        What it is called; by default its ``name``, or its class's.
    max_atoms
        The most atoms in a primitive cell that it encodes; by default its ``max_atoms``, or 100.

    Raises
    ------
    ModelError
        If it has neither ``encode`` nor ``decode``.
    """
    if isinstance(model, (CrystalModel, LatentModel)):
        return model
    kind = model if isinstance(model, type) else type(model)
    called = name or getattr(model, "name", None) or kind.__name__
    most: Any = max_atoms or getattr(model, "max_atoms", None) or MOST_ATOMS
    return LatentModel(model, str(called), int(most))


def differentiable(model: Explorable) -> CrystalModel:
    """The model as one of ours, through which gradients are known.

    Raises
    ------
    CapabilityError
        If it is a model of your own, which gives none.
    """
    if isinstance(model, CrystalModel):
        return model
    model.require("gradients")
    raise CapabilityError(f"The model {model.name!r} {LACKS['gradients']}.")


def _standard(structure: Structure) -> Structure:
    """The standardized primitive cell with its space group and orbits; P1 where no symmetry can be found."""
    from xcrystal.crystal.symmetry.canonical import canonicalize

    try:
        if len(structure) > MAX_SEARCHED:
            raise InvalidCrystalError("Too large to look for symmetry.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return canonicalize(structure).crystal.to_structure()
    except InvalidCrystalError:
        plain = structure.copy()
        plain.properties["space_group"] = 1
        plain.add_site_property("orbit", list(range(len(plain))))
        plain.add_site_property("wyckoff", ["1a"] * len(plain))
        return plain
