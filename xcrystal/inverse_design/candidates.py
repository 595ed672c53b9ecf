"""What a design gives: candidates as a table, pictures of two properties, files."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.cif_writing import symmetric_cif_text
from xcrystal.crystal.collections.tables import PROPERTIES, UNITS, csv_text
from xcrystal.crystal.files import replacing
from xcrystal.crystal.symmetry.groups import space_group
from xcrystal.errors import TargetError, check_one_of
from xcrystal.inverse_design.design_targets import TITLES, Targets
from xcrystal.reporting import html_table

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go
    from pymatgen.core import Structure

    from xcrystal.latent.atlas import Atlas

TABLE = "candidates.csv"
FAR_BELOW = -0.1  # eV/atom: of known crystals, none lies below the hull that all of them make
_KNOWN_DRAWN = 5000  # known crystals in a figure


@dataclass(frozen=True, eq=False)
class Candidate:
    """A crystal that was designed. All that is predicted is predicted at the latent vector of the crystal itself.

    Attributes
    ----------
    z
        (Z,) float32 latent vector that decodes to it.
    structure
        The decode; not relaxed.
    predicted
        Property name to value.
    intervals
        The same, 90 % interval; empty if the model knows none.
    nonzero
        Property name to the probability that it is not zero, of those that may be.
    probability
        That it lies in all ranges: by the model's own intervals, and where there are graph networks, the mean of that
        and theirs.
    quantile
        Share of known crystals that lie nearer to the data.
    nearest, nearest_formula, distance
        The nearest known crystal in latent space: id, formula, and how far it is.
    match
        Id of a known crystal that it matches; "" if it matches none.
    valid
        Whether no atoms overlap and some known oxidation states balance.
    source
        "prior" if it was drawn from the conditional prior, "exchange" if an element of a known crystal was exchanged.
    above_hull
        How far an interatomic potential puts it, unrelaxed, above the hull of known crystals (eV/atom); NaN if none was
        asked.
    hull_height
        How far the predicted formation energy lies above that hull (eV/atom), NaN if not known. Far below it, the
        prediction is probably wrong.
    """

    z: np.ndarray
    structure: Structure
    predicted: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    nonzero: dict[str, float]
    probability: float
    quantile: float
    nearest: str
    nearest_formula: str
    distance: float
    match: str
    valid: bool
    source: str = "prior"
    above_hull: float = math.nan
    hull_height: float = math.nan

    @property
    def formula(self) -> str:
        """Reduced."""
        return str(self.structure.composition.reduced_formula)

    @property
    def group(self) -> int:
        """Space group number."""
        return int(self.structure.properties["space_group"])

    @property
    def novel(self) -> bool:
        """Whether it matches no known crystal of the atlas."""
        return not self.match


_FIRST = ("candidate", "formula", "space_group", "space_group_symbol", "atoms")
_LAST = (
    "probability", "data_quantile", "nearest_id", "nearest_formula", "nearest_distance", "match", "novel", "valid",
    "in_range", "source", "potential_above_hull", "predicted_above_hull",
)  # fmt: skip


_DESCENDING = ("probability", "in_range", "novel", "valid")  # the best are the highest

ORDERS = ("score", *PROPERTIES, *_FIRST, *_LAST)
"""What candidates can be sorted by."""


@dataclass(frozen=True, eq=False)
class Design:
    """Candidates, the most promising first.

    Attributes
    ----------
    targets
        What was asked for.
    candidates
        What was found; fewer than asked for if there was no more.
    known
        How many known crystals fit.
    draws
        How many latent vectors were drawn.
    kept
        How many crystals, decoded from them or made by exchanging an element, hold the constraints.
    seed
        Of everything random.
    atlas
        The known crystals.
    notes
        Sentences: what lies beyond the data, why there are fewer candidates.
    """

    targets: Targets
    candidates: tuple[Candidate, ...]
    known: int
    draws: int
    kept: int
    seed: int
    atlas: Atlas = field(repr=False)
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Design({self.targets.words!r}, {len(self.candidates)} candidates)"

    def __len__(self) -> int:
        return len(self.candidates)

    @property
    def structures(self) -> list[Structure]:
        """The crystals, in the order of the candidates."""
        return [candidate.structure for candidate in self.candidates]

    @property
    def z(self) -> np.ndarray:
        """(n, Z) latent vectors."""
        found = np.array([candidate.z for candidate in self.candidates], dtype=np.float32)
        return found.reshape(len(self), self.atlas.z.shape[1])

    @property
    def table(self) -> pd.DataFrame:
        """One row a candidate."""
        import pandas as pd

        rows = [self._row(k, candidate) for k, candidate in enumerate(self.candidates)]
        return pd.DataFrame(rows, columns=list(rows[0]) if rows else [*_FIRST, *_LAST])

    def _row(self, k: int, one: Candidate) -> dict[str, Any]:
        row: dict[str, Any] = {
            "candidate": k + 1,
            "formula": one.formula,
            "space_group": one.group,
            "space_group_symbol": space_group(one.group).symbol,
            "atoms": len(one.structure),
        }
        for name, value in one.predicted.items():
            row[name] = value
            if name in one.intervals:
                row[f"{name}_low"], row[f"{name}_high"] = one.intervals[name]
        return row | {
            "probability": one.probability,
            "data_quantile": one.quantile,
            "nearest_id": one.nearest,
            "nearest_formula": one.nearest_formula,
            "nearest_distance": one.distance,
            "match": one.match,
            "novel": one.novel,
            "valid": one.valid,
            "in_range": self.in_range(one),
            "source": one.source,
            "potential_above_hull": one.above_hull,
            "predicted_above_hull": one.hull_height,
        }

    def sorted_by(self, column: str) -> Design:
        """The same candidates by a column of the table, the lowest first (of ``probability``, ``in_range``,
        ``novel`` and ``valid`` the highest), or by "score", as they come.

        Raises
        ------
        TargetError
            If there is no such column.
        """
        if column == "score":
            return self
        table = self.table
        if not self.candidates:  # the table has no columns of properties either
            check_one_of(column, ORDERS, "order")
            return self
        check_one_of(column, ["score", *table.columns], "order")
        values = -table[column].astype(float) if column in _DESCENDING else table[column]
        order = values.argsort(kind="stable")
        return replace(self, candidates=tuple(self.candidates[k] for k in order))

    def in_range(self, candidate: Candidate) -> bool:
        """Whether the model's predictions for a candidate lie in all ranges."""
        return all(low <= candidate.predicted[name] <= high for name, (low, high) in self.targets.properties.items())

    def _repr_html_(self) -> str:
        """The table as HTML, with what was asked for above it."""
        names = [name for name in PROPERTIES if self.candidates and name in self.candidates[0].predicted]
        head = ["", "formula", "space group", *(f"{TITLES[name]} ({UNITS[name]})" for name in names)]
        rows: list[list[str]] = [[*head, "in range", "probability", "nearest known", "novel", "valid"]]
        for k, one in enumerate(self.candidates):
            group = f"{space_group(one.group).symbol} ({one.group})"
            near = f"{one.nearest_formula} ({one.nearest}), {one.distance:.1f}"
            values = [value_words(one.predicted[name], one.intervals.get(name)) for name in names]
            marks = ["yes" if each else "no" for each in (one.novel, one.valid)]
            inside = "yes" if self.in_range(one) else "no"
            rows.append([str(k + 1), one.formula, group, *values, inside, f"{one.probability:.0%}", near, *marks])
        found = f"{len(self)} candidates; {self.known:,} known crystals fit"
        return html_table(rows, " ".join([f"{self.targets.words}: {found}.", *self.notes]))

    def to_csv(self) -> str:
        """The table as CSV."""
        return csv_text(self.table)

    def to_cif(self, k: int) -> str:
        """The CIF file, with symmetry, of candidate ``k``, counted from 0."""
        words = f"candidate {k + 1} for {self.targets.words}; predicted by a model and not relaxed"
        return symmetric_cif_text(self.candidates[k].structure, words)

    def save(self, folder: str | Path) -> Path:
        """Write ``candidates.csv`` and a CIF file for each candidate into a folder.

        Raises
        ------
        TargetError
            If there is a file of that name, or the folder holds candidates already.
        """
        folder = Path(folder)
        if folder.exists() and not folder.is_dir():
            raise TargetError(f"Candidates go into a folder, and {folder} is a file.")
        if (folder / TABLE).exists():
            raise TargetError(f"{folder} already holds candidates; choose another folder.")
        folder.mkdir(parents=True, exist_ok=True)
        files = {TABLE: self.to_csv()} | {
            f"{k + 1:03d}-{one.formula}.cif": self.to_cif(k) for k, one in enumerate(self.candidates)
        }
        for name, text in files.items():
            with replacing(folder / name) as part:
                part.write_text(text, encoding="utf-8")
        return folder

    def figure(self, x: str = "", y: str = "") -> go.Figure:
        """Two properties against each other: known crystals in grey, candidates with their 90 % intervals, and the
        ranges that were asked for.

        Parameters
        ----------
        x, y
            Names of properties; by default those that were asked for.

        Raises
        ------
        TargetError
            If there is no such property.
        """
        import plotly.graph_objects as go

        known = [name for name in PROPERTIES if name in self.atlas.table]
        order = [*self.targets.properties, *known]
        x = x or order[0]
        y = y or next(name for name in order if name != x)
        for name in (x, y):
            check_one_of(name, known, "property")
        table = self.atlas.table[[x, y, "formula"]].dropna()
        table = table.sample(min(_KNOWN_DRAWN, len(table)), random_state=0)
        figure = go.Figure()
        figure.add_scattergl(
            x=table[x], y=table[y], text=table["formula"], mode="markers", name="known crystals", hoverinfo="text+x+y",
            marker={"color": "#b8b8b8", "size": 4, "opacity": 0.6},
        )  # fmt: skip
        ends = {name: self._ends(name) for name in (x, y)}
        figure.add_scatter(
            x=[one.predicted[x] for one in self.candidates], y=[one.predicted[y] for one in self.candidates],
            text=[f"{k + 1}: {one.formula}" for k, one in enumerate(self.candidates)],
            customdata=list(range(len(self.candidates))), mode="markers", name="candidates (predicted)",
            hoverinfo="text+x+y", error_x=ends[x], error_y=ends[y],
            marker={"color": "#d55e00", "size": 9, "line": {"color": "white", "width": 1}},
        )  # fmt: skip
        for name, add in ((x, figure.add_vrect), (y, figure.add_hrect)):
            if name in self.targets.properties:
                low, high = self.targets.properties[name]
                values = [*table[name], *(one.predicted[name] for one in self.candidates)]
                ends_at = [end for end in (low, high) if math.isfinite(end)]
                bounds = [  # an open end ends where what is drawn does
                    low if math.isfinite(low) else min([*values, *ends_at]),
                    high if math.isfinite(high) else max([*values, *ends_at]),
                ]
                keys = ("x0", "x1") if name == x else ("y0", "y1")
                add(**dict(zip(keys, bounds, strict=True)), fillcolor="#0072b2", opacity=0.12, line_width=0)
        figure.update_layout(
            xaxis_title=f"{TITLES[x]} ({UNITS[x]})", yaxis_title=f"{TITLES[y]} ({UNITS[y]})",
            template="plotly_white", legend={"orientation": "h", "y": 1.08},
            margin={"l": 60, "r": 20, "t": 40, "b": 50},
        )  # fmt: skip
        return figure

    def _ends(self, name: str) -> dict[str, Any] | None:
        """Bars of a property's intervals, as plotly wants them."""
        if not all(name in one.intervals for one in self.candidates):
            return None
        above = [one.intervals[name][1] - one.predicted[name] for one in self.candidates]
        below = [one.predicted[name] - one.intervals[name][0] for one in self.candidates]
        return {"type": "data", "array": above, "arrayminus": below, "thickness": 0.7, "width": 0}


def value_words(value: float, interval: tuple[float, float] | None) -> str:
    """A predicted property with its 90 % interval: "1.95 (1.20 to 2.61)"."""
    return f"{value:.2f}" if interval is None else f"{value:.2f} ({interval[0]:.2f} to {interval[1]:.2f})"
