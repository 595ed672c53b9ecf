"""Points of latent space: what a vector decodes to, what is predicted of it, and where it lies."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from xcrystal.crystal.geometry.matching import match_rms
from xcrystal.errors import ReadError, UnsupportedElementWarning, XCrystalError
from xcrystal.explorer import words
from xcrystal.explorer.session.commands import Command, Go, OverruleChoice, Select, SetEnd, ShowGreedy, as_floats
from xcrystal.explorer.session.records import Loaded, Neighbour
from xcrystal.explorer.session.state import Point
from xcrystal.latent.searching import best
from xcrystal.wrapping import differentiable

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.crystal.symmetry.canonical import Canonical
    from xcrystal.explanation.decode_steps import DecodeSteps
    from xcrystal.latent.atlas import Atlas
    from xcrystal.wrapping import Explorable

FIRST = ("mp-5986", "mp-22862")  # BaTiO3, NaCl
NEIGHBOURS = 6
_LIKE_A_FILE = re.compile(r"[/\\~]|\.[A-Za-z]\w*$|^(?:POSCAR|CONTCAR)")


def choices_of(commands: Sequence[Command]) -> tuple[tuple[str, str], ...] | None:
    """The choices that the last acts have overruled in a greedy decode; None if they have done nothing of the kind."""
    found: list[tuple[str, str]] = []
    for command in reversed(commands):
        if isinstance(command, ShowGreedy):
            return tuple(reversed(found))
        if not isinstance(command, OverruleChoice):
            break
        found.append((command.step, command.choice))
    return tuple(reversed(found)) if found else None


def way_to(point: Point) -> Sequence[Command]:
    """The acts that lead to a point; to one of a path that may be gone, its latent vector alone."""
    passing = any(isinstance(command, SetEnd) for command in point.commands)
    return [Go(as_floats(point.z))] if passing else point.commands


class Points:
    """Makes points with a model and an atlas; holds nothing but what it has computed."""

    def __init__(self, model: Explorable, atlas: Atlas) -> None:
        self.model, self.atlas = model, atlas
        self._achieved: WeakKeyDictionary[Point, dict[str, float]] = WeakKeyDictionary()

    def decode(self, z: np.ndarray, effort: str = "normal") -> list[Structure]:
        """Crystals of latent vectors (n, Z): "fast" during a drag, "normal" at its end."""
        return self.model.decode(z, effort)

    def search(self, z: np.ndarray, on_step: Callable[[], None]) -> Structure:
        """The crystal of one latent vector (Z,), decoded thoroughly; what ``on_step`` raises between steps ends it."""
        return self.model.decode(z, "thorough", on_step=on_step)[0]

    def at(
        self,
        z: np.ndarray,
        label: str,
        commands: Sequence[Command],
        material_id: str | None = None,
        quick: bool = False,
    ) -> Point:
        """All that is known at once of a latent vector (Z,)."""
        forced = choices_of(commands)
        structure = (
            self.decode(z[None], "fast" if quick else "normal")[0]
            if forced is None
            else self.decode_steps(z, forced).structure
        )
        point = self.of(z[None], [structure], [label], [commands])[0]
        return replace(point, z=z, material_id=material_id, quick=quick)

    def many(self, z: np.ndarray, labels: Sequence[str], commands: Sequence[Sequence[Command]]) -> list[Point]:
        """The same for many latent vectors (n, Z), decoded together."""
        structures = self.decode(z)
        for k, made in enumerate(commands):
            if (forced := choices_of(made)) is not None:
                structures[k] = self.decode_steps(z[k], forced).structure
        return self.of(z, structures, labels, commands)

    def decode_steps(self, z: np.ndarray, overrule: Sequence[tuple[str, str]] = ()) -> DecodeSteps:
        """The greedy decode of a latent vector (Z,), step by step, with choices that are overruled.

        Raises
        ------
        CapabilityError, TargetError
            If the model does not tell what else it might have decoded; if a choice is impossible.
        """
        from xcrystal.explanation.decode_steps import decode_steps

        self.model.require("runners_up")
        return decode_steps(differentiable(self.model), z, overrule)

    def of(
        self,
        z: np.ndarray,
        structures: Sequence[Structure],
        labels: Sequence[str],
        commands: Sequence[Sequence[Command]],
    ) -> list[Point]:
        """Points of latent vectors (n, Z) that are decoded already."""
        predicted = self.model.predict(z)
        intervals, nonzero = self.model.known_intervals(z), self.model.known_nonzero(z)
        positions = self.atlas.place(z)
        rows, distances = self.atlas.neighbours(z, NEIGHBOURS)
        ids, formulas = self.atlas.table["material_id"], self.atlas.table["formula"]
        return [
            Point(
                z=z[k],
                label=labels[k],
                commands=tuple(commands[k]),
                structure=structures[k],
                predicted={name: float(values[k]) for name, values in predicted.items()},
                intervals={name: (float(v[k, 0]), float(v[k, 1])) for name, v in intervals.items()},
                nonzero={name: float(values[k]) for name, values in nonzero.items()},
                position=(float(positions[k, 0]), float(positions[k, 1])),
                neighbours=tuple(
                    Neighbour(int(row), str(ids.iat[row]), str(formulas.iat[row]), float(distance))
                    for row, distance in zip(rows[k], distances[k], strict=True)
                ),
            )
            for k in range(len(z))
        ]

    def careful(self, point: Point) -> Point:
        """The point with its crystal reranked, if it was decoded greedily during a drag."""
        return self.at(point.z, point.label, point.commands, point.material_id) if point.quick else point

    # -- of the atlas, and of a user's own

    def first(self) -> Point:
        """A crystal that everybody knows, or the one nearest the centre of the atlas."""
        known = [name for name in FIRST if self.known(name)]
        if known:
            return self.of_row(self.atlas.row(known[0]))
        return self.of_row(int(self.atlas.neighbours(self.atlas.centre, 1)[0][0, 0]))

    def of_row(self, row: int) -> Point:
        """The decode of an atlas crystal."""
        name = str(self.atlas.table["material_id"].iat[row])
        command = Select(name, decoded=not self.model.lacks("decode"))
        return self.at(self.atlas.z[row], command.label(), [command], name)

    def find(self, text: str) -> int | None:
        """The row of the crystal that a text names, by id, formula or another query; None if it may be a file.

        Raises
        ------
        ReadError
            If it is no file, and there is no such crystal.
        """
        if self.known(text):
            return self.atlas.row(text)
        if os.path.exists(text) or _LIKE_A_FILE.search(text) or words.in_materials_project(text.strip()):
            return None
        return best(self.atlas, text)

    def known(self, material_id: str) -> bool:
        """Whether the atlas has a crystal of this id."""
        try:
            self.atlas.row(material_id)
        except ReadError:
            return False
        return True

    def reconstruction(self, found: Canonical, command: Command) -> Point:
        """What the model makes of a crystal in canonical form."""
        return self.at(self.model.encode_canonical([found.crystal])[0], command.label(), [command])

    def loaded(self, structure: Structure, found: Canonical, name: str, point: Point, caution: str) -> Loaded:
        """A crystal of the user's together with what the model says of it, at its reconstruction."""
        return Loaded(
            name,
            structure,
            found.space_group,
            z=point.z,
            position=point.position,
            predicted=point.predicted,
            rms=match_rms(structure, point.structure),
            mirrored=found.mirrored,
            caution=caution,
        )

    # -- of decoded crystals themselves

    def landing(self, structure: Structure) -> tuple[float, float] | None:
        """(x, y) UMAP coordinates of a decoded crystal's own latent vector; None if it cannot be encoded."""
        own = self.own_vector(structure)
        if own is None:
            return None
        x, y = self.atlas.place(own[None])[0]
        return float(x), float(y)

    def own_vector(self, structure: Structure) -> np.ndarray | None:
        """(latent_dim,) latent vector of a decoded crystal itself; None if it cannot be encoded."""
        form = self._canonical(structure)
        return None if form is None else self.model.encode_canonical([form.crystal])[0]

    def _canonical(self, structure: Structure) -> Canonical | None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UnsupportedElementWarning)
                return self.model.canonical(structure)
        except XCrystalError:
            return None

    def achieved(self, point: Point) -> dict[str, float]:
        """Predicted properties of the crystal that a point decodes to, from that crystal's own latent vector.

        The decoder does not follow every change of a latent vector, so what is predicted at the vector itself promises
        more than the crystal keeps. Empty if the crystal cannot be encoded.
        """
        return self.achieved_all([point])[0]

    def of_crystals(self, points: Sequence[Point]) -> list[Point]:
        """The points, with what is predicted at the latent vectors of their crystals; those that cannot
        be encoded stay as they are."""
        forms = [self._canonical(point.structure) for point in points]
        known = [form.crystal for form in forms if form is not None]
        if not known:
            return list(points)
        z = self.model.encode_canonical(known)
        predicted, intervals = self.model.predict(z), self.model.known_intervals(z)
        nonzero = self.model.known_nonzero(z)
        rows = iter(range(len(known)))
        found = []
        for point, form in zip(points, forms, strict=True):
            if form is not None:
                k = next(rows)
                point = replace(
                    point,
                    predicted={name: float(values[k]) for name, values in predicted.items()},
                    intervals={name: (float(v[k, 0]), float(v[k, 1])) for name, v in intervals.items()},
                    nonzero={name: float(values[k]) for name, values in nonzero.items()},
                )
            found.append(point)
        return found

    def achieved_all(self, points: Sequence[Point]) -> list[dict[str, float]]:
        """``achieved`` of many points, encoded together."""
        new = [point for point in points if point not in self._achieved]
        forms = [self._canonical(point.structure) for point in new]
        known = [form.crystal for form in forms if form is not None]
        predicted = self.model.predict(self.model.encode_canonical(known)) if known else {}
        rows = iter(range(len(known)))
        for point, form in zip(new, forms, strict=True):
            row = None if form is None else next(rows)
            self._achieved[point] = {name: float(values[row]) for name, values in predicted.items() if row is not None}
        return [self._achieved[point] for point in points]
