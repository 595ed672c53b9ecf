"""Why the model says something of one crystal: scores of its atoms, elements, lattice or latent dimensions.

What each level moves, and what it holds, is described in ``xcrystal.explanation.inputs``; the methods are in
``xcrystal.explanation.methods`` and the targets in ``xcrystal.explanation.targets``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.reading import read_structure
from xcrystal.errors import TargetError
from xcrystal.explanation.batches import score_crystals
from xcrystal.explanation.score_scale import ScoreScale, certain_share, score_span
from xcrystal.explanation.targets import Target, of_one_crystal, target_of
from xcrystal.generator import CrystalModel
from xcrystal.wrapping import wrap_model

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure
    from pymatgen.core import Structure

    from xcrystal.latent.atlas import Atlas

_LIMIT = 24  # bars of a plot


@dataclass(frozen=True, eq=False, repr=False)
class Attribution:
    """Scores that explain one target for one structure.

    Attributes
    ----------
    structure
        The structure that was given.
    scores
        float64 in ``unit``. At level "atoms" (n_atoms,), in the order of the structure's atoms; in a cell of k
        primitive cells each atom's is a k-th of that of its primitive atom, so that they add up to the difference in
        every cell. At other levels one for each of ``names``, that of an orbit or element for all of its atoms
        together; at level "pairs" (n, n), with what each orbit contributes by itself on the diagonal.
    names
        What each score is of.
    atom_scores
        (n_atoms,) share of each atom of the structure, None at levels that have no atoms.
    target, unit
        What is explained, and its unit.
    target_value, baseline_value
        The target for the crystal and for the baseline.
    completeness_error
        Absolute difference between the sum of the scores and target minus baseline.
    method, level, baseline, seed
        How it was computed.
    method_title
        The method in words; of Shapley values also whether they are exact.
    interval
        The 90 % interval of the target for the crystal; None if the model knows none.
    standard_error
        Of the scores in ``unit``, the root of the mean square over them: of sampled Shapley values by the orders that
        were drawn, of the baselines "real_elements" and "neighbours" by their crystals. None if nothing was drawn.
    """

    structure: Structure
    scores: np.ndarray
    names: list[str]
    atom_scores: np.ndarray | None
    target: str
    unit: str
    target_value: float
    baseline_value: float
    completeness_error: float
    method: str = "shapley"
    level: str = "atoms"
    baseline: str = "mean_element"
    seed: int = 0
    interval: tuple[float, float] | None = None
    method_title: str = ""
    standard_error: float | None = None

    @property
    def error(self) -> float | None:
        """How far the 90 % interval reaches from the target towards the baseline, in ``unit``; None if not known."""
        if self.interval is None:
            return None
        low, high = self.interval
        reach = high - self.target_value if self.baseline_value > self.target_value else self.target_value - low
        return max(reach, 0.0)

    @property
    def nothing_to_explain(self) -> bool:
        """Whether the difference from the baseline lies within the model's error."""
        return not self.beyond_error

    @property
    def beyond_error(self) -> bool:
        """Whether there is something to explain: the target differs from the baseline by more than the model's error.

        Taken to be so where the error is not known, and of methods whose scores are no shares of a difference.
        """
        from xcrystal.explanation.methods import METHODS

        if self.interval is None or not METHODS[self.method].signed:
            return True
        return not self.interval[0] <= self.baseline_value <= self.interval[1]

    def scale(self, scores: np.ndarray | None = None) -> ScoreScale:
        """The colours of its scores of any shape (...,); by default of those of the atoms, or of its level.

        The largest score has the strongest colour if the difference is at least three of the model's errors; the
        smaller it is, the paler all are, and within one error all are grey.
        """
        from xcrystal.explanation.methods import METHODS

        given = scores if scores is not None else self.scores if self.atom_scores is None else self.atom_scores
        signed = METHODS[self.method].signed
        sure = certain_share(self.target_value - self.baseline_value, self.error) if signed else 1.0
        return ScoreScale(score_span(np.nan_to_num(given)) / sure, signed, self.nothing_to_explain)

    def __repr__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        nothing = ", nothing to explain: the difference is within the model's error" if self.nothing_to_explain else ""
        how = f"{self.method_title or self.method}{self._plus_minus}, level {self.level}"
        return (
            f"Attribution({self.structure.composition.reduced_formula}, {self.target}: {self.target_value:.4g}{unit}, "
            f"from {self.baseline_value:.4g} with the baseline {self.baseline}; {how}, {len(self.names)} scores, "
            f"completeness error {self.completeness_error:.1g}{nothing})"
        )

    @property
    def _plus_minus(self) -> str:
        """The standard error behind the name of the method."""
        if self.standard_error is None:
            return ""
        return f" (scores ± {self.standard_error:.2g}{f' {self.unit}' if self.unit else ''})"

    def to_structure(self) -> Structure:
        """A copy of the structure with ``site_properties["attribution"]``, each atom's share.

        Raises
        ------
        TargetError
            At a level that has no atoms.
        """
        if self.atom_scores is None:
            raise TargetError(f"The level {self.level!r} has no scores of atoms.")
        copy = self.structure.copy()
        copy.add_site_property("attribution", [float(s) for s in self.atom_scores])
        return copy

    def table(self) -> pd.DataFrame:
        """One row a score: ``name`` and ``score``; of pairs ``name``, ``other`` and ``score``, each pair once."""
        import pandas as pd

        if self.scores.ndim == 1:
            return pd.DataFrame({"name": self.names, "score": self.scores})
        one, other = np.tril_indices(len(self.names))
        named = np.array(self.names)
        return pd.DataFrame({"name": named[other], "other": named[one], "score": self.scores[one, other]})

    def plot(self) -> Figure:
        """Bars, or of pairs a heat map; of many scores the 24 largest by size."""
        import plotly.graph_objects as go

        title = escape(self.target.replace("_", " "), quote=False)  # plotly takes text for markup
        title += f": {self.baseline_value:+.3g} → {self.target_value:+.3g} {self.unit}"
        title += f"<br>{self.method_title or self.method}{self._plus_minus}; baseline {self.baseline}"
        if self.nothing_to_explain:
            title += "<br>nothing to explain: the difference is within the model's error"
        unit = self.unit or "score"
        scale = self.scale(self.scores)
        if self.scores.ndim == 2:
            labels = [f"{k + 1}. {name}" for k, name in enumerate(self.names)]
            colors = [[k / 10, _rgb(c)] for k, c in enumerate(scale.colors(np.linspace(scale.low, scale.span, 11)))]
            drawn: Any = go.Heatmap(
                z=self.scores,
                x=labels,
                y=labels,
                colorscale=colors,
                zmin=scale.low,
                zmax=scale.span,
                colorbar_title=unit,
            )
            return go.Figure(drawn, layout={"title": title, "yaxis_autorange": "reversed"})
        order = np.sort(np.argsort(-np.abs(self.scores), kind="stable")[:_LIMIT])
        labels = [f"{k + 1}. {self.names[k]}" for k in order]
        values = self.scores[order]
        bars = go.Bar(x=values, y=labels, orientation="h", marker_color=[_rgb(c) for c in scale.colors(values)])
        return go.Figure(
            bars,
            layout={"title": title, "xaxis_title": unit, "yaxis_autorange": "reversed", "template": "plotly_white"},
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; ``from_dict`` reads them."""
        return {
            "structure": self.structure.as_dict(),
            "scores": self.scores.tolist(),
            "names": list(self.names),
            "atom_scores": None if self.atom_scores is None else self.atom_scores.tolist(),
            **{name: getattr(self, name) for name in _PLAIN},
            "method_title": self.method_title,
            "interval": None if self.interval is None else list(self.interval),
            "standard_error": self.standard_error,
        }

    def to_json(self) -> str:
        """``to_dict`` as text; a score that is not known is null."""
        return json.dumps(_without_nan(self.to_dict()), default=float, allow_nan=False)

    @classmethod
    def from_dict(cls, found: dict[str, Any]) -> Attribution:
        """What ``to_dict`` gave, also after a way through JSON.

        Raises
        ------
        TargetError
            If it is something else.
        """
        from pymatgen.core import Structure

        from xcrystal.explanation.inputs import renamed_baseline

        try:
            atoms, plain = found["atom_scores"], {name: found[name] for name in _PLAIN}
            return cls(
                structure=Structure.from_dict(found["structure"]),
                scores=np.array(found["scores"], dtype=np.float64),
                names=[str(name) for name in found["names"]],
                atom_scores=None if atoms is None else np.array(atoms, dtype=np.float64),
                **plain | {"baseline": renamed_baseline(plain["baseline"], plain["level"])},
                method_title=str(found.get("method_title", "")),
                interval=None if found.get("interval") is None else (found["interval"][0], found["interval"][1]),
                standard_error=None if found.get("standard_error") is None else float(found["standard_error"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise TargetError(f"This is not a saved attribution: {error!r}.") from error


_PLAIN = (
    "target",
    "unit",
    "target_value",
    "baseline_value",
    "completeness_error",
    "method",
    "level",
    "baseline",
    "seed",
)


def attribute(
    model: CrystalModel,
    structure: Any,
    target: str | Target = "formation_energy_per_atom",
    method: str | None = None,
    level: str = "atoms",
    baseline: str | None = None,
    seed: int = 0,
    atlas: Atlas | None = None,
) -> Attribution:
    """Explain what the model says of a crystal.

    The scores sum to the target minus its value for the baseline, for methods that are complete; those of atoms do so
    in every cell of the crystal.

    Parameters
    ----------
    model
        The model to explain.
    structure
        A Structure or the path of a crystal file.
    target
        A property that the model predicts, "latent 17", "space group", "space group 221", "element of orbit 1",
        "density", or a ``Target``: see ``xcrystal.explanation.targets``, also for directions and distances.
    method
        "shapley", "integrated_gradients", "gradient_shap", "input_x_gradient", "feature_ablation", "occlusion",
        "saliency" or "smoothgrad": see ``xcrystal.explanation.methods``. By default Shapley values, exact for up to
        8 orbits and sampled beyond, as ``Attribution.method_title`` says; at level "latent" integrated gradients.
    level
        "atoms", "orbits", "elements", "pairs": the elements move, symmetry and geometry are held; "lattice": the cell
        moves; "latent": the latent vector moves.
    baseline
        "mean_element" (the training data's mean element vector on every site), "fitted_element" (a vector fitted to
        stand for all elements), "average_of_crystal" (the crystal's own
        mean), "real_elements" (others of the same charges, a mean over 8 such crystals), "neighbours" (those of the 8
        nearest crystals of the same formula type in the atlas) or "vacancy" (no element); at
        level "lattice" "mean_cell", at "latent" "prior_mean". By default the first that the method knows.
    seed
        Of what is random in a method.
    atlas
        For the target "density" and the baseline "neighbours"; by default that of the model's name.

    Raises
    ------
    TargetError
        For a target, method, level or baseline that does not exist, or if they do not go together.
    ReadError, InvalidCrystalError, UnsupportedCrystalError
        If the structure cannot be encoded.
    """
    from xcrystal.explanation.methods import check, title_of, usual_method

    method = method or usual_method(level)
    baseline = check(method, level, baseline)
    wrap_model(model).require("gradients")
    given = structure if hasattr(structure, "lattice") else read_structure(structure)
    if not of_one_crystal(target):
        target_of(model, target, None, atlas)  # one that does not exist is said first
    canonical = model.canonical(given)
    crystal = canonical.crystal
    explained = target_of(model, target, crystal, atlas)
    inner = "orbits" if level == "atoms" else level
    found = score_crystals(model, [crystal], target, method, inner, baseline, seed, atlas)
    values, names = found.values[0], found.names[0]
    players = len(names)
    cells = len(given) / crystal.multiplicities.sum()
    shares = None
    if level in ("atoms", "orbits"):
        shares = (values / crystal.multiplicities)[canonical.orbit_of_atom]
    elif level == "elements":
        kinds = list(dict.fromkeys(crystal.elements.tolist()))
        counts = [int(crystal.multiplicities[crystal.elements == z].sum()) for z in kinds]
        per_orbit = np.array([values[kinds.index(z)] / counts[kinds.index(z)] for z in crystal.elements.tolist()])
        shares = per_orbit[canonical.orbit_of_atom]
    elif level == "pairs":
        shares = (np.diagonal(values) / crystal.multiplicities)[canonical.orbit_of_atom]
    if shares is not None:
        shares = shares / cells
    error = found.standard_errors[0]
    if level == "atoms":
        assert shares is not None
        if error is not None:
            error = (error / crystal.multiplicities)[canonical.orbit_of_atom] / cells
        values, names = shares, [site.specie.symbol for site in given]
    # an interval costs an encoding more, and only of properties there is one
    known = explained.name in model.properties
    bounds = model.known_intervals(model.encode_canonical([crystal])).get(explained.name) if known else None
    return Attribution(
        structure=given,
        scores=values,
        names=names,
        atom_scores=shares,
        target=explained.name,
        unit=explained.unit,
        target_value=float(found.target_values[0]),
        baseline_value=float(found.baseline_values[0]),
        completeness_error=float(found.errors[0]),
        method=method,
        level=level,
        baseline=baseline,
        seed=seed,
        interval=None if bounds is None else (float(bounds[0, 0]), float(bounds[0, 1])),
        method_title=title_of(method, level, baseline, players),
        standard_error=None if error is None else float(np.sqrt((error**2).mean())),
    )


def _rgb(color: np.ndarray) -> str:
    """A colour (3,), 0 to 1, as plotly takes it."""
    return f"rgb({', '.join(str(round(255 * float(channel))) for channel in color)})"


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nan(v) for name, v in value.items()}
    if isinstance(value, list):
        return [_without_nan(v) for v in value]
    return None if isinstance(value, float) and np.isnan(value) else value
