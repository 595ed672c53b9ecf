"""Does a prediction use a concept? Testing with concept activation vectors in latent space.

After B. Kim et al., "Interpretability beyond feature attribution: quantitative testing with concept activation vectors
(TCAV)", ICML 2018. A linear classifier tells latent vectors of crystals that have a concept from random others; its
normal is the concept's vector v, and the sensitivity of a target f to the concept at z is the directional derivative v
. grad f(z). The TCAV score of a class of crystals is the share of them whose sensitivity is positive.

captum.concept computes the same from data sets on disk: it writes the activations of a layer and the vectors as
pickles, and its concepts are inputs of the network. Here the activations are the latent vectors that an atlas already
holds, so the sums are done in numpy; a test holds them against captum's.

A concept's score is compared with those of random concepts, as in the paper. Where the gradient is nearly the same for
all crystals every fixed vector, however meaningless, scores nearly 0 or 1 in each run, and that comparison alone would
call anything significant. So a concept must also move the target by more than random concepts do: the larger of the two
p-values counts (an intersection-union test), after Holm's correction for the number of concepts, so that the chance
of calling any of them significant by mistake is at most 5 % over all of a test.

At a layer of the encoder activations are means over a crystal's tokens, and the target changes as all of them move
alike. Encoders read crystals, which atlases need not keep: they are those that the latent vectors decode to.
"""

from __future__ import annotations

# ruff: noqa: PT028  (a test of concepts is no test of this code)
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from html import escape
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.errors import TargetError
from xcrystal.explanation.encoder_layers import layer_activations
from xcrystal.explanation.targets import Target, target_of
from xcrystal.latent.axes import area_under_roc, discriminant
from xcrystal.latent.labelling import UNLABELLED, has_alkali_metal, has_motif, is_labelled
from xcrystal.latent.searching import search

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure

    from xcrystal.generator import CrystalModel
    from xcrystal.latent.atlas import Atlas

BUILT_IN = {
    "perovskite": "perovskite",
    "layered": "layered",
    "close-packed": "close_packed",
    "rock salt": "rock_salt",
    "contains an alkali metal": "",
}
FEWEST = 15  # crystals on either side of a classifier
MOST = 1000  # and at most, in one run
DECODED = 200  # crystals of each concept, of the class and, twice, of all others that are decoded for layers
CLASS = 1000  # crystals of the atlas that the score is a share of, unless rows are given
SEPARABLE = 0.7  # area under the ROC curve below which no line tells a concept from the rest
LEVEL = 0.05
_HELD_OUT = 3  # every third crystal is kept from the classifier
_CHUNK = 256


@dataclass(frozen=True)
class ConceptResult:
    """What the test says of one concept.

    Attributes
    ----------
    name, crystals
        The concept, and how many crystals of the atlas have it.
    auc, accuracy
        Of the classifiers for crystals that they were not fitted to, the mean over runs. 0.5 is chance.
    score, score_low, score_high
        The TCAV score: mean over runs, and the 2.5 % and 97.5 % quantiles.
    random_score, random_spread
        Mean and standard deviation of the scores of random concepts.
    size, size_low, size_high
        Mean change of the target, in its unit, for one standard deviation of the atlas along the vector.
    random_size
        Standard deviation of that change for random concepts.
    p_value, adjusted
        Two-sided, against the random concepts; and after Holm's correction for all concepts of the test.
    separable, significant
        Whether a linear classifier finds the concept at all; whether it does and ``adjusted`` is below 0.05.
    """

    name: str
    crystals: int
    auc: float
    accuracy: float
    score: float
    score_low: float
    score_high: float
    random_score: float
    random_spread: float
    size: float
    size_low: float
    size_high: float
    random_size: float
    p_value: float
    adjusted: float
    separable: bool
    significant: bool

    @property
    def words(self) -> str:
        """The result in one sentence."""
        if not self.separable:
            return f"not linearly separable in z (AUC {self.auc:.2f}): its score says nothing"
        if not self.significant:
            return f"not significant (p = {self.adjusted:.2g}): no different from random concepts"
        return f"significant (p {_below(self.adjusted)}): {'raises' if self.size > 0 else 'lowers'} the target"


