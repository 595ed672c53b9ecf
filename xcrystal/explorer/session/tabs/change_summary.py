"""What a change did, in one line of plain words; viewers escape it, since names may come from files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xcrystal.explorer import words
from xcrystal.explorer.drawing import point_colors
from xcrystal.explorer.drawing.palette import ELEMENT_COLORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xcrystal.explorer.session.commands import Command
    from xcrystal.explorer.session.state import PatternView, Point, State
    from xcrystal.latent.axes import Axis

_DIGITS = {"formation_energy_per_atom": 2, "band_gap": 1}  # what is said of every change
_FAMILIES = {
    "principal": "principal directions",
    "latent": "single latent dimensions",
    "property": "directions of predicted properties",
    "concept": "directions between groups of crystals",
}
_SHOWN = {
    "decoded": "the decoded crystal is drawn",
    "loaded": "the crystal is drawn as it was loaded",
    "both": "two crystals are drawn side by side",
    "overlay": "the decoded crystal is laid over the loaded one",
}
_MOST = 5  # clauses beside those of the crystal; a reset changes more than anybody reads


def describe(before: State, after: State, command: Command, axis: Axis | None = None) -> str:
    """One line on what a change did.

    Parameters
    ----------
    before, after
        The states; for a drag, that before it began.
    command
        The act; its title may contain a file name.
    axis
        Of a slider that was moved.
    """
    crystal = list(_of_point(before, after, command, axis)) if after.point is not before.point else []
    parts = (_of_loaded, _of_groups, _of_pins, _of_paths, _of_display)
    rest = [clause for part in parts for clause in part(before, after)][:_MOST]
    title = _directed(before, after, command, axis).strip().rstrip(".") or "changed"
    if not crystal and not rest:
        return f"{_capital(title)}."
    # a change of the display needs no other words than what is seen now, unless it was undone
    if not crystal and after.loaded is before.loaded and not command.through_history:
        return f"{_capital('; '.join(rest))}."
    return f"{_capital(title)}: {'; '.join([', '.join(crystal), *rest] if crystal else rest)}."


def _directed(before: State, after: State, command: Command, axis: Axis | None) -> str:
    """The title of an act; of a slider's move with which way it went, and how far."""
    if axis is None:
        return command.title
    here, there = (float(axis.coordinates(state.point.z)[0]) for state in (before, after))
    if axis.family == "property":
        return f"{'towards' if there >= here else 'away from'} {axis.name}"
    return f"{command.title} by {there - here:+.1f}".replace("-", "−")


def _of_point(before: State, after: State, command: Command, axis: Axis | None) -> Iterator[str]:
    one, other = before.point, after.point
    old, new = (point.structure.composition.reduced_formula for point in (one, other))
    moved = after.base is before.base and after.base is not other and not command.through_history
    if old == new:
        yield f"still {new}"
    else:
        yield f"{old} became {new}" if moved else f"{new} instead of {old}"
    groups = [point.structure.properties.get("space_group") for point in (one, other)]
    if groups[0] == groups[1]:
        yield f"still space group {groups[1]}"
    else:
        yield f"space group {groups[0]} → {groups[1]}"
    digits = _DIGITS | {name: 2 for name in (command.about, axis.target if axis else None) if name == "e_above_hull"}
    for name, places in digits.items():
        if name in one.predicted and name in other.predicted:
            yield _of_value(name, one.predicted[name], other.predicted[name], places)
    yield from _of_position(other)


