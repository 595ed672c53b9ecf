"""Paths: from A to B through latent space, played like a movie, and exported."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.reading import read_structure
from xcrystal.errors import TargetError, UnsupportedElementWarning, XCrystalError, check_one_of
from xcrystal.explorer.session.commands import (
    ClearPath,
    Go,
    Interpolate,
    Load,
    SetEnd,
    ShowFrame,
    SwapEnds,
    as_floats,
)
from xcrystal.explorer.session.points import Points
from xcrystal.explorer.session.state import Path, Point
from xcrystal.explorer.session.store import Store
from xcrystal.explorer.visitors import check_file
from xcrystal.wrapping import differentiable

if TYPE_CHECKING:
    import pandas as pd

    from xcrystal.explanation.choice_attribution import DecodeChange

ENDS = ("A", "B")
MOST_FRAMES = 200
AT_VECTOR = "_at_vector"  # behind the name of a property, of what is predicted at the vector and not for its crystal
_AT_ONCE = 8  # frames decoded between two looks at whether to stop


class Interpolation:
    """Acts along a path between two ends."""

    def __init__(self, store: Store, points: Points) -> None:
        self._store, self._points = store, points
        self._measured: tuple[tuple[Point, ...], pd.DataFrame] | None = None
        self._changed: tuple[tuple[Point, Point], DecodeChange] | None = None

    def set_end(self, name: str, source: Any = None) -> bool:
        """Set an end of the path; a path that was made before is forgotten.

        Parameters
        ----------
        name
            "A" or "B".
        source
            A path of a crystal file, a Structure, or what ``Session.search`` understands, of which the first crystal is
            taken, such as a material id or a formula; None for where we are.

        Returns
        -------
        bool
            Whether there is such a crystal, and it can be encoded.
        """
        check_one_of(name, ENDS, "end of a path")
        with self._store.lock:
            if source is None:
                loaded = self._store.state.loaded_shown
                if loaded is not None and loaded.reason:
                    self._store.report(f"{loaded.name} cannot be an end of a path: {loaded.reason}")
                    return False
                point = self._points.careful(self._store.state.point)
            else:
                try:
                    point = self.end_point(source)
                except XCrystalError as error:
                    self._store.report(str(error))
                    return False
            ends = (point, self._store.state.ends[1]) if name == "A" else (self._store.state.ends[0], point)
            self._store.commit(SetEnd(name), ends=ends, path=None, shown=self._one_drawn())
            return True

    def swap_ends(self) -> None:
        """Exchange A and B; a path that was made runs the other way."""
        with self._store.lock:
            start, end = self._store.state.ends
            path = self._store.state.path
            if path is not None:
                frames = tuple(reversed(path.frames))
                path = replace(path, frames=frames, frame=len(frames) - 1 - path.frame)
            self._store.commit(SwapEnds(), ends=(end, start), path=path)

    def interpolate(self, kind: str = "linear", frames: int = 16) -> bool:
        """Make the path from A to B and go to its first frame.

        Parameters
        ----------
        kind
            "linear"; "spherical", an arc around the origin of latent space; or "flow", a line of the learned prior,
            which keeps to where latent vectors are.
        frames
            2 to 200, both ends included.

        Returns
        -------
        bool
            Whether there is a path now; if not, ``message`` says why, or it was stopped.
        """
        with self._store.lock:
            start, end = self._store.state.ends
            if start is None or end is None:
                self._store.report("A path needs its two ends: set A and B.")
                return False
            return self.between(start, end, Interpolate(kind, int(frames)))

    def show_frame(self, frame: int) -> None:
        """Go to a frame of the path, from 0; scrubbing and playing are one step of undo."""
        with self._store.lock:
            path = self._store.state.path
            if path is None or not 0 <= int(frame) < len(path.frames):
                self._store.report("There is no path." if path is None else f"The path has no frame {int(frame)}.")
                return
            point = path.frames[int(frame)]
            gesture = ("frame", id(path.frames))
            if self._store.history.now.gesture == gesture:
                self._store.idle = False  # also after a pause it is the same playback
            self._store.commit(
                point.commands[-1],
                gesture=gesture,
                settle=False,
                path=replace(path, frame=int(frame)),
                point=point,
                base=point,
                shown=self._one_drawn(),
            )

    def clear(self) -> None:
        """Forget the path and its ends."""
        with self._store.lock:
            shown = (
                "decoded"
                if self._store.state.shown == "both" and self._store.state.loaded is None
                else self._store.state.shown
            )
            self._store.commit(ClearPath(), path=None, ends=(None, None), shown=shown)

    def table(self) -> pd.DataFrame:
        """What lies along the path, one row a frame.

        Returns
        -------
        DataFrame
            ``frame``, ``formula``, ``space_group``, the properties predicted for the decoded crystal at its own latent
            vector (NaN if it cannot be encoded) and, with ``_at_vector`` behind their names, at the vector of the
            path, ``volume_per_atom`` (Å3), ``contact`` (shortest distance of two atoms by the sum of their covalent
            radii), ``valid`` (no contact below 0.7), ``quantile`` (share of known crystals that lie nearer to the
            data), ``nearest`` (formula of the nearest known crystal) and its ``distance``. Empty without a path.
        """
        path = self._store.state.path
        if path is None:
            return _table((), (), ())
        if self._measured is None or self._measured[0] is not path.frames:
            from xcrystal.latent.density import Density

            quantiles = Density.of(self._points.atlas).quantiles(np.stack([point.z for point in path.frames]))
            achieved = self._points.achieved_all(path.frames)
            self._measured = (path.frames, _table(path.frames, achieved, quantiles.tolist()))
        return self._measured[1]

    def changes(self) -> list[int]:
        """Frames whose formula or space group is another one than that of the frame before; empty without a path."""
        path = self._store.state.path
        kinds = [_kind(point) for point in path.frames] if path is not None else []
        return [k for k in range(1, len(kinds)) if kinds[k] != kinds[k - 1]]

    def explain_change(self, frame: int) -> DecodeChange | None:
        """Which choice of the decoder flips between the frame before and this one, and which directions account for it.

        See ``xcrystal.decode_change``; None, with the reason reported, if there is no such pair of frames.
        """
        from xcrystal.explanation.choice_attribution import decode_change

        with self._store.lock:
            path, model = self._store.state.path, self._points.model
            if not self._store.allow(model.lacks("runners_up")):
                return None
            if path is None or not 1 <= frame < len(path.frames):
                self._store.report("There is no path." if path is None else f"No frame lies before frame {frame}.")
                return None
            key = path.frames[frame - 1], path.frames[frame]
            if self._changed is None or self._changed[0] != key:
                found = decode_change(differentiable(model), key[0].z, key[1].z, atlas=self._points.atlas)
                self._changed = key, found
            return self._changed[1]

    def export(self, format: str = "cif") -> tuple[str, bytes]:
        """The path as a file.

        Parameters
        ----------
        format
            "cif" (a zip of CIFs), "xyz" (extended XYZ, one frame after the other), or "gif" (an animated picture).

        Returns
        -------
        tuple
            A name for the file, and its content.

        Raises
        ------
        TargetError
            If there is no such format, or no path.
        """
        from xcrystal.explorer.session.tabs.path_export import FORMATS, export_path

        check_one_of(format, FORMATS, "format")
        path = self._store.state.path
        if path is None:
            raise TargetError("There is no path to export: set A and B, and make one.")
        return export_path(path, format, self._points.model.name, conventional=self._store.state.cell == "conventional")

    def between(self, start: Point, end: Point, command: Interpolate) -> bool:
        """Make a path between two points, which become its ends, and go to its first frame."""
        from xcrystal.latent.paths import FLOW, interpolate, kinds_for

        kind, frames = command.kind, command.frames
        check_one_of(kind, kinds_for(self._points.model), "kind of path")
        with self._store.lock:
            if not 2 <= frames <= MOST_FRAMES:
                self._store.report(f"A path has 2 to {MOST_FRAMES} frames, not {frames}.")
                return False
            z = interpolate(start.z, end.z, frames, kind, self._points.model.prior if kind == FLOW else None)
            made: list[Point] = []
            with self._store.working(command, len(z)) as tick:
                for begin in range(0, len(z), _AT_ONCE):
                    part = z[begin : begin + _AT_ONCE]
                    made += self._frames(part, range(begin, begin + len(part)), start, end, command)
                    if not tick(made[-1].structure.composition.reduced_formula, len(part)) and len(made) < len(z):
                        self._store.report("The path was not finished.")
                        return False
            made[0], made[-1] = (
                replace(point, structure=e.structure, material_id=e.material_id)
                for point, e in ((made[0], start), (made[-1], end))
            )
            path = Path(kind, tuple(made), 0)
            shown = self._one_drawn()
            self._store.commit(command, ends=(start, end), path=path, point=made[0], base=made[0], shown=shown)
            return True

    def _one_drawn(self) -> str:
        """What is drawn: two crystals side by side stay so while a path is set, else the decode."""
        return "both" if self._store.state.shown == "both" and self._store.state.loaded is None else "decoded"

    def end_point(self, source: Any) -> Point:
        """A crystal from elsewhere as an end of a path; raises XCrystalError if it cannot be read or encoded."""
        if isinstance(source, str) and (row := self._points.find(source)) is not None:
            return self._points.of_row(row)
        check_file(source)
        structure = read_structure(source)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnsupportedElementWarning)
            z = self._points.model.encode(structure)[0]
        formula = structure.composition.reduced_formula
        name = formula if hasattr(source, "lattice") else str(source).replace("\\", "/").rsplit("/", 1)[-1]
        command = Go(as_floats(z)) if hasattr(source, "lattice") else Load(str(source), name=name)
        return self._points.at(z, f"reconstruction of {name}", [command])

    def _frames(
        self, z: np.ndarray, numbers: Sequence[int], start: Point, end: Point, command: Interpolate
    ) -> list[Point]:
        formulas = tuple(str(p.structure.composition.reduced_formula) for p in (start, end))
        shown = [ShowFrame(k, frames=command.frames, formulas=formulas) for k in numbers]
        made = (*start.commands, SetEnd("A"), *end.commands, SetEnd("B"), command)
        points = self._points.many(z, [one.label() for one in shown], [(*made, one) for one in shown])
        self._points.achieved_all(points)  # it takes its time, and is asked for with the chart
        return points


def _kind(point: Point) -> tuple[str, int]:
    return point.structure.composition.reduced_formula, int(point.structure.properties["space_group"])


def _table(frames: Sequence[Point], achieved: Sequence[dict[str, float]], quantiles: Sequence[float]) -> pd.DataFrame:
    import pandas as pd

    from xcrystal.crystal.geometry.contacts import SHORT_CONTACT, shortest_contacts

    names = list(frames[0].predicted) if frames else []
    structures = [point.structure for point in frames]
    contacts = shortest_contacts(
        [s.lattice.matrix for s in structures],
        [s.frac_coords for s in structures],
        [np.array(s.atomic_numbers) for s in structures],
    )
    ratios = [contact.ratio for contact in contacts]
    columns: dict[str, list[Any]] = {
        "frame": list(range(len(frames))),
        "formula": [s.composition.reduced_formula for s in structures],
        "space_group": [int(s.properties["space_group"]) for s in structures],
        **{name: [found.get(name, float("nan")) for found in achieved] for name in names},
        **{name + AT_VECTOR: [p.predicted[name] for p in frames] for name in names},
        "volume_per_atom": [float(s.volume) / len(s) if len(s) else float("nan") for s in structures],
        "contact": ratios,
        "valid": [ratio >= SHORT_CONTACT for ratio in ratios],
        "quantile": list(quantiles),
        "nearest": [p.neighbours[0].formula for p in frames],
        "distance": [p.neighbours[0].distance for p in frames],
    }
    return pd.DataFrame(columns)