@dataclass(frozen=True)
class ConceptReport:
    """Concepts tested on one target.

    Attributes
    ----------
    target, unit
        What is explained, and its unit.
    crystals, of
        How many crystals the scores are shares of, and which, in words.
    runs, seed
        Classifiers for each concept, and what they were drawn with.
    results
        One for each concept, in the order given.
    notes
        What could not be tested, and why.
    """

    target: str
    unit: str
    crystals: int
    of: str
    runs: int
    seed: int
    results: tuple[ConceptResult, ...]
    notes: tuple[str, ...] = ()

    def table(self) -> pd.DataFrame:
        """One row a concept."""
        import pandas as pd

        return pd.DataFrame([asdict(result) | {"words": result.words} for result in self.results])

    def lines(self) -> list[list[str]]:
        """The results as cells of text, under a heading."""
        per = f"change, {self.unit or 'of the target'} per standard deviation"
        head = ["concept", "crystals", "AUC", "TCAV score", "random concepts", per, "p (Holm)", "in words"]
        return [head] + [
            [
                r.name, f"{r.crystals:,}", f"{r.auc:.2f}", f"{r.score:.2f} [{r.score_low:.2f}, {r.score_high:.2f}]",
                f"{r.random_score:.2f} ± {r.random_spread:.2f}", f"{r.size:+.3g} (random ± {r.random_size:.2g})",
                f"{r.adjusted:.2g}", r.words,
            ]
            for r in self.results
        ]  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        found = asdict(self)
        found["results"] = [asdict(result) | {"words": result.words} for result in self.results]
        return found | {"notes": list(self.notes)}

    def plot(self) -> Figure:
        """Bars of the scores with their intervals; those that are not significant are hatched."""
        from plotly import graph_objects

        results = self.results[::-1]
        shown = {r.name: escape(r.name, quote=False) for r in results}  # plotly takes text for markup
        figure = graph_objects.Figure()
        for significant, shape in ((True, ""), (False, "/")):
            some = [r for r in results if r.significant is significant]
            figure.add_bar(
                orientation="h",
                name="significant" if significant else "not significant",
                x=[r.score for r in some],
                y=[shown[r.name] for r in some],
                marker={"color": "#0072b2" if significant else "#999999", "pattern": {"shape": shape}},
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [r.score_high - r.score for r in some],
                    "arrayminus": [r.score - r.score_low for r in some],
                },
                hovertext=[escape(r.words, quote=False) for r in some],
            )
        figure.add_vline(x=0.5, line_dash="dot", annotation_text="random")
        figure.update_layout(
            title=escape(f"TCAV scores for {self.target.replace('_', ' ')}", quote=False),
            xaxis={"title": "share of crystals whose target the concept raises", "range": [0, 1]},
            yaxis={"categoryorder": "array", "categoryarray": list(shown.values())},
        )
        return figure


def built_in_concepts(atlas: Atlas) -> tuple[dict[str, np.ndarray], list[str]]:
    """Rows (k,) of an atlas that have each built-in concept, and sentences about what its labels do not tell."""
    found: dict[str, np.ndarray] = {}
    absent = []
    for name, motif in BUILT_IN.items():
        held = has_motif(atlas, motif) if motif else has_alkali_metal(atlas)
        if held is None:
            absent.append(name)
        else:
            found[name] = np.flatnonzero(held)
    notes = []
    if absent:
        notes.append(f"Not offered: {', '.join(absent)}. {UNLABELLED}")
    if not is_labelled(atlas) and {"perovskite", "rock salt"} & found.keys():
        notes.append("Perovskites and rock salts were recognized by formula and space group alone.")
    return found, notes


