"""The line under an explanation that says how far it can be trusted: four sentences, each with its own sign."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from xcrystal.explorer.panels.attribution_bars import digits_for, signed
from xcrystal.latent.density import INSIDE

if TYPE_CHECKING:
    from xcrystal.explanation.attribution import Attribution
    from xcrystal.explanation.trust import Trust
    from xcrystal.explorer.session.tabs.explanations import Checks

_SHARE, _LEAST = 0.01, 0.002  # of the difference, or in the target's unit: what counts as adding up
_ALIKE, _UNLIKE = 0.8, 0.4  # rank correlations
_VISIBLE = 0.0005  # of an error: less is not worth a figure
_FEW = 5  # scores whose order two methods may well agree on by chance
GOOD, BAD, NOTE, WAITING = "good", "bad", "note", "waiting"


class Part(TypedDict):
    """One sentence: its name, its verdict ("good", "bad", "note" or "waiting"), the term behind it, and the text.

    ``figures`` are for those who ask for more; empty if there are none.
    """

    name: str
    verdict: str
    term: str
    text: str
    figures: str


def trust_line(found: Attribution, checks: Checks | None, trust: Trust | None) -> list[Part]:
    """Completeness, agreement with another method, known-answer tasks, extrapolation.

    Parameters
    ----------
    found
        The explanation.
    checks
        Of this crystal; None while they are not made.
    trust
        What was measured for the model; None if nothing was.
    """
    return [_completeness(found), _agreement(checks), _tasks(found, trust), _extrapolation(checks)]


def beats_random(trust: Trust | None, method: str) -> bool | None:
    """Whether a method was found to be better than chance where the answer is known; None if it was not tested."""
    if trust is None or not trust.of(method):
        return None
    return trust.beats_random(method)


def _completeness(found: Attribution) -> Part:
    from xcrystal.explanation.methods import METHODS

    if not METHODS[found.method].signed:
        text = "These scores only say what matters more, not which way."
        return Part(name="completeness", verdict=NOTE, term="completeness", text=text, figures="")
    difference, error = found.target_value - found.baseline_value, found.completeness_error
    unit = f" {found.unit}" if found.unit else ""
    off = f"{error:.{max(digits_for(error), 3)}f}{unit}"
    share = "" if abs(difference) < 1e-9 else f", {error / abs(difference):.0%} of the difference"
    if error <= max(_SHARE * abs(difference), _LEAST):
        text = "Adds up: the scores sum to the difference from the baseline."
        figures = f"To within {off}." if error >= _VISIBLE else ""
        return Part(name="completeness", verdict=GOOD, term="completeness", text=text, figures=figures)
    why = "" if METHODS[found.method].complete else ", which this method does not promise"
    text = f"Does not add up{why}."
    figures = f"The sum of the scores misses the difference by {off}{share}."
    return Part(name="completeness", verdict=BAD, term="completeness", text=text, figures=figures)


def _agreement(checks: Checks | None) -> Part:
    from xcrystal.explanation.methods import METHODS

    verdict, text, figures = NOTE, "There is no independent method to compare with.", ""
    if checks is None:
        verdict, text = WAITING, "Agreement with an independent method: being computed."
    elif checks.method:
        other = METHODS[checks.method].title
        if checks.spearman is None:
            few = "one score" if checks.count == 1 else f"{checks.count} different scores"
            text = f"Agreement with {other} cannot be ranked: there is only {few}."
            if checks.count > 1:
                text = text.replace("there is only", "there are only")
        else:
            verdict = GOOD if checks.spearman >= _ALIKE else NOTE if checks.spearman >= _UNLIKE else BAD
            how = {GOOD: "Agrees", NOTE: "Agrees in part", BAD: "Does not agree"}[verdict]
            ranks = signed(checks.spearman, 2)
            text = f"{how} with another kind of method, {other}."
            figures = f"Rank correlation {ranks} over {checks.count} scores (Spearman)."
            if verdict == GOOD and checks.count < _FEW:
                verdict, text = NOTE, f"{text} With so few scores that may be chance."
    return Part(name="agreement", verdict=verdict, term="agreement of methods", text=text, figures=figures)


def _tasks(found: Attribution, trust: Trust | None) -> Part:
    from xcrystal.explanation.methods import baselines_of

    better = beats_random(trust, found.method)
    figures = "" if trust is None else trust.words(found.method)
    if trust is None:
        text = "Known-answer tasks: not evaluated for this model, so nobody knows whether this method is right."
    elif better is None:
        text = "This method was not tested where the answer is known."
    elif better:
        text = "Finds the right atoms where the answer is known."
    else:
        text = "Not better than random where the answer is known."
    asked = found.level in ("atoms", "orbits") and found.baseline == baselines_of(found.method, found.level)[0]
    if trust is not None and not asked:
        better = None if better else better
        figures = f"Known answers were asked of atoms, from the method's usual baseline, not of this. {figures}"
        text = f"Tested in another setting: {text[0].lower()}{text[1:]}"
    verdict = NOTE if better is None else GOOD if better else BAD
    return Part(name="tasks", verdict=verdict, term="known-answer task", text=text, figures=figures)


def _extrapolation(checks: Checks | None) -> Part:
    verdict, text, figures = WAITING, "Nearness to known crystals: being computed.", ""
    if checks is not None:
        far = checks.quantile > INSIDE
        share = "all" if checks.quantile >= 1 else f"{100 * checks.quantile:.0f} %"
        verdict = BAD if far else GOOD
        text = (
            "Extrapolation: the model has seen little like this crystal."
            if far
            else "Within the data: the model has seen crystals like this one."
        )
        figures = f"It is farther from known crystals than {share} of them are from each other."
    return Part(name="extrapolation", verdict=verdict, term="extrapolation", text=text, figures=figures)
