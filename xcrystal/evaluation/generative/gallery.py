"""Does a model know the classic structure types? The figures of ``xcrystal evaluate gallery``.

Protocol: each crystal of the gallery that the model can read is encoded, the code is decoded, and the two are compared
as in ``xcrystal.evaluation.generative.reconstruction``. Most classics are in the Materials Project, so many were
training crystals: this is a check that nothing is broken and no measure of how a model does on crystals that it has not
seen.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.gallery.entries import Entry
from xcrystal.crystal.gallery.types import entries
from xcrystal.errors import XCrystalError
from xcrystal.evaluation.generative.reconstruction import compare
from xcrystal.reporting import Report, aligned, columns

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.generator import CrystalModel


@dataclass(frozen=True)
class Classic:
    """One entry of the gallery, and what came back of it.

    Attributes
    ----------
    name, formula, space_group
        Of the entry.
    not_encoded
        Why the model cannot read it, or None; then all that follows is None.
    decoded_formula, decoded_space_group
        Of the reconstruction; the space group is the decoder's.
    rms
        RMS displacement in units of (V / N)^(1/3); None if the two do not match.
    volume_error
        Relative error of the volume per atom, signed.
    """

    name: str
    formula: str
    space_group: int
    not_encoded: str | None = None
    decoded_formula: str | None = None
    decoded_space_group: int | None = None
    rms: float | None = None
    volume_error: float | None = None


@dataclass(frozen=True)
class GalleryReport(Report):
    """What came back of each entry of the gallery."""

    classics: tuple[Classic, ...]

    @property
    def encoded(self) -> list[Classic]:
        """Those that the model can read."""
        return [c for c in self.classics if c.not_encoded is None]

    @property
    def matched(self) -> list[Classic]:
        """Those that came back."""
        return [c for c in self.classics if c.rms is not None]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "crystals": len(self.classics),
            "encoded": len(self.encoded),
            "matched": len(self.matched),
            "mean_rms": fmean(c.rms for c in self.matched if c.rms is not None) if self.matched else None,
            "volume_error_median": median(abs(c.volume_error or 0.0) for c in self.encoded) if self.encoded else None,
            "classics": [asdict(c) for c in self.classics],
        }

    def table(self) -> str:
        """The entries one by one, and the sums."""
        rows: list[tuple[str, ...]] = [("name", "crystal", "decoded", "match", "RMS", "volume")]
        rows += [self._row(c) for c in self.classics]
        figures = self.to_dict()
        sums = [
            ("crystals", f"{len(self.classics)}"),
            ("in the model's range", f"{len(self.encoded)}"),
            ("matched", f"{len(self.matched)}"),
        ]
        if self.matched:
            sums.append(("mean RMS of matches", f"{figures['mean_rms']:.4f} (V/N)^(1/3)"))
            sums.append(("volume error per atom", f"median {figures['volume_error_median']:.1%}"))
        sums += [(f"not encoded: {c.name}", c.not_encoded) for c in self.classics if c.not_encoded is not None]
        return f"{columns(rows)}\n\n{aligned(sums)}"

    @staticmethod
    def _row(c: Classic) -> tuple[str, ...]:
        own = f"{c.formula} ({c.space_group})"
        if c.not_encoded is not None or c.volume_error is None:
            return c.name, own, "not encoded", "", "", ""
        decoded = f"{c.decoded_formula} ({c.decoded_space_group})"
        match, rms = ("no", "") if c.rms is None else ("yes", f"{c.rms:.4f}")
        return c.name, own, decoded, match, rms, f"{c.volume_error:+.1%}"


def evaluate_gallery(model: CrystalModel, effort: str = "normal") -> GalleryReport:
    """Encode and decode each crystal of the gallery.

    Parameters
    ----------
    model
        The model, as ``xcrystal.load`` gives it.
    effort
        As for ``CrystalModel.decode``.
    """
    shown = entries()
    codes: list[np.ndarray] = []
    reasons: dict[str, str] = {}
    for entry in shown:
        try:
            codes.append(model.encode(entry.structure)[0])
        except XCrystalError as error:
            reasons[entry.name] = str(error)
    decoded = iter(model.decode(np.array(codes), effort) if codes else [])
    return GalleryReport(
        tuple(
            Classic(e.name, e.formula, e.space_group, reasons[e.name])
            if e.name in reasons
            else _compared(e, next(decoded))
            for e in shown
        )
    )


def _compared(entry: Entry, decoded: Structure) -> Classic:
    found = compare((entry.name, entry.structure, decoded))
    return Classic(
        entry.name,
        entry.formula,
        entry.space_group,
        None,
        decoded.composition.reduced_formula,
        int(decoded.properties["space_group"]),
        found.rms,
        found.volume_error,
    )
