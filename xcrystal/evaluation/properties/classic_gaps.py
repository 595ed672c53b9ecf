"""Predicted band gaps of classic crystals beside those of PBE: the figures of ``xcrystal evaluate classics``.

Protocol: each crystal of the gallery and of ``crystal.gallery.compounds`` for which a PBE value is known and which the
model can read is built from its space group, Wyckoff positions and textbook lattice parameters, and encoded; of its
code the gap, its interval and the probability that it is not zero are asked. PBE values are those of the Materials
Project (Jain et al., APL Materials 1, 011002, 2013; CC BY 4.0) for the entries whose ids are given, found by ``python
tools/build_classics.py``; for oxides and fluorides of some transition metals they are of PBE+U. Nearly all of these
entries were training crystals: this checks that a model knows what everybody knows. How it does on crystals that it has
not seen is for ``xcrystal evaluate properties``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.gallery.compounds import compounds
from xcrystal.crystal.gallery.entries import Entry
from xcrystal.crystal.gallery.types import entries
from xcrystal.errors import CheckpointError, XCrystalError
from xcrystal.generator import BUNDLED
from xcrystal.model.intervals import ZERO
from xcrystal.reporting import Report, aligned, columns, not_encoded_rows

if TYPE_CHECKING:
    import pandas as pd

    from xcrystal.generator import CrystalModel

REFERENCE = BUNDLED / "classics.csv"
CLOSE = 0.6  # eV
_GAP = "band_gap"


@dataclass(frozen=True)
class ClassicGap:
    """The gap (eV) of one classic crystal.

    Attributes
    ----------
    kind, formula, material_id
        The structure type, the crystal, and the entry that the PBE value is of.
    value, low, high
        The prediction and its 90 % interval.
    nonzero
        The predicted probability of a gap.
    pbe
        The reference.
    """

    kind: str
    formula: str
    material_id: str
    value: float
    low: float
    high: float
    nonzero: float
    pbe: float

    @property
    def inside(self) -> bool:
        """Whether the interval holds the reference."""
        return self.low <= (0.0 if self.pbe <= ZERO else self.pbe) <= self.high

    @property
    def error(self) -> float:
        """Prediction minus reference."""
        return self.value - self.pbe


@dataclass(frozen=True)
class ClassicsReport(Report):
    """The gaps of the classics, and why others could not be encoded."""

    gaps: tuple[ClassicGap, ...]
    not_encoded: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        insulators = [gap for gap in self.gaps if gap.pbe > ZERO]
        return {
            "crystals": len(self.gaps),
            "insulators": len(insulators),
            "inside": _share([gap.inside for gap in self.gaps]),
            "inside_insulators": _share([gap.inside for gap in insulators]),
            "within_0.6_eV": _share([abs(gap.error) <= CLOSE for gap in self.gaps]),
            "right_side": _share([(gap.nonzero > 0.5) == (gap.pbe > ZERO) for gap in self.gaps]),
            "mae": fmean(abs(gap.error) for gap in self.gaps) if self.gaps else None,
            "median_width_insulators": median(gap.high - gap.low for gap in insulators) if insulators else None,
            "not_encoded": self.not_encoded,
            "classics": [asdict(gap) | {"inside": gap.inside} for gap in self.gaps],
        }

    def table(self) -> str:
        """The crystals one by one, and the sums."""
        rows = [("type", "crystal", "entry", "PBE", "predicted", "90 % interval", "P(gap)", "")]
        rows += [
            (
                gap.kind, gap.formula, gap.material_id, f"{gap.pbe:.2f}", f"{gap.value:.2f}",
                f"{gap.low:.2f} to {gap.high:.2f}", f"{gap.nonzero:.2f}", "" if gap.inside else "outside",
            )
            for gap in self.gaps
        ]  # fmt: skip
        found = self.to_dict()
        sums = [("crystals", f"{found['crystals']}, {found['insulators']} of them with a gap")]
        if self.gaps:
            sums.append(("in 90 % intervals", f"{found['inside']:.1%}"))
            if found["insulators"]:
                width = f"median width {found['median_width_insulators']:.2f} eV"
                sums.append(("  of those with a gap", f"{found['inside_insulators']:.1%}, {width}"))
            sums += [
                ("within 0.6 eV", f"{found['within_0.6_eV']:.1%}"),
                ("metal or insulator, right", f"{found['right_side']:.1%}"),
                ("MAE", f"{found['mae']:.3f} eV"),
            ]
        sums += not_encoded_rows(self.not_encoded, None)
        return f"{columns(rows)}\n\n{aligned(sums)}"


def classic_crystals() -> list[Entry]:
    """The entries of the gallery and the compounds of the same types."""
    return [*entries(), *compounds()]


def references() -> pd.DataFrame:
    """The PBE gaps: kind, formula, material_id, band_gap (eV)."""
    import pandas as pd

    return pd.read_csv(REFERENCE, keep_default_na=False)


def evaluate_classics(model: CrystalModel) -> ClassicsReport:
    """Predict the gaps of the classic crystals.

    Parameters
    ----------
    model
        The model, as ``xcrystal.load`` gives it.

    Raises
    ------
    CheckpointError
        If the model's properties have not been fitted, or it has learned no gaps.
    """
    if _GAP not in model.properties:
        raise CheckpointError(f"The model {model.name!r} does not predict band gaps.")
    known = {(row.kind, row.formula): row for row in references().itertuples()}
    asked, codes, reasons = [], [], {}
    for one in classic_crystals():
        if (one.name, one.formula) not in known:
            continue
        try:
            codes.append(model.encode(one.structure)[0])
            asked.append(known[one.name, one.formula])
        except XCrystalError as error:
            reasons[f"{one.formula} ({one.name})"] = str(error)
    z = np.array(codes).reshape(-1, model.latent_dim)
    values, bounds = model.predict(z)[_GAP], model.predict_interval(z)[_GAP]
    nonzero = model.predict_nonzero(z)[_GAP]
    gaps = (
        ClassicGap(
            str(row.kind), str(row.formula), str(row.material_id), float(value), float(ends[0]),
            float(ends[1]), float(p),
            float(row.band_gap),
        )
        for row, value, ends, p in zip(asked, values, bounds, nonzero, strict=True)
    )  # fmt: skip
    return ClassicsReport(tuple(gaps), reasons)


def _share(values: list[bool]) -> float | None:
    return fmean(values) if values else None
