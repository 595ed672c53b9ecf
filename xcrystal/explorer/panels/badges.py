"""The verdicts on a crystal as badges: an icon, a word, and one sentence that explains it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypedDict

from xcrystal.assessment.crystal_report import RETURNS
from xcrystal.crystal.geometry.contacts import SHORT_CONTACT

if TYPE_CHECKING:
    from xcrystal.assessment.crystal_report import CrystalReport

GOOD, BAD, NOTE, WAITING = "good", "bad", "note", "waiting"
_ICONS = {GOOD: "✓", BAD: "!", NOTE: "–", WAITING: "…"}
_CHARGES = {
    "balanced": (GOOD, "charges balance", "Known oxidation states of these elements can add up to zero (SMACT)."),
    "unbalanced": (
        BAD,
        "charges do not balance",
        "No known oxidation states of these elements add up to zero (SMACT).",
    ),
    "alloy": (NOTE, "an alloy", "SMACT counts all of these elements as metals, whose charges need not balance."),
    "element": (NOTE, "an element", "There is only one element, so there are no charges to balance."),
    "not tried": (NOTE, "charges not tried", "There are too many elements to try all their oxidation states."),
}


class Badge(TypedDict):
    """``look`` is "good", "bad", "note" or "waiting"; colour is never all that tells them apart."""

    name: str
    look: str
    icon: str
    words: str
    help: str


def badges(report: CrystalReport | None) -> list[Badge]:
    """Contacts, charges, novelty, and nearness to the data; while there is no report yet, what will be judged."""
    if report is None:
        names = ("contacts", "charges", "novelty", "nearness to data")
        return [_badge(name, WAITING, name, "Checked when you pause.") for name in names]
    return [
        _contacts(report),
        _badge("charges", *_CHARGES[report.charges]),
        _novelty(report),
        _extrapolation(report),
    ]


def warning(report: CrystalReport | None) -> str:
    """What is to be said above everything else; empty if nothing."""
    if report is None or not report.extrapolates:
        return ""
    return (
        f"Extrapolation: this is farther from known crystals than {_share(report.quantile)} of them are from each "
        "other, so trust what is said here less."
    )


def own_code(report: CrystalReport) -> str:
    """What became of the crystal when it was encoded again."""
    if report.returned is None:
        return "the decoded crystal cannot be encoded"
    far = ", so far off that the model does not quite mean this crystal" if report.returned > RETURNS else ""
    return f"{report.returned:.2f} from the latent vector{far}"


def _badge(name: str, look: str, words: str, text: str) -> Badge:
    return {"name": name, "look": look, "icon": _ICONS[look], "words": words, "help": text.replace(" %", "\u00a0%")}


def _contacts(report: CrystalReport) -> Badge:
    found = report.validity
    if not math.isfinite(found.contact_ratio):
        return _badge("contacts", GOOD, "no overlap", "No two atoms are close to each other.")
    pair = "–".join(report.closest) or "of two atoms"
    text = (
        f"The tightest contact, {pair}, is {found.contact_ratio:.2f} of the sum of the two covalent radii; below "
        f"{SHORT_CONTACT:.2f} the atoms overlap. The shortest distance is {found.shortest_distance:.2f} Å."
    )
    return (
        _badge("contacts", GOOD, "no overlap", text) if report.apart else _badge("contacts", BAD, "atoms overlap", text)
    )


def _novelty(report: CrystalReport) -> Badge:
    found = report.novelty
    if found.match is not None:
        text = f"It matches what the model decodes for {found.match}, RMS {found.rms:.3f}."
        if not found.in_train:
            text += " It may be hypothetical: the database has it, but not among the crystals that were made."
        return _badge("novelty", NOTE, "known" if found.in_train else "in the database", text)
    if not found.known_formula:
        text = f"This atlas has no crystal of the formula {report.formula}. Others may know one."
        return _badge("novelty", NOTE, "not in this atlas", text)
    several = f"any of the {found.compared} that were compared, of {found.entries}"
    text = (
        f"It does not match what the model decodes for {several if found.entries > 1 else 'the one'} of this formula "
        "in the atlas."
    )
    return _badge("novelty", NOTE, "structure not in this atlas", text)


def _extrapolation(report: CrystalReport) -> Badge:
    nearer, farther = _share(report.quantile), _share(1 - report.quantile)
    if report.extrapolates:
        text = f"Farther from known crystals than {nearer} of them are from each other: the model has seen few like it."
        return _badge("nearness to data", BAD, "far from data", text)
    text = f"Closer to known crystals than {farther} of them are to each other: the model has seen crystals like it."
    return _badge("nearness to data", GOOD, "near the data", text)


def _share(quantile: float) -> str:
    return "all" if quantile >= 1 else f"{min(100 * quantile, 99.9):.{1 if quantile > 0.99 else 0}f} %"
