"""What a trained model predicts from latent vectors: values, intervals, and probabilities of not being zero."""

from __future__ import annotations

import math
import warnings
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from xcrystal.crystal.collections.tables import PROPERTIES
from xcrystal.errors import CheckpointError, InvalidCrystalError
from xcrystal.protocols import Capable

if TYPE_CHECKING:
    import torch

    from xcrystal.model.vae import CrystalVAE

CHUNK = 256  # crystals that a network is given at once
VALUES, INTERVALS, NONZERO = "values", "intervals", "nonzero"


class PropertyPredictor(Capable):
    """The part of a model that predicts.

    Attributes
    ----------
    network
        Its ``properties`` is the head: the jointly trained one, or the fitted ensemble.
    device
        Where it is.
    properties
        Names of the properties that its data taught it.
    """

    network: CrystalVAE
    device: torch.device
    properties: tuple[str, ...]

    @abstractmethod
    def vectors(self, z: Any) -> np.ndarray:
        """Latent vectors (n, latent_dim) float32 that were checked."""

    @overload
    def predict(self, z: Any, return_std: Literal[False] = False) -> dict[str, np.ndarray]: ...

    @overload
    def predict(self, z: Any, return_std: Literal[True]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]: ...

    def predict(
        self, z: Any, return_std: bool = False
    ) -> dict[str, np.ndarray] | tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Predict properties of latent vectors.

        Parameters
        ----------
        z
            (n, latent_dim), or one of (latent_dim,).
        return_std
            Deprecated: also give half the lengths of the 68 % intervals. Errors of gap and hull distance have no
            standard deviation that would say enough; see ``predict_interval``.

        Returns
        -------
        dict, or tuple of two dict
            ``formation_energy_per_atom`` (eV/atom), ``band_gap`` (eV, PBE), ``e_above_hull`` (eV/atom), each (n,)
            float64; the last two are never negative; only those in ``properties``.

        Raises
        ------
        InvalidCrystalError
            If ``z`` has another shape or is not finite.
        """
        values = self._columns(self._said(self.vectors(z), VALUES))
        if not return_std:
            return values
        warnings.warn(
            "return_std is deprecated and will go; predict_interval gives intervals.", DeprecationWarning, stacklevel=2
        )
        ranges = self.predict_interval(z, math.erf(math.sqrt(0.5)))
        return values, {name: 0.5 * (bounds[:, 1] - bounds[:, 0]) for name, bounds in ranges.items()}

    @property
    def knows_intervals(self) -> bool:
        """Whether its properties were fitted, so that ``predict_interval`` and ``predict_nonzero`` say something."""
        return bool(self.calibrated)

    @property
    def calibrated(self) -> tuple[str, ...]:
        """Names of the properties whose intervals are known."""
        return tuple(PROPERTIES[k] for k in self.network.properties.calibrations)

    def predict_interval(self, z: Any, level: float = 0.9) -> dict[str, np.ndarray]:
        """Intervals that hold the true properties of crystals with a given probability.

        They promise what they say for crystals like those that they were calibrated on, which the encoder had not seen,
        and do so for crystals without and with a gap (on and above the hull) separately; how is said in
        ``xcrystal.model.intervals``.

        Parameters
        ----------
        z
            As for ``decode``.
        level
            The probability, between 0 and 1. More than 1 - 1/n cannot be told from n crystals; the interval that just
            holds them all stands for such levels.

        Returns
        -------
        dict
            By property (n, 2) float64, the lowest and the highest value, in the units of ``predict``, whose value lies
            between them. The interval of a gap or a hull distance begins at 0 if at this level it may be zero.

        Raises
        ------
        InvalidCrystalError
            If ``z`` has another shape or is not finite, or the level is not between 0 and 1.
        CheckpointError
            If the model's properties have not been fitted.
        """
        if not 0 < level < 1:
            raise InvalidCrystalError(f"The level of an interval is between 0 and 1, not {level}.")
        self._require_fitted()
        found = self._columns(self._said(self.vectors(z), INTERVALS, float(level)))
        return {name: bounds for name, bounds in found.items() if name in self.calibrated}

    def predict_nonzero(self, z: Any) -> dict[str, np.ndarray]:
        """Probabilities that crystals have a gap, and that they lie above the hull, by more than 0.001 eV (per atom).

        Returns
        -------
        dict
            ``band_gap`` and ``e_above_hull``, each (n,) float64; only those in ``properties``.

        Raises
        ------
        InvalidCrystalError
            If ``z`` has another shape or is not finite.
        CheckpointError
            If the model's properties have not been fitted.
        """
        self._require_fitted()
        numbers = self._said(self.vectors(z), NONZERO)
        return {name: numbers[:, k] for k, name in enumerate(PROPERTIES[1:]) if name in self.properties}

    def known_intervals(self, z: Any) -> dict[str, np.ndarray]:
        """The 90 % intervals (n, 2) of ``predict_interval``, or {} of a model that knows none."""
        return self.predict_interval(z) if self.knows_intervals else {}

    def known_nonzero(self, z: Any) -> dict[str, np.ndarray]:
        """The probabilities (n,) of ``predict_nonzero``, or {} of a model that knows none."""
        return self.predict_nonzero(z) if self.knows_intervals else {}

    def _require_fitted(self) -> None:
        if self.knows_intervals:
            return
        if not self.properties:
            raise CheckpointError(f"The model {self.name!r} has learned no properties: its training data had none.")
        raise CheckpointError(
            f"The model {self.name!r} knows no intervals of properties; "
            f"fit them with: xcrystal fit-properties --model {self.name} --data FOLDER"
        )

    def _said(self, z: np.ndarray, what: str, level: float = 0.9) -> np.ndarray:
        """What the head says of latent vectors (n, latent_dim), float64.

        Of all PROPERTIES their ``VALUES`` (n, 3) and ``INTERVALS`` (n, 3, 2) at a level, of the last two the
        probabilities of being ``NONZERO`` (n, 2).
        """
        import torch

        from xcrystal.model.device import FEW, one_thread
        from xcrystal.model.properties import PropertyEnsemble

        head = self.network.properties
        vectors = torch.from_numpy(z).to(self.device)
        with torch.inference_mode(), one_thread(len(vectors) <= FEW):
            found = []
            for part in vectors.split(CHUNK):
                if what == VALUES:
                    found.append(head(part))
                else:
                    assert isinstance(head, PropertyEnsemble)
                    found.append(head.intervals(part, level) if what == INTERVALS else head.predict(part).nonzero)
        return np.asarray(torch.cat(found).float().cpu().numpy(), dtype=np.float64)

    def _columns(self, numbers: np.ndarray) -> dict[str, np.ndarray]:
        return {name: numbers[:, PROPERTIES.index(name)] for name in self.properties}
