"""The line under an explanation that says how far it can be trusted: four sentences, each with its own sign."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from xcrystal.explorer.panels.attribution_bars import digits_for, signed
from xcrystal.latent.density import INSIDE

if TYPE_CHECKING:
    from xcrystal.explanation.attribution import Attribution
    from xcrystal.explanation.trust import Trust
    from xcrystal.explorer.session.explanations import Checks

_SHARE, _LEAST = 0.01, 0.002  # of the difference, or in the target's unit: what counts as adding up
_ALIKE, _UNLIKE = 0.8, 0.4  # rank correlations
_FEW = 5  # scores whose order two methods may well agree on by chance
GOOD, BAD, NOTE, WAITING = "good", "bad", "note", "waiting"


class Part(TypedDict):
    """One sentence: its name, its verdict ("good", "bad", "note" or "waiting"), the term behind it, and the text."""

    name: str
    verdict: str
    term: str
    text: str


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
        text = "The scores have no sign and do not add up to anything; they only say what matters more."
        return Part(name="completeness", verdict=NOTE, term="completeness", text=text)
    difference, error = found.target_value - found.baseline_value, found.completeness_error
    unit = f" {found.unit}" if found.unit else ""
    off = f"{error:.1g}{unit}" if error < _LEAST else f"{error:.{digits_for(error)}f}{unit}"
    share = "" if abs(difference) < 1e-9 else f", {error / abs(difference):.0%} of the difference"
    if error <= max(_SHARE * abs(difference), _LEAST):
        text = f"Adds up: the scores sum to the difference, to within {off}."
        return Part(name="completeness", verdict=GOOD, term="completeness", text=text)
    why = "" if METHODS[found.method].complete else ", which this method does not promise"
    text = f"Does not add up{why}: the sum of the scores misses the difference by {off}{share}."
    return Part(name="completeness", verdict=BAD, term="completeness", text=text)


def _agreement(checks: Checks | None) -> Part:
    from xcrystal.explanation.methods import METHODS

    verdict, text = NOTE, "There is no independent method to compare with."
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
            text = f"{how} with {other}: rank correlation {ranks} over {checks.count} scores (Spearman)."
            if verdict == GOOD and checks.count < _FEW:
                verdict, text = NOTE, f"{text} Of so few scores that may be chance."
    return Part(name="agreement", verdict=verdict, term="agreement of methods", text=text)


def _tasks(found: Attribution, trust: Trust | None) -> Part:
    from xcrystal.explanation.methods import baselines_of

    better = beats_random(trust, found.method)
    if trust is None:
        text = "Known-answer tasks: not evaluated for this model, so nobody knows whether this method is right."
    else:
        text = trust.words(found.method)
    asked = found.level in ("atoms", "orbits") and found.baseline == baselines_of(found.method, found.level)[0]
    if trust is not None and not asked:
        better = None if better else better
        text = f"Known answers were asked of atoms, from the method's usual baseline, not of this. {text}"
    verdict = NOTE if better is None else GOOD if better else BAD
    return Part(name="tasks", verdict=verdict, term="known-answer task", text=text)


def _extrapolation(checks: Checks | None) -> Part:
    verdict, text = WAITING, "Nearness to known crystals: being computed."
    if checks is not None:
        far = checks.quantile > INSIDE
        farther = f"{100 - 100 * checks.quantile:.0f} %"
        share = "all" if checks.quantile >= 1 else f"{100 * checks.quantile:.0f} %"
        verdict = BAD if far else GOOD
        text = (
            f"Extrapolation: farther from known crystals than {share} of them are from each other."
            if far
            else f"Within the data: {farther} of the known crystals lie farther from the others."
        )
    return Part(name="extrapolation", verdict=verdict, term="extrapolation", text=text)
