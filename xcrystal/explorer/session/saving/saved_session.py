"""The state of a session as plain JSON, and back. Nothing in a file is trusted: all of it is checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.collections.tables import reduced_composition
from xcrystal.crystal.elements import is_element
from xcrystal.crystal.limits import MAX_SITES
from xcrystal.crystal.mixed_sites import site_text, species_of
from xcrystal.crystal.reading import check_drawable, check_structure
from xcrystal.errors import ReadError, XCrystalError
from xcrystal.explorer.drawing.palette import COLOR_MAP, COLOR_MAPS, ELEMENT_COLORS
from xcrystal.explorer.drawing.scene import STYLES
from xcrystal.explorer.session.commands import (
    Command,
    Go,
    IdentifyPattern,
    Load,
    MakeApproximants,
    PlainCrystal,
    as_floats,
    checked_command,
    read_command,
)
from xcrystal.explorer.session.own_crystals import MOST as MOST_OWN
from xcrystal.explorer.session.points import Points
from xcrystal.explorer.session.records import Loaded, PatternMatches
from xcrystal.explorer.session.saving.old_code import command_of_line
from xcrystal.explorer.session.state import (
    LABELS,
    MOST_PINS,
    SHOWN,
    Own,
    Path,
    PatternView,
    Point,
    Selection,
    State,
    Why,
)
from xcrystal.explorer.session.tabs.crystal_design import MOST_DESIGNS
from xcrystal.explorer.session.tabs.diffraction import MOST_MATCHES, check_view, match_position
from xcrystal.explorer.session.tabs.interpolation import MOST_FRAMES
from xcrystal.explorer.session.tabs.property_steering import MOST_PROPOSALS
from xcrystal.latent.compositions import formula_text
from xcrystal.latent.paths import KINDS

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.diffraction.identification import Match
    from xcrystal.diffraction.measured import MeasuredPattern
    from xcrystal.diffraction.powder import Unit
    from xcrystal.latent.axes import Axis

_LONGEST = 1_000_000  # items of any list
_MOST_CONCEPTS = 1_000


def saved_state(state: State) -> dict[str, Any]:
    """A state as JSON: latent vectors and choices; what a model says of them is made anew when it is read."""
    return {
        "point": _saved_point(state.point),
        "base": None if state.base is state.point else _saved_point(state.base),
        "color": state.color,
        "color_map": state.color_map,
        "loaded": None if state.loaded is None else _saved_loaded(state.loaded),
        "shown": state.shown,
        "cell": state.cell,
        "supercell": list(state.supercell),
        "boundary": state.boundary,
        "bonds": state.bonds,
        "perspective": state.perspective,
        "labels": state.labels,
        "polyhedra": state.polyhedra,
        "style": state.style,
        "element_colors": state.element_colors,
        "hidden": list(state.hidden),
        "why": None if state.why is None else vars(state.why),
        "family": state.family,
        "latents": list(state.latents),
        "concepts": [_saved_axis(axis) for axis in state.concepts],
        "selection": _saved_selection(state.selection),
        "groups": [_saved_selection(group) for group in state.groups],
        "own": [_saved_own(own) for own in state.own],
        "approximants": _saved_act(state.own[0].made) if state.own else None,
        "ends": [None if end is None else _saved_point(end) for end in state.ends],
        "path": None
        if state.path is None
        else {
            "kind": state.path.kind,
            "frame": state.path.frame,
            "frames": [_saved_point(frame) for frame in state.path.frames],
        },
        "candidates": [_saved_point(point) for point in state.candidates],
        "designs": [_saved_point(point) for point in state.designs],
        "pins": [_saved_point(point) for point in state.pins],
        "diffraction": vars(state.diffraction),
        "measured": None if state.measured is None else _saved_pattern(state.measured),
        "matches": None if state.matches is None else _saved_matches(state.matches),
    }


def read_saved(content: dict[str, Any], points: Points) -> State:
    """The state that was saved.

    Raises
    ------
    ReadError
        If anything in it is not what it should be; other errors of xcrystal for a crystal that cannot be encoded.
    """
    read = _Reader(content, points)
    present = [read.value("point", dict), *([] if content.get("base") is None else [read.value("base", dict)])]
    path = content.get("path")
    ends = read.items("ends", (dict, type(None)), exactly=2)
    # each of these is decoded, and each of ``own`` encoded: a file of some MB would keep a kernel busy for hours
    read.items("own", dict, most=MOST_OWN)
    candidates = read.items("candidates", dict, most=MOST_PROPOSALS)
    designs = read.items("designs", dict, most=MOST_DESIGNS) if "designs" in content else []  # older sessions have none
    pins = read.items("pins", dict, most=MOST_PINS) if "pins" in content else []  # older sessions have none
    frames = _Reader(path, points).items("frames", dict, least=2, most=MOST_FRAMES) if isinstance(path, dict) else []
    found = iter(read.points([*present, *[end for end in ends if end], *candidates, *designs, *pins, *frames]))
    point = next(found)
    base = next(found) if len(present) == 2 else point
    two = [None if end is None else next(found) for end in ends]
    supercell = read.items("supercell", int, exactly=3)
    if not all(1 <= count <= 4 for count in supercell):
        raise _damaged("supercell")
    groups = [read.selection(group) for group in read.items("groups", (dict, type(None)), exactly=2)]
    state = State(
        point=point,
        base=base,
        color=read.value("color", str),
        color_map=read.choice("color_map", tuple(COLOR_MAPS)) if "color_map" in content else COLOR_MAP,
        loaded=None if content.get("loaded") is None else read.loaded(read.value("loaded", dict)),
        shown=read.choice("shown", SHOWN),
        cell=read.choice("cell", ("conventional", "primitive")),
        supercell=(supercell[0], supercell[1], supercell[2]),
        boundary=read.value("boundary", bool),
        bonds=read.value("bonds", bool),
        perspective=read.value("perspective", bool) if "perspective" in content else False,  # older sessions have none
        labels=read.choice("labels", LABELS) if "labels" in content else "none",
        **read.drawing(),
        why=read.why(),
        family=read.choice("family", ("principal", "latent", "property", "concept")),
        latents=tuple(read.items("latents", int, most=points.model.latent_dim)),
        concepts=tuple(read.axis(axis) for axis in read.items("concepts", dict, most=_MOST_CONCEPTS)),
        selection=read.selection(content.get("selection")),
        groups=(groups[0], groups[1]),
        own=read.own(),
        ends=(two[0], two[1]),
        candidates=tuple(next(found) for _ in candidates),
        designs=tuple(points.of_crystals([next(found) for _ in designs])),
        pins=tuple(next(found) for _ in pins),
        diffraction=read.pattern_view(),
        measured=read.measured(),
    )
    state = replace(state, matches=read.matches(state.measured))
    if isinstance(path, dict):
        of_path = _Reader(path, points)
        frame = of_path.value("frame", int)
        if not 0 <= frame < len(frames):
            raise _damaged("frame")
        kind = of_path.choice("kind", KINDS)
        state = replace(state, path=Path(kind, tuple(found), frame))
    loaded = state.loaded
    if loaded is not None and loaded.z is not None and np.allclose(loaded.z, point.z, atol=1e-4):
        # what is said of a reconstruction is said as long as this very vector is shown
        state = replace(state, loaded=replace(loaded, z=point.z))
    if any(not 0 <= number < points.model.latent_dim for number in state.latents):
        raise _damaged("latents")
    return state


def _saved_point(point: Point) -> dict[str, Any]:
    return {
        "z": as_floats(point.z),
        "label": point.label,
        "commands": [command.plain() for command in point.commands],
        "material_id": point.material_id,
        "wanted": None if point.wanted is None else list(point.wanted),
    }


def _saved_loaded(loaded: Loaded) -> dict[str, Any]:
    return {
        "name": loaded.name,
        "structure": plain_structure(loaded.structure),
        "space_group": loaded.space_group,
        "reason": loaded.reason,
        "caution": loaded.caution,
        "relaxed": loaded.relaxed,
    }


def plain_structure(structure: Structure) -> dict[str, Any]:
    """A structure as JSON: nine numbers of its cell in Å, what is on each site, and fractional coordinates."""
    return {
        "matrix": list(as_floats(structure.lattice.matrix)),
        "species": [site_text(site) for site in structure],
        "frac_coords": list(as_floats(structure.frac_coords)),
    }


def read_plain_structure(content: Any, points: Points) -> Structure:
    """The structure that ``plain_structure`` wrote, from wherever it comes.

    Raises
    ------
    ReadError
        If anything in it is not what it should be; other errors of xcrystal if it is no possible crystal.
    """
    return _Reader({}, points).structure(content)


def _saved_pattern(pattern: MeasuredPattern) -> dict[str, Any]:
    return {
        "name": pattern.name,
        "two_theta": [round(angle, 5) for angle in pattern.two_theta.tolist()],
        "intensity": as_floats(pattern.intensity),
        "wavelength": pattern.wavelength,
        "unit": pattern.unit,
    }


def _saved_act(command: Command | None) -> dict[str, Any] | None:
    return None if command is None else {name: value for name, value in command.plain().items() if name != "do"}


def _saved_own(own: Own) -> dict[str, Any]:
    return {"name": own.name, "structure": plain_structure(own.structure), "of": own.of, "weight": own.weight}


def _saved_matches(found: PatternMatches) -> dict[str, Any]:
    return {
        "asked": _saved_act(found.asked),
        "found": [
            {
                "structure": plain_structure(match.structure),
                "space_group": match.space_group,
                "similarity": match.similarity,
                "score": match.score,
                "material_id": match.material_id,
                "origin": match.origin,
                "zero": match.zero,
            }
            for match in found.matches
        ],
    }


def _saved_axis(axis: Axis) -> dict[str, Any]:
    return {
        "name": axis.name,
        "vector": as_floats(axis.vector),
        "mean": as_floats(axis.mean),
        "scale": float(axis.scale),
        "note": axis.note,
    }


def _saved_selection(selection: Selection | None) -> dict[str, Any] | None:
    return None if selection is None else {"rows": selection.rows.tolist(), "title": selection.title}


def _damaged(name: str) -> ReadError:
    return ReadError(f"This saved session is damaged: its {name!r} is missing or not what it should be.")


class _Reader:
    """Parts of a dictionary that came from outside, each checked."""

    def __init__(self, content: dict[str, Any], points: Points) -> None:
        self.content, self.of = content, points

    def value(self, name: str, kind: type) -> Any:
        value = self.content.get(name)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise _damaged(name)
        return value

    def choice(self, name: str, known: Sequence[str]) -> str:
        value = self.content.get(name)
        if value not in known:
            raise _damaged(name)
        return str(value)

    def items(
        self,
        name: str,
        kind: type | tuple[type, ...],
        exactly: int | None = None,
        least: int = 0,
        most: int = _LONGEST,
    ) -> list[Any]:
        values = self.content.get(name)
        if not isinstance(values, list) or not all(isinstance(value, kind) for value in values):
            raise _damaged(name)
        if not least <= len(values) <= most or (exactly is not None and len(values) != exactly):
            raise _damaged(name)
        return values

    def numbers(self, name: str, count: int) -> np.ndarray:
        values = self.items(name, (int, float), exactly=count)
        if not all(abs(value) < 1e6 for value in values):  # also if it is not a number
            raise _damaged(name)
        return np.array(values, dtype=np.float32)

    def points(self, contents: list[dict[str, Any]]) -> list[Point]:
        """Saved points, all decoded together."""
        of = [_Reader(content, self.of) for content in contents]
        z = np.stack([reader.numbers("z", self.of.model.latent_dim) for reader in of])
        labels = [reader.value("label", str) for reader in of]
        commands = [reader.commands(vector) for reader, vector in zip(of, z, strict=True)]
        return [
            replace(point, material_id=reader.material_id(point.z), wanted=reader.position("wanted"))
            for point, reader in zip(self.of.many(z, labels, commands), of, strict=True)
        ]

    def commands(self, z: np.ndarray) -> list[Command]:
        """The acts that lead to a latent vector (Z,); the vector alone where some are none that can be read."""
        old = "code" in self.content  # lines of Python, in version 1
        try:
            if old:
                return [command_of_line(line) for line in self.items("code", str)]
            return [read_command(command) for command in self.items("commands", dict)]
        except ReadError:
            return [Go(as_floats(z))]

    def material_id(self, z: np.ndarray) -> str | None:
        """Of the atlas crystal whose latent vector ``z`` is; what is written does not count if it is another's."""
        name, atlas = self.content.get("material_id"), self.of.atlas
        if not isinstance(name, str) or not self.of.known(name):
            return None
        return name if np.array_equal(atlas.z[atlas.row(name)], z) else None

    def position(self, name: str) -> tuple[float, float] | None:
        if self.content.get(name) is None:
            return None
        x, y = self.numbers(name, 2)
        return float(x), float(y)

    def axis(self, content: dict[str, Any]) -> Axis:
        from xcrystal.latent.axes import Axis

        of, size = _Reader(content, self.of), self.of.model.latent_dim
        scale = of.value("scale", float)
        vector, mean = of.numbers("vector", size), of.numbers("mean", size)
        length = float(np.linalg.norm(vector))
        if not (1e-6 < scale < 1e6 and length > 1e-6):
            raise _damaged("scale")
        vector = vector / length
        return Axis(of.value("name", str), "concept", vector, mean, scale, of.value("note", str))

    def why(self) -> Why | None:
        """What is explained; older sessions name a property only."""
        if self.content.get("why") is None:
            return None if self.content.get("target") is None else Why(self.value("target", str))
        of = _Reader(self.value("why", dict), self.of)
        from xcrystal.explanation.inputs import renamed_baseline

        target, method, level, baseline = (of.value(name, str) for name in ("target", "method", "level", "baseline"))
        return Why(target, method, level, renamed_baseline(baseline, level))

    def drawing(self) -> dict[str, Any]:
        """How atoms are drawn; older sessions say nothing of it."""
        if "style" not in self.content:
            return {}
        hidden = self.items("hidden", str)
        if not all(is_element(symbol) for symbol in hidden):
            raise _damaged("hidden")
        return {
            "polyhedra": self.value("polyhedra", bool),
            "style": self.choice("style", STYLES),
            "element_colors": self.choice("element_colors", tuple(ELEMENT_COLORS)),
            "hidden": tuple(hidden),
        }

    def pattern_view(self) -> PatternView:
        """How patterns are shown; older sessions say nothing of it."""
        if "diffraction" not in self.content:
            return PatternView()
        of = _Reader(self.value("diffraction", dict), self.of)
        shown = PatternView(
            of.value("source", str),
            of.value("unit", str),
            of.value("fwhm", float),
            of.value("size", float),
            of.value("second", str),
        )
        try:
            check_view(shown)
        except XCrystalError as error:
            raise _damaged("diffraction") from error
        return shown

    def measured(self) -> MeasuredPattern | None:
        """The measured pattern; older sessions have none."""
        from xcrystal.diffraction.measured import read_pattern

        if self.content.get("measured") is None:
            return None
        of = _Reader(self.value("measured", dict), self.of)
        columns = [np.array(of.items(name, (int, float)), dtype=float) for name in ("two_theta", "intensity")]
        try:
            found = read_pattern(columns, source=of.value("wavelength", float))
        except XCrystalError as error:
            raise _damaged("measured") from error
        unit: Unit = "q" if of.choice("unit", ("two_theta", "q")) == "q" else "two_theta"
        return replace(found, name=of.value("name", str), unit=unit)

    def selection(self, content: Any) -> Selection | None:
        if content is None:
            return None
        if not isinstance(content, dict):
            raise _damaged("selection")
        of = _Reader(content, self.of)
        listed = of.items("rows", int)
        if not all(0 <= row < len(self.of.atlas) for row in listed):
            raise _damaged("rows")
        rows = np.array(listed, dtype=int)
        return Selection(rows, of.value("title", str))

    def structure(self, content: Any, check: Callable[[Structure], Structure] = check_structure) -> Structure:
        """From plain numbers and symbols: pymatgen's own format can name modules, which are then imported."""
        from pymatgen.core import Lattice, Structure

        if not isinstance(content, dict):
            raise _damaged("structure")
        of = _Reader(content, self.of)
        symbols = of.items("species", str, least=1, most=MAX_SITES)
        matrix, points = of.numbers("matrix", 9), of.numbers("frac_coords", 3 * len(symbols))
        try:
            lattice = Lattice(matrix.astype(float).reshape(3, 3))
            return check(Structure(lattice, [*map(species_of, symbols)], points.astype(float).reshape(-1, 3)))
        except XCrystalError:
            raise
        except Exception as error:
            raise _damaged("structure") from error

    def loaded(self, content: dict[str, Any]) -> Loaded:
        """With what the model says of it made anew, unless it could not be encoded."""
        of = _Reader(content, self.of)
        structure = self.structure(of.value("structure", dict), check_drawable)
        group = None if content.get("space_group") is None else of.value("space_group", int)
        if group is not None and not 1 <= group <= 230:
            raise _damaged("space_group")
        name, reason, caution = (of.value(key, str) for key in ("name", "reason", "caution"))
        relaxed = of.value("relaxed", bool) if "relaxed" in content else False  # older sessions do not say
        if reason:
            return Loaded(name, structure, group, reason=reason, caution=caution, relaxed=relaxed)
        found = self.of.model.canonical(structure)
        point = self.of.reconstruction(found, Load(PlainCrystal.of(structure), name=name))
        return replace(self.of.loaded(structure, found, name, point, caution), relaxed=relaxed)

    def own(self) -> tuple[Own, ...]:
        made = None
        if self.content.get("approximants") is not None:  # older sessions have none
            made = checked_command(MakeApproximants, self.value("approximants", dict))
        found = []
        for content in self.items("own", dict, most=MOST_OWN):
            of = _Reader(content, self.of)
            structure = self.structure(of.value("structure", dict))
            z = self.of.model.encode(structure)[0]
            x, y = self.of.atlas.place(z)[0]
            ordering_of = of.value("of", str) if "of" in content else ""  # older sessions have none
            weight = of.value("weight", float) if "weight" in content else 1.0
            if not 0 < weight <= 1.001:
                raise _damaged("weight")
            found.append(Own(of.value("name", str), structure, z, (float(x), float(y)), ordering_of, weight, made))
        return tuple(found)

    def matches(self, measured: MeasuredPattern | None) -> PatternMatches | None:
        """What may make the measured pattern; older sessions have none."""
        if self.content.get("matches") is None or measured is None:
            return None
        of = _Reader(self.value("matches", dict), self.of)
        asked = checked_command(IdentifyPattern, of.value("asked", dict))
        contents = of.items("found", dict)
        if len(contents) > MOST_MATCHES:
            raise _damaged("matches")
        found = tuple(_Reader(content, self.of).match(measured) for content in contents)
        return PatternMatches(asked, found, tuple(match_position(self.of, match) for match in found))

    def match(self, measured: MeasuredPattern) -> Match:
        from xcrystal.diffraction.identification import Match
        from xcrystal.diffraction.powder import xrd

        structure, group = self.structure(self.value("structure", dict)), self.value("space_group", int)
        similarity, zero = self.value("similarity", float), self.value("zero", float)
        score = None if self.content.get("score") is None else self.value("score", float)  # older ones have none
        name = None if self.content.get("material_id") is None else self.value("material_id", str)
        if not (1 <= group <= 230 and 0 <= similarity <= 1.001 and abs(zero) < 180):
            raise _damaged("matches")
        if score is not None and score > similarity:
            raise _damaged("matches")
        if name is not None and not self.of.known(name):
            raise _damaged("matches")
        try:
            limits = 0.0, float(measured.two_theta[-1])
            pattern = xrd(structure, source=measured.wavelength, limits=limits)
        except XCrystalError as error:
            raise _damaged("matches") from error
        formula = formula_text(reduced_composition(site.specie.Z for site in structure))
        return Match(structure, formula, group, similarity, name, self.value("origin", str), zero, pattern, score)
