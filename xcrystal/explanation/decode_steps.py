"""One decode, choice by choice: what the decoder took at each step, how probable that was, and what else it might have.

The decoder is autoregressive: it takes a space group, then for one orbit after another a Wyckoff position, an element
and the free coordinates, until it ends, and then the cell. A *greedy decode* takes the most probable choice at each
step. Any choice can be overruled: the decoder goes on greedily from there, so that one sees what follows.

The cumulative log-likelihood is the sum of the logarithms (nats) of the probabilities of the choices up to a step. The
coordinates count with the probability of the bin that was taken; what is predicted without a probability, the
coordinates within a bin and the cell, does not count.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from xcrystal.crystal.elements import MAX_Z, symbol
from xcrystal.crystal.reading import read_structure
from xcrystal.crystal.symmetry.groups import SpaceGroup, space_group
from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal
from xcrystal.errors import TargetError, UnsupportedElementWarning, check_whole_number
from xcrystal.generator import CrystalModel, to_structure
from xcrystal.reporting import fixed, html_table
from xcrystal.wrapping import wrap_model

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go
    from pymatgen.core import Structure

    from xcrystal.model.decoded import Decoded
    from xcrystal.model.decoding import Forced
    from xcrystal.model.following import FollowedDecode

END = "end"
GROUP = "space group"
CELL = "cell"
OVERRULED = "overruled"  # how a crystal was chosen, as its property "chosen" says
LIKELY = 4  # alternatives that are listed
_COLORS = ("#0072b2", "#e69f00", "#56b4e9", "#cc79a7", "#999999")  # Okabe and Ito's, distinct for the colour-blind


class Alternative(NamedTuple):
    """A choice that is possible at a step: its number in the network, how it is written, and its probability."""

    number: int
    text: str
    probability: float


@dataclass(frozen=True)
class Step:
    """One choice of the decoder.

    Attributes
    ----------
    name
        "space group", "position of orbit 1", "element of orbit 1", "coordinates of orbit 1" or "cell".
    kind, orbit
        "space group", "position", "element", "coordinates" or "cell"; and the orbit, counted from 1, or None.
    taken
        What was taken, in words: "221 (Pm-3m)", "1a", "end" after the last orbit, "Sr", "0.305, ·, ·".
    number
        The number of the choice in the network; -1 of coordinates and the cell.
    probability, log_likelihood
        Of the choice, NaN of the cell; and of all choices up to here, nats.
    alternatives
        All that were possible, the most probable first; empty of coordinates and the cell.
    overruled
        Whether the choice was forced.
    """

    name: str
    kind: str
    orbit: int | None
    taken: str
    number: int
    probability: float
    log_likelihood: float
    alternatives: tuple[Alternative, ...] = ()
    overruled: bool = False

    def likely(self, most: int = LIKELY) -> tuple[Alternative, ...]:
        """The ``most`` probable alternatives, and the choice that was taken if it is none of them."""
        first = self.alternatives[:most]
        return first + tuple(a for a in self.alternatives[most:] if a.number == self.number)

    @property
    def greedy(self) -> bool:
        """Whether the most probable choice was taken; True of what has no alternatives."""
        return not self.alternatives or self.alternatives[0].number == self.number


@dataclass(frozen=True, eq=False)
class DecodeSteps:
    """A decode, step by step.

    Attributes
    ----------
    model
        Whose decoder it is.
    z
        (Z,) float32 latent vector.
    steps
        The choices in their order.
    crystal
        What was decoded, in canonical settings.
    structure
        The same as a standardized primitive cell; not relaxed.
    overruled
        Names of the steps whose choices were forced, and these choices.
    """

    model: CrystalModel
    z: np.ndarray
    steps: tuple[Step, ...]
    crystal: WyckoffCrystal
    structure: Structure
    overruled: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        forced = f", {len(self.overruled)} overruled" if self.overruled else ""
        return f"DecodeSteps({self.formula!r}, {len(self.steps)} steps, {fixed(self.log_likelihood, 2)} nats{forced})"

    @property
    def formula(self) -> str:
        """Reduced formula of the crystal."""
        return str(self.structure.composition.reduced_formula)

    @property
    def log_likelihood(self) -> float:
        """Of all choices together, nats."""
        return self.steps[-1].log_likelihood

    def step(self, name: str) -> Step:
        """The step of a name; raises TargetError if there is none."""
        found = next((step for step in self.steps if step.name == " ".join(str(name).split())), None)
        if found is None:
            names = ", ".join(step.name for step in self.steps if step.alternatives)
            raise TargetError(f"This decode has no step {str(name)[:40]!r}; it has: {names}.")
        return found

    def overrule(self, step: str, choice: int | str | None = None, *, rank: int | None = None) -> DecodeSteps:
        """Force a choice at a step, and decode on greedily from there.

        What was overruled before this step stays; what was after it is decided anew.

        Parameters
        ----------
        step
            Its name, such as "element of orbit 1".
        choice
            A space group (number or symbol), a Wyckoff position ("1a" or "a") or "end", or the symbol of an element.
        rank
            Instead of a choice: 1 for the most probable one at this step, 2 for the runner-up, and so on.

        Raises
        ------
        TargetError
            If there is no such step, or the choice is impossible there.
        """
        return _forced(self.model, self.z, (*self._forced_before(step), (step, _chosen(self, step, choice, rank).text)))

    def _forced_before(self, step: str) -> tuple[tuple[str, str], ...]:
        names = [one.name for one in self.steps]
        place = names.index(self.step(step).name)
        return tuple(pair for pair in self.overruled if names.index(pair[0]) < place)

    def partial(self, step: int) -> Structure | None:
        """The orbits whose element is decided after a step, counted from 0, in the final cell; None before the first.

        Raises
        ------
        TargetError
            If there is no such step.
        """
        if not 0 <= step < len(self.steps):
            raise TargetError(f"There is no step {step}; there are 0 to {len(self.steps) - 1}.")
        count = sum(one.kind == "element" for one in self.steps[: step + 1])
        return first_orbits(self.crystal, count).to_structure() if count else None

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a step: ``step``, ``taken``, ``probability``, ``log_likelihood`` (nats, cumulative), ``alternatives``
        (text) and ``overruled``.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "step": [step.name for step in self.steps],
                "taken": [step.taken for step in self.steps],
                "probability": [step.probability for step in self.steps],
                "log_likelihood": [step.log_likelihood for step in self.steps],
                "alternatives": [_others(step) for step in self.steps],
                "overruled": [step.overruled for step in self.steps],
            }
        )

    def figure(self) -> go.Figure:
        """Draw the probabilities of the likeliest choices, one bar a step, the first step on top, with plotly."""
        import plotly.graph_objects as go

        shown = [step for step in self.steps if step.alternatives]
        figure = go.Figure()
        for rank in range(LIKELY):
            found = [(step, step.alternatives[rank]) for step in shown if len(step.alternatives) > rank]
            figure.add_bar(
                orientation="h",
                name=f"{('most', 'second', 'third', 'fourth')[rank]} probable",
                y=[step.name for step, _ in found],
                x=[one.probability for _, one in found],
                text=[f"<b>{one.text}</b>" if one.number == step.number else one.text for step, one in found],
                marker={"color": _COLORS[rank], "line": {"color": "white", "width": 1}},
                hovertemplate="%{y}: %{text}, %{x:.3f}<extra></extra>",
            )
        figure.update_layout(
            barmode="stack",
            title=f"{self.formula}: {fixed(self.log_likelihood, 2)} nats; bold is what was taken",
            xaxis={"title": "probability", "range": [0, 1]},
            yaxis={"autorange": "reversed"},
            height=160 + 24 * len(shown),
        )
        return figure

    def rows(self) -> list[list[str]]:
        """Each step as text: name, what was taken, probability, log-likelihood (nats, cumulative), and what else."""
        rows = []
        for step in self.steps:
            taken = f"{step.taken} (overruled)" if step.overruled else step.taken
            p = "" if np.isnan(step.probability) else probability_text(step.probability)
            rows.append([step.name, taken, p, fixed(step.log_likelihood, 2), _others(step)])
        return rows

    def _repr_html_(self) -> str:
        head = ["step", "taken", "probability", "log-likelihood (nats)", "else"]
        return html_table([head, *self.rows()], f"{self.formula}, decoded in {len(self.steps)} steps; not relaxed")

    def to_dict(self) -> dict[str, Any]:
        """What is known as plain values, with the likeliest alternatives of each step."""
        return {
            "formula": self.formula,
            "log_likelihood": self.log_likelihood,
            "overruled": [list(pair) for pair in self.overruled],
            "steps": [
                {
                    "step": step.name,
                    "taken": step.taken,
                    "probability": step.probability,
                    "log_likelihood": step.log_likelihood,
                    "overruled": step.overruled,
                    "alternatives": [[one.text, one.probability] for one in step.likely()],
                }
                for step in self.steps
            ],
        }


def decode_steps(
    model: CrystalModel,
    source: Any,
    overrule: Mapping[str, int | str] | Sequence[tuple[str, int | str]] = (),
    *,
    follow: Any = None,
) -> DecodeSteps:
    """Decode a latent vector greedily, and show each choice with its alternatives.

    Parameters
    ----------
    model
        Whose decoder it is.
    source
        A latent vector (Z,), or a crystal that is encoded first: a Structure, or the path of a crystal file.
    overrule
        Choices that are forced, by the names of their steps, such as ``{"element of orbit 1": "Ca"}``; one after
        another, as of ``DecodeSteps.overrule``.
    follow
        A crystal that the decoder is led through instead of making its own choices, such as one that reranking or a
        search has found for the same vector: it tells how probable each of its choices was.

    Raises
    ------
    TargetError
        If there is no such step, or a choice is impossible there; the vector and a crystal go together with neither.
    CapabilityError
        If the model does not tell what else it might have decoded.
    ReadError, InvalidCrystalError, UnsupportedCrystalError
        If a crystal cannot be encoded, or ``z`` has another shape.
    """
    if not isinstance(model, CrystalModel):
        wrap_model(model).require("runners_up")
    vector = _vector(model, source)
    pairs = tuple(overrule.items() if isinstance(overrule, Mapping) else overrule)
    if follow is None:
        return _forced(model, vector, pairs)
    if pairs:
        raise TargetError("Choices are overruled in a decode of its own, not in a crystal that is followed.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnsupportedElementWarning)
        crystal = follow if isinstance(follow, WyckoffCrystal) else model.canonical(follow).crystal
    return DecodeSteps(model, vector, _steps(model, vector, crystal, ()), crystal, crystal.to_structure())


def first_orbits(crystal: WyckoffCrystal, count: int) -> WyckoffCrystal:
    """The crystal with its first ``count`` orbits only."""
    parts = (crystal.positions[:count], crystal.elements[:count], crystal.coordinates[:count])
    return WyckoffCrystal(crystal.space_group, crystal.lattice, *parts, np.arange(count)[None])


def choice_at(steps: DecodeSteps, name: str, choice: int | str) -> Alternative:
    """The alternative of a step that a choice means.

    Raises
    ------
    TargetError
        If there is no such step, or the choice is impossible there.
    """
    step = steps.step(name)
    said = " ".join(str(choice).split())
    found = next((one for one in step.alternatives if said in _writings(one.text, step.kind)), None)
    if found is None:
        raise TargetError(_impossible(steps, step, said))
    return found


def choice_logits(followed: FollowedDecode, step: Step) -> Any:
    """(B, n) logits of the choices of a step that has alternatives, as a torch tensor."""
    if step.kind == GROUP:
        return followed.group()
    orbit = _orbit(step) - 1
    return followed.letter(orbit) if step.kind == "position" else followed.element(orbit)


def followed(model: CrystalModel, z: Any, crystal: WyckoffCrystal, step: Step) -> FollowedDecode:
    """The decoder led through a crystal up to a step, at latent vectors (B, Z), a torch tensor."""
    from xcrystal.model.following import FollowedDecode

    return FollowedDecode(model.network, z, model.batch([crystal]), 0 if step.orbit is None else step.orbit - 1)


def _vector(model: CrystalModel, source: Any) -> np.ndarray:
    """(Z,) latent vector of what is given."""
    if isinstance(source, WyckoffCrystal):
        return model.encode_canonical([source])[0]
    if hasattr(source, "lattice") or isinstance(source, str) or hasattr(source, "__fspath__"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnsupportedElementWarning)
            return model.encode(read_structure(source))[0]
    vectors = model.vectors(source)
    if len(vectors) != 1:
        raise TargetError(f"One latent vector is decoded step by step, not {len(vectors)}.")
    return vectors[0]


def _forced(model: CrystalModel, z: np.ndarray, overrule: Sequence[tuple[str, int | str]]) -> DecodeSteps:
    """The greedy decode in which choices are overruled, one after another."""
    done: list[tuple[str, str]] = []
    found = _greedy(model, z, {}, ())
    for name, choice in overrule:
        taken = choice_at(found, name, choice)
        done = [*found._forced_before(name), (found.step(name).name, taken.text)]
        forced = {found.step(n).name: choice_at(found, n, c).number for n, c in done}
        found = _greedy(model, z, forced, tuple(done))
    return found


def _greedy(
    model: CrystalModel, z: np.ndarray, forced: Mapping[str, int], overruled: tuple[tuple[str, str], ...]
) -> DecodeSteps:
    import torch

    from xcrystal.model.decoding import ELEMENT, LETTER, greedy_decode
    from xcrystal.model.device import one_thread

    kinds = {"position": LETTER, "element": ELEMENT}
    inner: Forced = {
        (kinds[name.split()[0]], int(name.split()[-1]) - 1): n for name, n in forced.items() if name != GROUP
    }
    with torch.inference_mode(), one_thread():
        vector = torch.from_numpy(z[None]).to(model.device)
        decoded: Decoded = greedy_decode(model.network, vector, forced.get(GROUP), inner)[0]
    if forced:
        decoded = replace(decoded, chosen=OVERRULED)
    steps = _steps(model, z, decoded.crystal, tuple(forced))
    return DecodeSteps(model, z, steps, decoded.crystal, to_structure(decoded), overruled)


def _steps(model: CrystalModel, z: np.ndarray, crystal: WyckoffCrystal, overruled: tuple[str, ...]) -> tuple[Step, ...]:
    """The steps of a decoder that is led through a crystal."""
    import torch

    from xcrystal.model.device import one_thread
    from xcrystal.model.following import FollowedDecode

    group, bins = space_group(crystal.space_group), model.network.config.bins
    steps: list[Step] = []
    total = 0.0

    def add(kind: str, orbit: int | None, number: int, logits: Any) -> None:
        nonlocal total
        name = kind if orbit is None else f"{kind} of orbit {orbit}"
        log_p = logits[0].double().log_softmax(dim=-1).cpu().numpy()
        possible = [int(k) for k in np.argsort(-log_p, kind="stable") if np.isfinite(log_p[k]) and log_p[k] > -1e8]
        every = tuple(Alternative(k, _text(kind, k, group), float(np.exp(log_p[k]))) for k in possible)
        total += float(log_p[number])
        p = float(np.exp(log_p[number]))
        steps.append(Step(name, kind, orbit, _text(kind, number, group), number, p, total, every, name in overruled))

    with torch.inference_mode(), one_thread():
        vector = torch.from_numpy(z[None]).to(model.device)
        found = FollowedDecode(model.network, vector, model.batch([crystal]))
        add(GROUP, None, crystal.space_group, found.group())
        for k, (letter, element) in enumerate(zip(crystal.positions, crystal.elements, strict=True)):
            add("position", k + 1, int(letter), found.letter(k))
            add("element", k + 1, int(element), found.element(k))
            free = group.positions[int(letter)].free
            if free.any():
                log_p = 0.0
                for axis in np.flatnonzero(free):
                    place = round(float(crystal.coordinates[k, axis]) % 1.0 * bins) % bins
                    log_p += float(found.axis(k, int(axis)).double().log_softmax(dim=-1)[0, place])
                total += log_p
                where = ", ".join(f"{x:.3f}" if f else "·" for x, f in zip(crystal.coordinates[k], free, strict=True))
                name = f"coordinates of orbit {k + 1}"
                steps.append(Step(name, "coordinates", k + 1, where, -1, float(np.exp(log_p)), total))
        if len(crystal.positions) < model.max_orbits:  # beyond that nothing is left to choose
            add("position", len(crystal.positions) + 1, _end_number(), found.letter(len(crystal.positions)))
    a, b, c, *angles = crystal.lattice
    cell = f"a {a:.2f}, b {b:.2f}, c {c:.2f} Å; " + ", ".join(f"{angle:.1f}°" for angle in angles)
    steps.append(Step(CELL, CELL, None, cell, -1, float("nan"), total))
    return tuple(steps)


def _end_number() -> int:
    from xcrystal.model.wyckoff_tables import MAX_LETTERS

    return MAX_LETTERS


def _text(kind: str, number: int, group: SpaceGroup) -> str:
    if kind == GROUP:
        return f"{number} ({space_group(number).symbol})"
    if kind == "element":
        return symbol(number)
    if number == _end_number():
        return END
    return f"{group.positions[number].multiplicity}{group.positions[number].letter}"


def _writings(text: str, kind: str) -> set[str]:
    """How an alternative may be written."""
    if kind == GROUP:
        number, name = text.split(" ", 1)
        return {text, number, name.strip("()")}
    return {text, text.lstrip("0123456789")} if kind == "position" else {text}


def _impossible(steps: DecodeSteps, step: Step, said: str) -> str:
    """Why a choice is impossible at a step, and what is possible."""
    if not step.alternatives:
        return f"The {step.name} cannot be overruled: it is a number, not a choice among a few."
    if step.kind == GROUP:
        return f"There is no space group {said[:40]!r}; they are numbered from 1 to 230."
    if step.kind == "element":
        return f"The model knows no element {said[:40]!r}; it knows those from H to {symbol(MAX_Z)}."
    group = space_group(steps.crystal.space_group)
    every = {f"{p.multiplicity}{p.letter}": p for p in group.positions}
    name = f"space group {steps.crystal.space_group} ({group.symbol})"
    possible = ", ".join(sorted(one.text for one in step.alternatives))
    if said == END:
        return "The decoder cannot end before the first orbit."
    if not any(said in _writings(text, "position") for text in every):
        return f"{name[0].upper()}{name[1:]} has no Wyckoff position {said[:40]!r}; possible here: {possible}."
    return (
        f"The Wyckoff position {said!r} is impossible at the {step.name}: it comes before the last one, is full, or "
        f"holds too many atoms; possible here: {possible}."
    )


def _chosen(steps: DecodeSteps, name: str, choice: int | str | None, rank: int | None) -> Alternative:
    step = steps.step(name)
    if (choice is None) == (rank is None):
        raise TargetError("Give either a choice or a rank.")
    if choice is not None:
        return choice_at(steps, name, choice)
    place = check_whole_number(rank, "The rank of a choice")
    if place > len(step.alternatives):
        raise TargetError(f"The {step.name} has {len(step.alternatives)} possible choices, not {place}.")
    return step.alternatives[place - 1]


def _orbit(step: Step) -> int:
    assert step.orbit is not None  # of positions and elements
    return step.orbit


def _others(step: Step) -> str:
    """The likeliest other choices: "Ca 0.120, Ba 4e-09"."""
    others = [one for one in step.alternatives if one.number != step.number][: LIKELY - 1]
    return ", ".join(f"{one.text} {probability_text(one.probability)}" for one in others)


def probability_text(p: float) -> str:
    """ "0.120", or "4e-09" of what would be rounded to 0."""
    return f"{p:.3f}" if p >= 5e-4 else f"{p:.0e}"