def _of_value(name: str, old: float, new: float, digits: int) -> str:
    short = "gap" if name == "band_gap" else words.title(name).lower()
    first, last = (f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−") for value in (old, new))
    change = f"still {last}" if first == last else f"{first} → {last}"
    return f"predicted {short} {change} {words.unit(name)}".rstrip()


def _of_position(point: Point) -> Iterator[str]:
    nearest = point.neighbours[0] if point.neighbours else None
    if point.material_id is not None:
        known = "" if nearest is None or nearest.material_id != point.material_id else nearest.formula
        differs = known and known != point.structure.composition.reduced_formula
        yield f"decoded from the latent vector of {point.material_id}" + (f", which is {known}" if differs else "")
    elif nearest is not None:
        yield f"nearest known crystal {nearest.material_id} ({nearest.formula})"
    if point.wanted is not None and point.landed is not None:
        off = float(np.hypot(*np.subtract(point.wanted, point.landed)))
        yield f"its own UMAP coordinates are {off:.2f} from where you pointed"


def _of_loaded(before: State, after: State) -> Iterator[str]:
    loaded = after.loaded
    if loaded is before.loaded:
        return
    if loaded is None:
        yield "there is no loaded crystal any more"
    elif loaded.reason:
        yield f"{loaded.name} can be drawn but not encoded, because {_start(loaded.reason)}"
    elif loaded.rms is None:
        yield f"the reconstruction of {loaded.name} does not match it"
    else:
        yield f"the reconstruction of {loaded.name} matches it, RMS {loaded.rms:.3f}"


def _of_groups(before: State, after: State) -> Iterator[str]:
    if after.selection is not before.selection:
        chosen = after.selection
        if chosen is None:
            yield "no crystals of the map are selected"
        else:
            yield f"{_count(len(chosen.rows), 'known crystal')} selected ({chosen.title})"
    for name, old, new in zip("AB", before.groups, after.groups, strict=True):
        if new is not old:
            yield f"group {name} is empty" if new is None else f"group {name} holds {_count(len(new.rows), 'crystal')}"
    if after.concepts != before.concepts:
        made = [axis for axis in after.concepts if axis not in before.concepts]
        yield from (f"there is a new direction, {axis.name}" for axis in made)
        gone = [axis for axis in before.concepts if axis not in after.concepts]
        yield from (f"the direction {axis.name} is gone" for axis in gone)
    if after.own != before.own:
        if after.own and after.own[0].of:
            yield f"{_count(len(after.own), 'ordered approximant')} of {after.own[0].of} on the map"
        else:
            yield f"{_count(len(after.own), 'crystal') if after.own else 'no crystals'} of your own on the map"
    if after.candidates != before.candidates:
        if not after.candidates:
            yield "there are no proposed structures any more"
        else:
            formulas = dict.fromkeys(p.structure.composition.reduced_formula for p in after.candidates)
            yield f"{_count(len(after.candidates), 'candidate')} proposed ({', '.join(list(formulas)[:3])})"
    if after.designs != before.designs:
        formulas = dict.fromkeys(p.structure.composition.reduced_formula for p in after.designs)
        found = f" ({', '.join(list(formulas)[:3])})" if formulas else ""
        yield f"{_count(len(after.designs), 'crystal') if after.designs else 'no crystals'} designed{found}"


def _of_paths(before: State, after: State) -> Iterator[str]:
    for name, old, new in zip("AB", before.ends, after.ends, strict=True):
        if new is not old:
            formula = None if new is None else new.structure.composition.reduced_formula
            yield f"{name} is no longer set" if new is None else f"{name} is {formula} ({new.label})"
    old_path, path = before.path, after.path
    if path is None:
        if old_path is not None:
            yield "there is no path any more"
    elif old_path is None or path.frames is not old_path.frames:
        yield f"a {path.kind} path of {len(path.frames)} frames"
    elif path.frame != old_path.frame:
        yield f"frame {path.frame + 1} of {len(path.frames)}"


def _of_display(before: State, after: State) -> Iterator[str]:
    if after.shown != before.shown:
        yield _SHOWN.get(after.shown, f"{after.shown} is drawn")
    if after.cell != before.cell:
        yield f"the {after.cell} cell is drawn"
    if after.supercell != before.supercell:
        n, m, k = after.supercell
        yield "one cell is drawn" if n == m == k == 1 else f"the cell is drawn {n} × {m} × {k} times"
    if after.boundary != before.boundary:
        yield "atoms on the boundary are repeated" if after.boundary else "atoms on the boundary are drawn once"
    if after.bonds != before.bonds:
        yield "bonds are drawn" if after.bonds else "bonds are not drawn"
    if after.perspective != before.perspective:
        yield "perspective is on" if after.perspective else "perspective is off"
    if after.labels != before.labels:
        yield {"elements": "atoms are labelled by element", "sites": "atoms are labelled by site"}.get(
            after.labels, "atoms are not labelled"
        )
    if after.polyhedra != before.polyhedra:
        yield "polyhedra are drawn" if after.polyhedra else "polyhedra are not drawn"
    if after.style != before.style:
        yield f"atoms are drawn {after.style}"
    if after.element_colors != before.element_colors:
        yield f"elements have the colours of {ELEMENT_COLORS[after.element_colors]}"
    if after.hidden != before.hidden:
        yield f"{', '.join(after.hidden)} not drawn" if after.hidden else "all elements are drawn"
    if after.matches is not before.matches and after.matches is not None:
        found = after.matches.matches
        best = f", {found[0].formula} the best (similarity {found[0].similarity:.2f})" if found else ""
        yield f"{_count(len(found), 'crystal')} could make the measured pattern{best}"
    if after.measured is not before.measured:
        if after.measured is None:
            yield "no measured pattern is kept any more"
        else:
            low, high = after.measured.two_theta[[0, -1]]
            yield f"the pattern {after.measured.name} is measured from {low:.0f} to {high:.0f} degrees"
    elif after.diffraction != before.diffraction:
        yield f"diffraction is shown {_of_pattern(before.diffraction, after.diffraction)}"
    if after.color != before.color:
        yield (
            f"the map is coloured by {_start(point_colors.title(after.color).split(' (')[0])}"
            if after.color
            else "the map is grey"
        )
    if after.color_map != before.color_map:
        yield f"the map is in the colours of {after.color_map}"
    if after.why != before.why:
        if after.why is None:
            yield "the atoms are coloured by element"
        else:
            yield f"what contributes to {words.explained(after.why.target)} is explained"
    if (after.family, after.latents) != (before.family, before.latents):
        yield f"the sliders move along {_FAMILIES.get(after.family, after.family)}"


def _of_pattern(before: PatternView, after: PatternView) -> str:
    """What has changed of how patterns are shown, such as "with CoKa, over q"."""
    said = {
        "source": f"with {words.radiation(after.source)}",
        "unit": "over q" if after.unit == "q" else "over 2θ",
        "fwhm": f"with peaks {after.fwhm:g}° wide",
        "size": f"for crystallites of {after.size:g} nm" if after.size else "for large crystallites",
        "second": f"beside {after.second}" if after.second else "alone",
    }
    return ", ".join(text for name, text in said.items() if getattr(before, name) != getattr(after, name))


def _of_pins(before: State, after: State) -> Iterator[str]:
    old, new = before.pins, after.pins
    for pins, others, said in ((new, old, "pinned"), (old, new, "no longer pinned")):
        changed = [pin for pin in pins if not any(pin is other for other in others)]
        if len(changed) == 1:
            yield f"{changed[0].structure.composition.reduced_formula} ({changed[0].label}) is {said}"
        elif changed:
            yield f"{len(changed)} crystals are {said}"
    if new is not old and len(new) == len(old) and {*new} == {*old} and new != old:
        yield "the pinned crystals are in another order"


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}" + ("" if n == 1 else "s")


def _start(sentence: str) -> str:
    """A sentence to stand inside another one: no capital unless it is a name, no full stop."""
    flat = sentence.strip().rstrip(".")
    return flat[:1].lower() + flat[1:] if flat[1:2].islower() or flat[1:2] == " " else flat


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
