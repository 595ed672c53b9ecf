"""What speaks for and against that a crystal can be made: separate signals, and never a verdict.

None of them was tested on syntheses. What each can tell apart is measured by ``xcrystal evaluate signals``: known
crystals that the model has not seen from crystals drawn from its prior. Many compounds that exist are metastable, or
break the rules of charges; and many that pass all of this have never been made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.assessment.validity import validity
from xcrystal.crystal.reading import read_structure
from xcrystal.errors import TargetError
from xcrystal.latent.density import Density

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymatgen.core import Structure

    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas

HULL = "e_above_hull"


@dataclass(frozen=True)
class Signal:
    """One thing that was looked at.

    Attributes
    ----------
    name
        "hull distance", "charge balance", ...
    value
        A number or a truth value; None if it cannot be told.
    unit
        Of the number.
    favourable
        Whether small or large values are those of crystals that exist: "small", "large" or "true".
    meaning
        What it is, in a sentence.
    """

    name: str
    value: float | bool | None
    unit: str
    favourable: str
    meaning: str

    @property
    def goodness(self) -> float:
        """The value as a number that is larger where the signal is more favourable; NaN if it cannot be told."""
        if self.value is None:
            return float("nan")
        return -float(self.value) if self.favourable == "small" else float(self.value)


@dataclass(frozen=True)
class SynthesisSignals:
    """The signals of one crystal.

    Attributes
    ----------
    formula
        Of it.
    signals
        Each on its own.
    """

    formula: str
    signals: tuple[Signal, ...]

    def __getitem__(self, name: str) -> Signal:
        for signal in self.signals:
            if signal.name == name:
                return signal
        raise TargetError(f"There is no signal {name!r}; there are: {', '.join(s.name for s in self.signals)}.")

    def to_dict(self) -> dict[str, Any]:
        """Names and values."""
        return {signal.name: signal.value for signal in self.signals}

    def table(self) -> str:
        """Lines for reading."""
        from xcrystal.reporting import columns

        rows = [[s.name, _shown(s), f"{s.favourable} is favourable", s.meaning] for s in self.signals]
        return columns(rows)


def synthesis_signals(
    structure: Any,
    *,
    e_above_hull: float | None = None,
    model: CrystalModel | str = "mp20",
    atlas: Atlas | None = None,
) -> SynthesisSignals:
    """Look at what speaks for and against that a crystal can be made.

    Parameters
    ----------
    structure
        A pymatgen Structure, or the path of a crystal file.
    e_above_hull
        In eV/atom, if it was computed; otherwise the model predicts it.
    model, atlas
        The model or its name, and an atlas if not the model's own.

    Returns
    -------
    SynthesisSignals
        Hull distance, two rules on charges, the likelihood under the model's prior, and the distance to known crystals.
        They are not put together to a verdict, as nothing here was tested on syntheses.

    Raises
    ------
    ReadError, InvalidCrystalError, UnsupportedCrystalError
        If it is no crystal that can be encoded.
    """
    from xcrystal.generator import open_model
    from xcrystal.latent.atlas import open_atlas

    opened = open_model(model) if isinstance(model, str) else model
    known = atlas if atlas is not None else open_atlas(opened.name)
    if e_above_hull is not None and not np.isfinite(e_above_hull):
        raise TargetError(f"An energy above hull is a number in eV/atom, not {e_above_hull}.")
    return signals_of(opened, known, [read_structure(structure)], None if e_above_hull is None else [e_above_hull])[0]


def signals_of(
    model: CrystalModel, atlas: Atlas, structures: Sequence[Structure], hull: Sequence[float] | None = None
) -> list[SynthesisSignals]:
    """The same of many checked structures at once; ``hull`` has the computed energies above hull, eV/atom."""
    z = model.encode(list(structures))
    predicted = model.predict(z).get(HULL)
    energies = hull if hull is not None else predicted
    likelihood = prior_log_densities(model, z)
    distances = Density.of(atlas).quantiles(z)
    found = []
    for k, structure in enumerate(structures):
        rules = validity(structure).composition
        found.append(
            SynthesisSignals(
                structure.composition.reduced_formula,
                (
                    Signal(
                        "hull distance",
                        None if energies is None else float(energies[k]),
                        "eV/atom",
                        "small",
                        "energy above the convex hull, "
                        + ("computed" if hull is not None else "predicted from the latent vector"),
                    ),
                    Signal(
                        "charge balance",
                        rules.smact_without_alloys,
                        "",
                        "true",
                        "known oxidation states balance (SMACT, alloys not let off)",
                    ),
                    Signal("SMACT", rules.smact, "", "true", "the same; alloys of metals pass"),
                    Signal(
                        "likelihood",
                        None if likelihood is None else float(likelihood[k]),
                        "nats per dimension",
                        "large",
                        "logarithm of the density of its latent vector under the model's prior",
                    ),
                    Signal(
                        "distance to known crystals",
                        float(distances[k]),
                        "share",
                        "small",
                        "share of known crystals that lie nearer to the others in latent space",
                    ),
                ),
            )
        )
    return found


def prior_log_densities(model: CrystalModel, z: np.ndarray) -> np.ndarray | None:
    """Logarithms (n,), divided by latent_dim, of the density of the prior at (n, latent_dim) z; None without one."""
    if model.prior is None:
        return None
    import torch

    from xcrystal.model.device import FEW, one_thread

    with one_thread(len(z) <= FEW):
        values = model.prior.log_likelihood(torch.from_numpy(z).to(model.device)) / model.latent_dim
    found: np.ndarray = values.cpu().numpy()
    return found


def _shown(signal: Signal) -> str:
    if signal.value is None:
        return "not known"
    if isinstance(signal.value, bool):
        return "yes" if signal.value else "no"
    return f"{signal.value:.3f} {signal.unit}"
