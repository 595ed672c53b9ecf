"""Steering: raise or lower a property in small steps through latent space, and judge each step by the crystal it gives.

A property's head can be driven to any value by a latent vector that no crystal is encoded to. So a step counts only by
what comes out: the vector is decoded, the crystal is encoded again, and the property predicted at its own latent vector
must be better than before, within the trust region of the data, without overlapping atoms, and with what is to be held
unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.collections.tables import PROPERTIES
from xcrystal.crystal.geometry.contacts import SHORT_CONTACT
from xcrystal.errors import InvalidCrystalError, TargetError
from xcrystal.latent.density import INSIDE, Density

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas
    from xcrystal.model.decoded import Decoded

DIRECTIONS = ("lower", "higher")
HOLDS = ("elements", "space_group")
LENGTHS = (0.5, 1.0, 2.0, 3.5, 5.0)  # of steps along a gradient; known crystals lie 4 to 10 from their neighbours
REACHES = (5.0, 8.0)  # of a step between two crystals' latent vectors: small, so that it can be followed, else a leap
_SHARES = (0.4, 0.8)  # of the way to a known crystal
_SNAP = 0.2
_JITTER = 0.25  # of a random step, in standard deviations of the latent vectors
_SEARCHED, _TARGETS, _DRAWS = 256, 4, 6
_TRIED = 3  # candidates that are looked at with all care
NOISE = {"formation_energy_per_atom": 2e-3, "band_gap": 1e-2, "e_above_hull": 5e-4}  # smaller gains are none


@dataclass(frozen=True, eq=False)
class Step:
    """A latent vector that steering reached.

    Attributes
    ----------
    number
        0 for the beginning.
    z
        (Z,) float32 latent vector.
    structure
        Its decode.
    value
        The target, predicted at the decoded crystal's own latent vector.
    quantile
        Share of known crystals that lie nearer to the data than that latent vector.
    distance
        Between the latent vectors of this step and the one before.
    """

    number: int
    z: np.ndarray
    structure: Structure
    value: float
    quantile: float
    distance: float


@dataclass(frozen=True)
class _Place:
    z: np.ndarray
    decoded: Decoded
    code: np.ndarray
    value: float
    quantile: float

    @property
    def elements(self) -> frozenset[int]:
        return frozenset(self.decoded.element.tolist())


class Steering:
    """Steps towards lower or higher values of a property, one at each ``next``.

    Parameters and errors as for ``steer``; the latent vector ``z`` is (Z,).

    Attributes
    ----------
    start
        Where it begins: the latent vector as it was given, with the value at its crystal's own latent vector.
    reason
        Why there are no more steps; empty before the end.
    """

    def __init__(
        self,
        model: CrystalModel,
        atlas: Atlas,
        z: np.ndarray,
        target: str,
        direction: str = "lower",
        steps: int = 10,
        hold: frozenset[str] = frozenset(HOLDS),
        seed: int = 0,
    ) -> None:
        if target not in model.properties:
            known = ", ".join(model.properties) or "none, for this model has learned no properties"
            raise TargetError(f"There is no property {target!r} to steer; there are: {known}.")
        if direction not in DIRECTIONS:
            raise TargetError(f"A property becomes lower or higher, not {direction!r}.")
        if unknown := sorted(set(hold) - set(HOLDS)):
            raise TargetError(f"There is no {unknown[0]!r} to hold; there are: {', '.join(HOLDS)}.")
        if steps < 1:
            raise InvalidCrystalError(f"Steering takes at least one step, not {steps}.")
        self.model, self.atlas, self.target, self.steps, self.hold = model, atlas, target, steps, frozenset(hold)
        self.reason = ""
        self._column, self._sign = PROPERTIES.index(target), -1.0 if direction == "lower" else 1.0
        self._density = Density.of(atlas)
        self._rng = np.random.default_rng(seed)
        vector = model.vectors(z)[0]
        found = self._looked_at(vector[None])
        if not found:
            raise InvalidCrystalError("The crystal of this latent vector cannot be encoded, so it cannot be steered.")
        self._here = self._first = found[0]
        self.start = self._step(0, self._here, 0.0)
        # who begins outside of the data may stay as far outside
        self._farthest = max(INSIDE, self._here.quantile)
        self._iterator = self._walk()

    def __iter__(self) -> Iterator[Step]:
        return self

    def __next__(self) -> Step:
        return next(self._iterator)

    def _walk(self) -> Iterator[Step]:
        for number in range(1, self.steps + 1):
            best = self._better()
            if best is None:
                held = " that holds the " + " and the ".join(self._held()) if self.hold else ""
                self.reason = f"no better crystal{held} was found near this one"
                return
            distance = float(np.linalg.norm(best.z - self._here.z))
            self._here = best
            yield self._step(number, best, distance)
        self.reason = "all steps were taken"

    def _held(self) -> list[str]:
        return [name.replace("_", " ") for name in HOLDS if name in self.hold]

    def _step(self, number: int, place: _Place, distance: float) -> Step:
        from xcrystal.generator import to_structure

        return Step(number, place.z, to_structure(place.decoded), place.value, place.quantile, distance)

    # -- one step ------------------------------------------------------------------------------------------------

    def _better(self) -> _Place | None:
        """The best of the careful look at the most promising candidates, or None."""
        from xcrystal.model.choosing import contact_ratios

        candidates = self._candidates()
        decoded = self.model.decode_arrays(candidates, effort="fast")
        allowed = [k for k, crystal in enumerate(decoded) if self._holds(crystal)]
        allowed = [k for k, ratio in zip(allowed, contact_ratios([decoded[k] for k in allowed]), strict=True)
                   if ratio >= SHORT_CONTACT]  # fmt: skip
        if not allowed:
            return None
        codes = self.model.encode_canonical([decoded[k].crystal for k in allowed])
        gain = self._gain(self.model.predict(codes)[self.target])
        gain[self._density.quantiles(codes) > self._farthest] = -np.inf
        far = np.linalg.norm(codes - self._here.code, axis=1)
        for reach in REACHES:
            promising = np.flatnonzero((gain > NOISE[self.target]) & (far <= reach))
            best = promising[np.argsort(-gain[promising], kind="stable")[:_TRIED]]
            # a crystal's own latent vector is where its property is predicted, so that is where to go
            places = [place for place in self._looked_at(codes[best]) if self._fits(place, reach)]
            if places:
                return max(places, key=lambda place: self._sign * place.value)
        return None

    def _gain(self, values: np.ndarray) -> np.ndarray:
        return np.asarray(self._sign * (values - self._here.value))

    def _fits(self, place: _Place, reach: float) -> bool:
        from xcrystal.model.choosing import contact_ratios

        better = self._sign * (place.value - self._here.value) > NOISE[self.target]
        near = np.linalg.norm(place.code - self._here.code) <= reach and place.quantile <= self._farthest
        return bool(
            better and near and self._holds(place.decoded) and contact_ratios([place.decoded])[0] >= SHORT_CONTACT
        )

    def _holds(self, crystal: Decoded) -> bool:
        if not len(crystal.element):
            return False
        if "space_group" in self.hold and crystal.group != self._first.decoded.group:
            return False
        return "elements" not in self.hold or frozenset(crystal.element.tolist()) == self._first.elements

    def _looked_at(self, z: np.ndarray) -> list[_Place]:
        """What latent vectors (n, Z) decode to, and the targets at the latent vectors of these crystals."""
        if not len(z):
            return []
        decoded = self.model.decode_arrays(z)
        rows = [k for k, crystal in enumerate(decoded) if len(crystal.element)]
        codes = self.model.encode_canonical([decoded[k].crystal for k in rows])
        if not len(codes):
            return []
        values, quantiles = self.model.predict(codes)[self.target], self._density.quantiles(codes)
        found = zip(rows, codes, values, quantiles, strict=True)
        return [_Place(z[k], decoded[k], code, float(value), float(q)) for k, code, value, q in found]

    # -- where to look -------------------------------------------------------------------------------------------

    def _candidates(self) -> np.ndarray:
        """(n, Z) latent vectors to try: along gradients, towards better known crystals, and at random."""
        here = self._here.code.astype(np.float64)
        slopes = self._gradients()
        along = [here + length * slope for slope in slopes for length in LENGTHS]
        known = self.atlas.z[self._better_known()]
        towards = [here + share * (code - here) for code in known for share in _SHARES]
        noise = self._rng.standard_normal((_DRAWS, len(here))) * _JITTER * self._spread
        about = [here + LENGTHS[1] * slopes[0] + step for step in noise]
        every = np.asarray([*along, *towards, *about], dtype=np.float32)
        if self.model.prior is not None:  # pulled back to where latent vectors are
            every = np.concatenate([every, self.model.snap(every[: len(along)], _SNAP)])
        return every

    def _gradients(self) -> list[np.ndarray]:
        """Unit vectors (Z,) uphill (or down): the gradient itself, and the same in the measure of the data."""
        import torch

        from xcrystal.model.device import one_thread

        network = self.model.network
        with one_thread(), torch.inference_mode(False), torch.enable_grad():
            z = torch.from_numpy(self._here.code[None].astype(np.float32)).to(self.model.device).requires_grad_()
            wanted = self._sign * network.properties(z)[0, self._column]
            kept = []
            if "elements" in self.hold:
                logits = network.decoder.composition(z).log_softmax(dim=-1)[0]
                kept += [logits[element] for element in sorted(self._first.elements)]
            if "space_group" in self.hold:
                kept.append(network.decoder.group(z).log_softmax(dim=-1)[0, self._first.decoded.group])
            rows = [torch.autograd.grad(value, z, retain_graph=True)[0][0] for value in (wanted, *kept)]
        gradient, *held = (row.double().cpu().numpy() for row in rows)
        if held:  # to first order, what is held keeps its probability
            basis = np.linalg.qr(np.array(held).T)[0]
            gradient = gradient - basis @ (basis.T @ gradient)
        return [_unit(gradient), _unit(self._covariance @ gradient)]

    def _better_known(self) -> np.ndarray:
        """Rows of near known crystals that are better and have what is to be held; the best ones."""
        if self.hold:
            rows = self._alike
            if not len(rows):
                return rows
            rows = rows[np.argsort(np.linalg.norm(self.atlas.z[rows] - self._here.code, axis=1))[:_SEARCHED]]
        else:
            rows = self.atlas.neighbours(self._here.code, _SEARCHED // 4)[0][0]
        gain = self._gain(self.model.predict(self.atlas.z[rows])[self.target])
        far = np.linalg.norm(self.atlas.z[rows] - self._here.code, axis=1)
        better = gain > NOISE[self.target]
        # much for little way
        order = np.argsort(-(gain / np.maximum(far, 1.0)) * better, kind="stable")[:_TARGETS]
        return rows[order[better[order]]]

    @cached_property
    def _alike(self) -> np.ndarray:
        """Rows of known crystals that have all that is to be held."""
        keep = np.ones(len(self.atlas), dtype=bool)
        if "space_group" in self.hold and "space_group" in self.atlas.table:
            keep &= self.atlas.table["space_group"].to_numpy() == self._first.decoded.group
        if "elements" in self.hold:
            wanted = self._first.elements
            formulas = self.atlas.row_formulas
            same = [f is not None and len(f) == len(wanted) and {z for z, _ in f} == wanted for f in formulas]
            keep &= np.array(same, dtype=bool)
        return np.flatnonzero(keep)

    @cached_property
    def _covariance(self) -> np.ndarray:
        if len(self.atlas) < 2:
            return np.eye(self.atlas.z.shape[1])
        return np.cov(self.atlas.z, rowvar=False).astype(np.float64)

    @cached_property
    def _spread(self) -> np.ndarray:
        return np.sqrt(np.diag(self._covariance))


def steer(
    model: CrystalModel,
    atlas: Atlas,
    z: np.ndarray,
    target: str,
    direction: str = "lower",
    steps: int = 10,
    hold: frozenset[str] = frozenset(HOLDS),
    seed: int = 0,
) -> Steering:
    """Steps from a latent vector towards lower or higher values of a property.

    Parameters
    ----------
    model, atlas
        What decodes and predicts, and the data that steps keep near to.
    z
        (Z,) where to begin.
    target
        One of the properties that the model predicts.
    direction
        "lower" or "higher".
    steps
        The most there are; there are fewer where nothing better is found.
    hold
        What stays as it is in the crystal of ``z``: "elements" (the set of them, not their numbers), "space_group".
    seed
        Of the random part of the search.

    Returns
    -------
    Steering
        An iterator of ``Step``; each takes about 0.2 s. Its ``start`` is where it begins, its ``reason`` why it ended.

    Raises
    ------
    TargetError
        If there is no such property, direction, or thing to hold.
    InvalidCrystalError
        If ``z`` is no latent vector, or there is no step to take.
    """
    return Steering(model, atlas, z, target, direction, steps, hold, seed)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