def test_concepts(
    model: CrystalModel,
    atlas: Atlas,
    target: str | Target = "formation_energy_per_atom",
    concepts: Mapping[str, Any] | Sequence[str] | None = None,
    rows: Any = None,
    runs: int = 20,
    seed: int = 0,
    progress: Callable[[str], bool] | None = None,
    layers: Sequence[int] = (),
) -> ConceptReport:
    """Test whether concepts matter to a target, against random concepts.

    Parameters
    ----------
    model, atlas
        The model to explain, and crystals with their latent vectors.
    target
        See ``xcrystal.explanation.targets.target_of``.
    concepts
        Names of built-in concepts or queries of the atlas; or names with rows of the atlas (or queries); by default all
        built-in ones.
    rows
        Crystals whose sensitivity is asked for, as rows of the atlas or as a query; by default 1,000 drawn at random.
    runs
        Classifiers for each concept, each with other random crystals; and as many random concepts.
    seed
        Of everything random.
    progress
        Called with the name of each concept that is done; where it says False, the rest are left out.
    layers
        Blocks of the encoder, counted from 1, at which concepts are tested instead of in latent space; all tests count
        in the correction.

    Raises
    ------
    TargetError
        If there is no such target, concept or layer, no crystal to ask it of, or the atlas is of another model.
    ReadError
        If a query is not understood.
    """
    if atlas.z.shape[1] != model.latent_dim:
        raise TargetError(f"The atlas has latent vectors of {atlas.z.shape[1]} numbers, the model {model.latent_dim}.")
    if runs < 5:
        raise TargetError(f"A concept is tested with at least 5 runs, not {runs}.")
    of = target_of(model, target, None, atlas)
    chosen, notes = _concepts(atlas, concepts)
    rng = np.random.default_rng(seed)
    some, which = _class(atlas, rows, rng)
    for name, held in list(chosen.items()):
        if min(len(held), len(atlas) - len(held)) < FEWEST:
            notes.append(f"Not tested: {name}, since at least {FEWEST} crystals must have it and as many not.")
            del chosen[name]
    if layers:
        some, spaces = _at_layers(model, atlas, of, layers, chosen, some, seed, rng)
        notes.append("Crystals are those that latent vectors of the atlas decode to.")
    else:
        spaces = {"": _Space(atlas.z, gradients_of(of, atlas.z[some], model), np.arange(len(atlas)))}
    measured = []
    for (name, held), (where, space) in product(chosen.items(), spaces.items()):
        own, others, every = space.parts(name, held)
        measured.append(_measure(f"{name}{where}", space.vectors, own, others, every, space.gradients, runs, rng))
        if progress is not None and not progress(name):
            notes.append("It was stopped before all concepts were tested.")
            break
    adjusted = holm(np.array([result.p_value for result in measured]))
    results = tuple(_corrected(result, float(p)) for result, p in zip(measured, adjusted, strict=True))
    return ConceptReport(of.name, of.unit, len(some), which, runs, seed, results, tuple(notes))


