"""Why the model says something of the crystal: what is explained and how, the scores as bars, and a line of trust."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from xcrystal.crystal.symmetry.groups import space_group
from xcrystal.errors import CheckpointError, XCrystalError
from xcrystal.explorer import words
from xcrystal.explorer.panel import Panel, script, style
from xcrystal.explorer.panels.attribution_bars import bars, digits_for, matrix, signed
from xcrystal.explorer.panels.glossary import terms
from xcrystal.explorer.panels.trust_line import beats_random, trust_line
from xcrystal.explorer.session.tabs.explanations import ALONG, DISTANCE, NOTHING_TO_EXPLAIN

if TYPE_CHECKING:
    from xcrystal.explanation.attribution import Attribution
    from xcrystal.explanation.trust import Trust
    from xcrystal.explorer.session.session import Session
    from xcrystal.explorer.session.state import Why
    from xcrystal.explorer.worker import Worker

LEVELS = {
    "atoms": "atoms",
    "orbits": "orbits",
    "elements": "elements",
    "lattice": "lattice",
    "latent": "latent dimensions",
    "pairs": "pairs of orbits",
}
BASELINES = {
    "mean_element": "mean element",
    "fitted_element": "fitted element",
    "average_of_crystal": "own elements averaged",
    "real_elements": "real elements, same charges",
    "neighbours": "nearest known crystals' elements",
    "vacancy": "vacancy (no element)",
    "mean_cell": "mean cell",
    "prior_mean": "prior's mean",
}
_AT_BASELINE = {
    "mean_element": "with the mean element on every site",
    "fitted_element": "with the fitted element on every site",
    "average_of_crystal": "with its own elements averaged on every site",
    "real_elements": "on average with other elements of the same charges",
    "neighbours": "on average with the elements of the nearest known crystals of this formula type",
    "vacancy": "with no element on any site",
    "mean_cell": "with the mean cell",
    "prior_mean": "at the origin of latent space",
}
_MOST_AXES = 12
_TERMS = ("attribution", "baseline", "completeness", "agreement of methods", "known-answer task", "extrapolation")


class WhyView(Panel):
    """Controls, bars and trust; the bars and the structure's atoms light each other up in the browser alone."""

    _esm = script("attribution_panel")
    _css = style("attribution_panel")
    events: ClassVar[frozenset[str]] = frozenset(
        {"crystal", "shown", "attribution", "explained", "settled", "path", "axes", "mode"}
    )

    def __init__(self, session: Session, worker: Worker) -> None:
        self._seen = self._comparing = False
        self._trouble = ""
        self._trust: tuple[Trust | None] | None = None
        super().__init__(session, worker)
        self.add_class("xc-why")

    def describe(self) -> dict[str, Any]:
        """All that the script draws."""
        session, why = self.session, self.session.state.why
        found = session.explanations.attribution
        return {
            "targets": self._targets(),
            "target": "" if why is None else why.target,
            **self._choices(why),
            "waiting": why is not None and found is None and not session.explanations.unexplained,
            "trouble": self._trouble or (session.explanations.unexplained if why is not None else ""),
            "comparing": self._comparing,
            **self._terms(why),
            "explained": None if why is None or found is None else self._explained(found),
        }

    def _terms(self, why: Why | None) -> dict[str, Any]:
        """What is explained to beginners, also the method that is chosen."""
        if self.session.controls.mode != "beginner":
            return {"terms": {}, "about": ""}
        from xcrystal.explanation.methods import METHODS

        about = "attribution" if why is None else METHODS[why.method].title.split(" (")[0]
        return {"terms": terms(about, *_TERMS), "about": about}

    def act(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Explain something else, or in another way."""
        action = message["act"]
        if action == "seen":
            self._seen = True
        elif action == "compare":
            self._comparing = bool(message.get("value"))
        elif action == "why":
            self._trouble = ""
            chosen = [str(message.get(name) or "") for name in ("target", "method", "level", "baseline")]
            try:
                self.session.explain(
                    chosen[0] or None, *_fitting(chosen[1] or self.session.explanations.method, *chosen[2:])
                )
            except XCrystalError as error:
                self._trouble = str(error)

    def _on_event(self, event: str) -> None:
        super()._on_event(event)
        if event == "history" and self._trouble:  # it was about the last act
            self._trouble = ""
            self.refresh()

    # -- what is offered

    def _targets(self) -> list[list[Any]]:
        """Groups of targets, each with a heading and pairs of value and label."""
        session = self.session
        why = session.state.why
        groups: list[list[Any]] = [["", [["", "nothing (colours of elements)"]]]]
        groups.append(["Predicted property", [[name, words.title(name)] for name in session.predicted]])
        own = session.display.space_group
        decided = []
        if own is not None:
            symbol = words.space_group_text(space_group(own[0]).symbol)
            decided.append(["space group", f"space group {own[0]} ({symbol}): why this one?"])
        for number, _ in session.structure.properties.get("likely_groups", ()):
            if own is None or int(number) != own[0]:
                name = f"space group {int(number)}"
                symbol = words.space_group_text(space_group(int(number)).symbol)
                decided.append([name, f"{name} ({symbol}): why not?"])
        decided += [
            [f"element of orbit {k + 1}", f"{name}: why this element?"] for k, name in enumerate(self._orbit_names())
        ]
        groups.append(["Decision of the decoder", decided])
        groups.append(
            ["Place in latent space", [["density", "density of known crystals"], ["latent", "latent dimension"]]]
        )
        ends = [
            [f"{DISTANCE}{n}", f"to {n}"] for n, end in zip("AB", session.state.ends, strict=True) if end is not None
        ]
        near = [
            [f"{DISTANCE}{n.material_id}", f"to {n.formula} ({n.material_id})"] for n in session.state.point.neighbours
        ]
        groups.append(["Distance", [*ends, *near]])
        axes = [axis.name for axis in (*session.sliders.axes[:_MOST_AXES], *session.state.concepts)]
        names = [n for n in dict.fromkeys(axes) if not n.startswith("latent ")]
        groups.append(["Along a direction", [[ALONG + name, name] for name in names]])
        offered = {value for _, choices in groups for value, _ in choices}
        if why is not None and why.target not in offered and not why.target.startswith("latent "):
            groups.append(["Chosen", [[why.target, why.target]]])
        return [group for group in groups if group[1]]

    def _orbit_names(self) -> list[str]:
        """Of the orbits in canonical order; not looked for before the tab is seen, nor while a hand moves."""
        from xcrystal.explanation.inputs import orbit_names

        if not self.session.idle or not (self._seen or self.session.state.why is not None):
            return []
        try:
            return orbit_names(self.session.explanations.form.crystal)
        except XCrystalError:
            return []

    def _choices(self, why: Why | None) -> dict[str, Any]:
        """Methods that go with the level, and baselines that go with both."""
        if why is None:
            return {"methods": [], "levels": [], "baselines": [], "method": "", "level": "", "baseline": ""}
        from xcrystal.explanation.methods import METHODS, baselines_of

        def marked(name: str) -> str:
            worse = beats_random(self._trusted(), name) is False
            return METHODS[name].title + (" (does not beat random)" if worse else "")

        return {
            "methods": [[name, marked(name)] for name, method in METHODS.items() if why.level in method.levels],
            "levels": [list(level) for level in LEVELS.items()],
            "baselines": [[name, BASELINES[name]] for name in baselines_of(why.method, why.level)],
            "method": why.method,
            "level": why.level,
            "baseline": why.baseline,
        }

    # -- what is found

    def _explained(self, found: Attribution) -> dict[str, Any]:
        session = self.session
        orbits, others = session.explanations.form.orbit_of_atom, self._others(found)
        pairs = found.level == "pairs"
        return {
            "said": difference_words(found),
            "unsigned": not _signed(found.method),
            "bars": None if pairs else bars(found, orbits, others),
            "matrix": matrix(found, orbits) if pairs else None,
            "unit": found.unit,
            "scale": found.scale().css(),
            "muted": not found.beyond_error,
            "ticks": list(others),
            "comparable": not pairs and len(self._baselines_of(found)) > 1,
            "trust": trust_line(found, session.explanations.checks, self._trusted()),
        }

    def _others(self, found: Attribution) -> dict[str, Attribution]:
        """Explanations that are marked beside the bars: from all other baselines, or the one before this."""
        from xcrystal.explanation.methods import METHODS

        session = self.session
        if found.level == "pairs":
            return {}
        if self._comparing:
            every = session.explanations.compare_baselines()
            return {f"from {BASELINES[n]}": other for n, other in every.items() if n != found.baseline}
        before = session.explanations.previous
        if before is None:
            return {}
        if before.method != found.method:
            return {f"before: {METHODS[before.method].title}, from {BASELINES[before.baseline]}": before}
        return {f"before: from {BASELINES[before.baseline]}": before}

    def _baselines_of(self, found: Attribution) -> tuple[str, ...]:
        from xcrystal.explanation.methods import baselines_of

        return baselines_of(found.method, found.level)

    def _trusted(self) -> Trust | None:
        """What was measured for the model, read once."""
        from xcrystal.explanation.trust import load_trust

        if self._trust is None:
            try:
                self._trust = (load_trust(self.session.model),)
            except CheckpointError:  # of other weights: the same as not measured
                self._trust = (None,)
        return self._trust[0]


def _fitting(method: str, level: str, baseline: str) -> tuple[str, str, str | None]:
    """A choice that goes together: the level that is asked for, the method and the baseline if they can be kept."""
    from xcrystal.explanation.methods import METHODS, baselines_of

    level = level or "atoms"
    if method in METHODS and level in LEVELS and level not in METHODS[method].levels:
        method = next(name for name, other in METHODS.items() if level in other.levels)
    known = method in METHODS and baseline in BASELINES
    return method, level, baseline if known and baseline in baselines_of(method, level) else None


def _signed(method: str) -> bool:
    from xcrystal.explanation.methods import METHODS

    return METHODS[method].signed


def difference_words(found: Attribution) -> str:
    """What the scores share out: "−3.50 eV/atom here, −1.02 with the mean element on every site; difference −2.48."."""
    unit = f" {found.unit}" if found.unit else ""
    difference = found.target_value - found.baseline_value
    digits = min(digits_for(max(abs(difference), 0.05)), 3)
    here, there = (signed(value, digits).removeprefix("+") for value in (found.target_value, found.baseline_value))
    what = words.explained(found.target)
    what = f"{what[0].upper()}{what[1:]}"
    if not _signed(found.method):
        return f"{what}: {here}{unit} here. The bars say how much each part matters, not which way."
    apart = signed(difference, digits)
    if not found.beyond_error and found.interval is not None:
        low, high = (signed(value, digits).removeprefix("+") for value in found.interval)
        return (
            f"{what}: {here}{unit} here, {there} {_AT_BASELINE[found.baseline]}. {NOTHING_TO_EXPLAIN} "
            f"(90 %: {low} to {high}{unit})"
        )
    name, _, how = found.method_title.partition(", ")
    by = f"{name} ({how})" if how else name
    if found.standard_error is not None:
        by += f", each ± {found.standard_error:.1g}{unit}"
    return (
        f"{what}: {here}{unit} here, {there} {_AT_BASELINE[found.baseline]}; the difference of {apart} is shared out "
        f"by {by}."
    )
