"""A model that a server computes: the same class as a local one, with what a network does asked for at one seam.

No weights are read here, and torch is not imported, until something needs them: gradients, or that the server is gone.
"""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.collections.tables import PROPERTIES
from xcrystal.errors import CheckpointError, ServerWarning
from xcrystal.generator import CrystalModel, model_folder, open_model, to_structure
from xcrystal.model.decoded import Decoded
from xcrystal.model.digests import digest_of, weights_digest
from xcrystal.predicting import CHUNK, INTERVALS, NONZERO, VALUES
from xcrystal.served.connection import Connection, RequestFailed, ServerGone, mark_of
from xcrystal.served.wire import Arrays, read_ragged, read_records, write_records

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal

AGAIN = 30.0  # seconds after which a server that was gone is asked again
_THOROUGH = 600.0  # seconds that a long search may take
_OF_WEIGHTS = ("network", "prior", "corrector", "device")


class ServedModel(CrystalModel):
    """A model that a server computes, and the one here where the server is gone.

    Parameters
    ----------
    name
        Of the model here that takes over.
    device
        Where it then runs.
    connection
        To the server.
    about
        What the server says of its model.
    """

    def __init__(self, name: str, device: str, connection: Connection, about: Mapping[str, Any]) -> None:
        self._connection, self._device, self._about = connection, device, dict(about)
        connection.model = mark_of(about)
        self._opened: CrystalModel | None = None
        self._lock = threading.Lock()
        self._asked_last: float | None = None  # of a server that is gone
        self._gone = ""
        self._predicted: tuple[tuple[bytes, float], Arrays] | None = None
        self._describe(
            name, about["facts"], int(about["latent_dim"]), int(about["max_atoms"]), int(about["max_orbits"])
        )

    def __repr__(self) -> str:
        where = "here, as the server is gone" if self._gone else f"at {self._connection.address}"
        return f"CrystalModel({self.name!r}, latent_dim={self.latent_dim}, served {where})"

    def __getattr__(self, name: str) -> Any:
        if name in _OF_WEIGHTS:
            return getattr(self.local(), name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def address(self) -> str:
        """Of the server."""
        return self._connection.address

    @property
    def gone(self) -> str:
        """Why the model here stands in for the server, in one sentence; empty while the server answers."""
        return self._gone

    @property
    def digest(self) -> str:
        """What tells its weights from others."""
        return str(self._about["digest"])

    @property
    def has_prior(self) -> bool:
        """Whether it has a learned prior."""
        return bool(self._about["prior"])

    @property
    def calibrated(self) -> tuple[str, ...]:
        """Names of the properties whose intervals are known."""
        return tuple(name for name in PROPERTIES if name in self._about["calibrated"])

    def local(self) -> CrystalModel:
        """The model here, read once something needs it.

        Raises
        ------
        CheckpointError
            If there is none.
        """
        with self._lock:
            if self._opened is None:
                self._opened = open_model(self.name, self._device, server="")
            return self._opened

    # -- the seam: what a network does

    def _posterior(self, crystals: Sequence[WyckoffCrystal]) -> tuple[np.ndarray, np.ndarray]:
        answer = self._ask("encode", {}, write_records(crystals)[1])
        if answer is None:
            return super()._posterior(crystals)
        return answer[1]["mean"], answer[1]["deviation"]

    def _decoded(
        self, z: np.ndarray, effort: str, group: int | None, on_step: Callable[[], None] | None
    ) -> list[Decoded]:
        wanted = {"effort": effort, "group": None if group is None else int(group)}
        answer = self._ask("decode", wanted, {"z": z}, on_step, _THOROUGH if effort == "thorough" else None)
        if answer is None:
            return super()._decoded(z, effort, group, on_step)
        return read_records(Decoded, answer[0]["texts"], answer[1])

    def _said(self, z: np.ndarray, what: str, level: float = 0.9) -> np.ndarray:
        if not len(z):
            shape = {VALUES: (3,), INTERVALS: (3, 2), NONZERO: (2,)}[what]
            return np.zeros((0, *shape))
        if len(z) > CHUNK:
            return np.concatenate([self._said(z[i : i + CHUNK], what, level) for i in range(0, len(z), CHUNK)])
        # an explorer asks for all three of a latent vector, one after another
        key, kept = (z.tobytes(), level), self._predicted
        if kept is None or kept[0] != key:
            answer = self._ask("predict", {"level": level}, {"z": z})
            if answer is None:
                return super()._said(z, what, level)
            kept = self._predicted = key, answer[1]
        return kept[1][what].copy()

    def _carried(self, normal: np.ndarray) -> np.ndarray:
        parts = [normal[:0]]
        for start in range(0, len(normal), CHUNK):
            some = normal[start : start + CHUNK]
            answer = self._ask("sample", {}, {"z": some})
            parts.append(super()._carried(some) if answer is None else answer[1]["z"])
        return np.concatenate(parts)

    def scores(self, crystals: Sequence[WyckoffCrystal], options: Mapping[str, Any]) -> dict[str, Any] | None:
        """What ``xcrystal.explanation.batches.Scores`` holds for crystals; None where they are to be computed here.

        Parameters
        ----------
        options
            ``target``, ``method``, ``level``, ``baseline`` and ``seed`` of ``score_crystals``.
        """
        answer = self._ask("explain", options, write_records(crystals)[1])
        if answer is None:
            return None
        message, arrays = answer
        sampled = iter(read_ragged("standard_errors", arrays))
        return {
            "values": read_ragged("values", arrays),
            "names": message["names"],
            "target_values": arrays["target_values"],
            "baseline_values": arrays["baseline_values"],
            "standard_errors": [next(sampled) if known else None for known in message["sampled"]],
        }

    def decode(
        self,
        z: Any,
        effort: str = "normal",
        group: int | None = None,
        *,
        on_step: Callable[[], None] | None = None,
        choose: bool | None = None,
    ) -> list[Structure]:
        """As of a local model; while the server is gone, ``properties["notice"]`` says so."""
        if choose is not None:
            return super().decode(z, effort, group, on_step=on_step, choose=choose)
        found = [to_structure(d) for d in self.decode_arrays(z, effort, group, on_step)]
        for structure in found if self._gone else ():
            structure.properties["notice"] = self._gone
        return found

    # -- whether there is a server

    def _ask(
        self,
        kind: str,
        message: Mapping[str, Any],
        arrays: Mapping[str, np.ndarray],
        on_step: Callable[[], None] | None = None,
        patience: float | None = None,
    ) -> tuple[dict[str, Any], Arrays] | None:
        """What the server answers; None if it is gone, or this is to be computed here."""
        if not self._is_there():
            return None
        try:
            return self._connection.ask(kind, message, arrays, on_step, patience)
        except ServerGone as error:
            self._lose(str(error))
        except RequestFailed:
            pass
        return None

    def _is_there(self) -> bool:
        with self._lock:
            if self._asked_last is None:
                return True
            if time.monotonic() - self._asked_last < AGAIN:
                return False
            self._asked_last = time.monotonic()
        try:
            about = self._connection.about()
        except ServerGone:
            return False
        if about.get("digest") != self.digest or about.get("fitted") != self._about["fitted"]:
            return False  # another model than before
        self._asked_last, self._gone = None, ""
        return True

    def _lose(self, reason: str) -> None:
        with self._lock:
            first, self._asked_last = self._asked_last is None, time.monotonic()
            self._gone = f"The model server at {self.address} is gone ({reason.rstrip('.')}): the model here goes on."
        if first:
            warnings.warn(self._gone, ServerWarning, stacklevel=5)


def open_served(name: str, device: str, address: str) -> ServedModel:
    """The model of a server.

    Raises
    ------
    CheckpointError
        If the server does not answer, refuses the token, or has another model than there is here under that name.
    """
    connection = _connection(address)
    try:
        about = connection.about()
    except ServerGone as error:
        raise CheckpointError(f"The model server at {connection.address} cannot be used: {error}.") from error
    if difference := _difference(name, about):
        raise CheckpointError(f"The model server at {connection.address} {difference}.")
    return ServedModel(name, device, connection, about)


def served_by_default(name: str, device: str) -> ServedModel | None:
    """The model of the server that XCRYSTAL_SERVER names; None if there is none, or it has not this model.

    Warns
    -----
    ServerWarning
        If it does not answer, or has other weights of the same name.

    Raises
    ------
    CheckpointError
        If that is no address.
    """
    address = os.environ.get("XCRYSTAL_SERVER", "")
    if not address:
        return None
    try:
        connection = _connection(address)
    except CheckpointError as error:
        raise CheckpointError(f"XCRYSTAL_SERVER: {error}") from error
    try:
        about = connection.about()
        difference = _difference(name, about)
        if difference and about.get("name") != name:
            return None
    except ServerGone as error:
        difference = f"cannot be used ({str(error).rstrip('.')})"
    if difference:
        said = f"The model server at {connection.address} {difference}: the model here is used."
        warnings.warn(said, ServerWarning, stacklevel=4)
        return None
    return ServedModel(name, device, connection, about)


def fitted_digests(name: str) -> dict[str, str]:
    """What tells the files of a model's folder from others that answers depend on, beside the weights.

    Raises
    ------
    CheckpointError
        If there is no model.
    """
    folder = model_folder(name)
    files = ("properties.safetensors", "corrector.safetensors", "prior.safetensors", "baseline.safetensors")
    there = [folder / file for file in files if (folder / file).is_file()]
    return {path.stem: digest_of(path) for path in there}


def _connection(address: str) -> Connection:
    token = os.environ.get("XCRYSTAL_SERVER_TOKEN", "")
    given = os.environ.get("XCRYSTAL_SERVER_PATIENCE") or "60"
    try:
        patience = float(given)
    except ValueError:
        patience = 0.0
    if not 0.1 <= patience <= 86_400:
        raise CheckpointError(f"XCRYSTAL_SERVER_PATIENCE is a number of seconds from 0.1 on, not {given[:40]!r}.")
    return Connection(address, token, patience)


def _difference(name: str, about: Mapping[str, Any]) -> str:
    """What is wrong with a server's model for who asks for ``name``; empty if nothing is."""
    wanted = {"name", "digest", "fitted", "facts", "latent_dim", "max_atoms", "max_orbits", "prior", "calibrated"}
    if not wanted <= set(about) or not isinstance(about["facts"], dict):
        return "is no server of this version of xcrystal"
    try:
        folder = model_folder(name)
    except CheckpointError:
        return "" if about["name"] == name else f"has the model {about['name']!r}, not {name!r}"
    if about["digest"] != weights_digest(folder):
        return f"has the model {about['name']!r} with other weights ({about['digest']}) than {name!r} has here"
    if about["fitted"] != fitted_digests(name):
        return f"has the model {about['name']!r} with other properties, corrections or prior than {name!r} has here"
    return ""