@dataclass(frozen=True)
class _Space:
    """Vectors (k, W) of the crystals in rows (k,) of the atlas, and gradients (n, W) of the target of the class;
    where not all are there, which were drawn of each concept (with and without it), and for controls."""

    vectors: np.ndarray
    gradients: np.ndarray
    rows: np.ndarray
    parts_of: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None
    drawn: np.ndarray | None = None

    def parts(self, name: str, held: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Places of crystals with a concept, without it, and of those that controls are drawn from."""
        if self.parts_of is None or self.drawn is None:
            has = np.isin(self.rows, held)
            return np.flatnonzero(has), np.flatnonzero(~has), np.arange(len(self.rows))
        own, others = (np.searchsorted(self.rows, part) for part in self.parts_of[name])
        return own, others, np.searchsorted(self.rows, self.drawn)


def _at_layers(
    model: CrystalModel,
    atlas: Atlas,
    target: Target,
    layers: Sequence[int],
    concepts: Mapping[str, np.ndarray],
    some: np.ndarray,
    seed: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, dict[str, _Space]]:
    """Crystals of the class that are kept, and of each layer, by how it is called, its space."""
    most = len(model.network.encoder.blocks)
    for layer in layers:
        if not 1 <= layer <= most:
            raise TargetError(f"There is no layer {layer}; the blocks of this encoder are numbered from 1 to {most}.")
    some = np.sort(rng.choice(some, min(DECODED, len(some)), replace=False))
    drawn = rng.choice(len(atlas), min(2 * DECODED, len(atlas)), replace=False)
    parts = {}
    for name, held in concepts.items():  # of each by itself, so that it does not matter what else is asked
        others = np.setdiff1d(np.arange(len(atlas)), held)
        each = np.random.default_rng([*name.encode(), seed])
        parts[name] = (
            each.choice(held, min(DECODED, len(held)), replace=False),
            each.choice(others, min(2 * DECODED, len(others)), replace=False),
        )
    rows = np.unique(np.concatenate([some, drawn, *(part for both in parts.values() for part in both)]))
    crystals = [decoded.crystal for decoded in model.decode_arrays(atlas.z[rows], "fast")]
    spaces = {}
    for layer in layers:
        vectors, gradients = layer_activations(model, crystals, target, layer)
        spaces[f", encoder block {layer}"] = _Space(vectors, gradients[np.searchsorted(rows, some)], rows, parts, drawn)
    return some, spaces


def gradients_of(target: Target, z: np.ndarray, model: CrystalModel) -> np.ndarray:
    """(n, Z) float64 gradients of a target at latent vectors (n, Z)."""
    import torch

    found = []
    for start in range(0, len(z), _CHUNK):
        codes = torch.from_numpy(z[start : start + _CHUNK]).float().to(model.device).requires_grad_()
        (gradient,) = torch.autograd.grad(target.of(codes).sum(), codes)
        found.append(gradient.double().cpu().numpy())
    return np.concatenate(found)


def sensitivities(gradients: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """(n,) directional derivatives along a concept's vector (Z,), taken at unit length."""
    along: np.ndarray = gradients @ (vector / np.linalg.norm(vector))
    return along


def tcav_score(gradients: np.ndarray, vector: np.ndarray) -> float:
    """Share of crystals whose sensitivity is positive, from gradients (n, Z) along a vector (Z,)."""
    return float((sensitivities(gradients, vector) > 0).mean())


def holm(p: np.ndarray) -> np.ndarray:
    """P-values (k,) after Holm's correction (Scand. J. Stat. 6, 65, 1979), which is Bonferroni's made sharper."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def _concepts(atlas: Atlas, asked: Mapping[str, Any] | Sequence[str] | None) -> tuple[dict[str, np.ndarray], list[str]]:
    if asked is None:
        return built_in_concepts(atlas)
    known, notes = built_in_concepts(atlas)
    if isinstance(asked, str):
        asked = [asked]
    if not isinstance(asked, Mapping):
        missing = [name for name in asked if name in BUILT_IN and name not in known]
        if missing:
            raise TargetError(f"The concept {missing[0]!r} cannot be tested: {UNLABELLED}")
        asked = {name: known.get(name, name) for name in asked}
    else:
        notes = []
    return {str(name): _rows(atlas, rows) for name, rows in asked.items()}, notes


def _rows(atlas: Atlas, given: Any) -> np.ndarray:
    """Rows of the atlas, each once; TargetError if these are none."""
    if isinstance(given, str):
        return search(atlas, given)
    try:
        rows = np.unique(np.asarray(given, dtype=int).reshape(-1))
    except (TypeError, ValueError, OverflowError):
        raise TargetError("Crystals are given as rows of the atlas, or as a query.") from None
    if len(rows) and not 0 <= rows[0] <= rows[-1] < len(atlas):
        raise TargetError(f"Rows of this atlas go from 0 to {len(atlas) - 1}.")
    return rows


def _class(atlas: Atlas, rows: Any, rng: np.random.Generator) -> tuple[np.ndarray, str]:
    if rows is None:
        drawn = rng.choice(len(atlas), min(CLASS, len(atlas)), replace=False)
        return np.sort(drawn), "drawn at random"
    found = _rows(atlas, rows)
    if not len(found):
        raise TargetError("There is no crystal to test concepts on.")
    words = " ".join(rows.split()) if isinstance(rows, str) else "as picked"
    if len(found) > CLASS:
        found, words = np.sort(rng.choice(found, CLASS, replace=False)), f"{words}, drawn at random"
    return found, words


def _measure(
    name: str,
    z: np.ndarray,
    held: np.ndarray,
    others: np.ndarray,
    every: np.ndarray,
    gradients: np.ndarray,
    runs: int,
    rng: np.random.Generator,
) -> ConceptResult:
    from scipy import stats

    count = min(len(held), len(others), MOST)
    own, control = [], []
    for _ in range(runs):
        own.append(_run(z, rng.choice(held, count, False), rng.choice(others, count, False), gradients, rng))
        # a random concept is as large, and told from others just so
        drawn = rng.choice(every, min(2 * count, len(every)), False)
        control.append(_run(z, drawn[::2], drawn[1::2], gradients, rng))
    score, size, auc, accuracy = np.array(own).T
    random_score, random_size, *_ = np.array(control).T
    # the scores of runs against those of random concepts, as Kim et al. do
    with np.errstate(invalid="ignore", divide="ignore"):
        differ = np.ptp([*score, *random_score]) > 0
        by_score = stats.ttest_ind(score, random_score, equal_var=False).pvalue if differ else 1.0
    # whether the mean change is one that a random concept could have had
    spread = float(random_size.std(ddof=1))
    t = (size.mean() - random_size.mean()) / (spread * np.sqrt(1 + 1 / runs)) if spread else np.inf * abs(size.mean())
    by_size = 2 * stats.t.sf(abs(t), runs - 1) if np.isfinite(t) else float(not size.mean())
    p = float(np.nan_to_num(max(by_score, by_size), nan=1.0))
    (score_low, score_high), (size_low, size_high) = (np.quantile(values, [0.025, 0.975]) for values in (score, size))
    return ConceptResult(
        name, len(held), float(auc.mean()), float(accuracy.mean()),
        float(score.mean()), float(score_low), float(score_high), float(random_score.mean()), float(random_score.std()),
        float(size.mean()), float(size_low), float(size_high), spread,
        p, p, bool(auc.mean() >= SEPARABLE), False,
    )  # fmt: skip


def _run(
    z: np.ndarray, one: np.ndarray, other: np.ndarray, gradients: np.ndarray, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """One classifier: its score, the mean change of the target for a standard deviation, AUC and accuracy."""
    positive, negative = (z[rng.permutation(rows)].astype(np.float64) for rows in (one, other))
    kept = len(positive) // _HELD_OUT, len(negative) // _HELD_OUT
    a, held_a, b, held_b = positive[kept[0] :], positive[: kept[0]], negative[kept[1] :], negative[: kept[1]]
    vector = discriminant(a, b)
    threshold = (a.mean(axis=0) + b.mean(axis=0)) @ vector / 2
    std = float(np.std(z @ (vector / np.linalg.norm(vector)).astype(z.dtype)))
    along = sensitivities(gradients, vector)
    above, below = held_a @ vector, held_b @ vector
    accuracy = ((above > threshold).mean() + (below <= threshold).mean()) / 2
    return float((along > 0).mean()), float(along.mean()) * std, area_under_roc(above, below), float(accuracy)


def _corrected(result: ConceptResult, adjusted: float) -> ConceptResult:
    return replace(result, adjusted=adjusted, significant=result.separable and adjusted < LEVEL)


def _below(p: float) -> str:
    return "< 0.001" if p < 1e-3 else f"= {p:.2g}"
