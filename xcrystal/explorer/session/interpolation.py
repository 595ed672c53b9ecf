"""Paths: from A to B through latent space, played like a movie, and exported."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.reading import read_structure
from xcrystal.errors import TargetError, UnsupportedElementWarning, XCrystalError
from xcrystal.explorer.session.navigation import Going, go_code
from xcrystal.explorer.session.state import Path, Point

if TYPE_CHECKING:
    import pandas as pd

ENDS = ("A", "B")
MOST_FRAMES = 200
_AT_ONCE = 8  # frames decoded between two looks at whether to stop


class Travelling(Going):
    """Acts along a path between two ends."""

    _measured: tuple[tuple[Point, ...], pd.DataFrame] | None = None

    def set_end(self, name: str, source: Any = None) -> bool:
        """Set an end of the path; a path that was made before is forgotten.

        Parameters
        ----------
        name
            "A" or "B".
        source
            A path of a crystal file, a Structure, or a material id of the atlas; None for where we are.

        Returns
        -------
        bool
            Whether there is such a crystal, and it can be encoded.
        """
        self._one_of(name, ENDS, "end of a path")
        with self._lock:
            if source is None:
                point = self._careful(self.state.point)
            else:
                try:
                    point = self._end_point(source)
                except XCrystalError as error:
                    self.report(str(error))
                    return False
            ends = (point, self.state.ends[1]) if name == "A" else (self.state.ends[0], point)
            self._commit(f"set {name} of the path", ends=ends, path=None, shown=self._one_shown())
            return True

    def swap_ends(self) -> None:
        """Exchange A and B; a path that was made runs the other way."""
        with self._lock:
            start, end = self.state.ends
            path = self.state.path
            if path is not None:
                frames = tuple(reversed(path.frames))
                path = replace(path, frames=frames, frame=len(frames) - 1 - path.frame)
            self._commit("exchanged A and B", ends=(end, start), path=path)

    def interpolate(self, kind: str = "linear", frames: int = 16) -> bool:
        """Make the path from A to B and go to its first frame.

        Parameters
        ----------
        kind
            "linear"; "spherical", an arc around the origin of latent space; or "flow", a line of the learned prior,
            which keeps to where codes are.
        frames
            2 to 200, both ends included.

        Returns
        -------
        bool
            Whether there is a path now; if not, ``message`` says why, or it was stopped.
        """
        with self._lock:
            start, end = self.state.ends
            if start is None or end is None:
                self.report("A path needs its two ends: set A and B.")
                return False
            return self._travel(start, end, kind, frames, f"made a {kind} path")

    def show_frame(self, frame: int) -> None:
        """Go to a frame of the path, from 0; scrubbing and playing are one step of undo."""
        with self._lock:
            path = self.state.path
            if path is None or not 0 <= int(frame) < len(path.frames):
                self.report("There is no path." if path is None else f"The path has no frame {int(frame)}.")
                return
            point = path.frames[int(frame)]
            gesture = ("frame", id(path.frames))
            if self._history.now.gesture == gesture:
                self.at_rest = False  # also after a pause it is the same movie
            self._commit(
                "went along the path",
                gesture=gesture,
                settle=False,
                path=replace(path, frame=int(frame)),
                point=point,
                base=point,
                shown=self._one_shown(),
            )

    def clear_path(self) -> None:
        """Forget the path and its ends."""
        with self._lock:
            shown = "decoded" if self.state.shown == "both" and self.state.loaded is None else self.state.shown
            self._commit("cleared the path", path=None, ends=(None, None), shown=shown)

    def path_table(self) -> pd.DataFrame:
        """What lies along the path, one row a frame.

        Returns
        -------
        DataFrame
            ``frame``, ``formula``, ``space_group``, the predicted properties, ``volume_per_atom`` (Å3), ``contact``
            (shortest distance of two atoms by the sum of their covalent radii), ``valid`` (no contact below 0.7),
            ``quantile`` (share of known crystals that lie nearer to the data), ``nearest`` (formula of the nearest
            known crystal) and its ``distance``. Empty without a path.
        """
        path = self.state.path
        if path is None:
            return _table((), [])
        if self._measured is None or self._measured[0] is not path.frames:
            from xcrystal.latent.density import Density

            quantiles = Density.of(self.atlas).quantiles(np.stack([point.z for point in path.frames]))
            self._measured = (path.frames, _table(path.frames, quantiles.tolist()))
        return self._measured[1]

    def export_path(self, format: str = "cif") -> tuple[str, bytes]:
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
        from xcrystal.explorer.session.path_export import FORMATS, export

        self._one_of(format, tuple(FORMATS), "format")
        path = self.state.path
        if path is None:
            raise TargetError("There is no path to export: set A and B, and make one.")
        return export(path, format, self.model.name, conventional=self.state.cell == "conventional")

    # -- inside --------------------------------------------------------------------------------------------------

    def _travel(self, start: Point, end: Point, kind: str, frames: int, title: str) -> bool:
        """Make a path between two points, which become its ends, and go to its first frame."""
        from xcrystal.latent.paths import interpolate, kinds_for

        self._one_of(kind, kinds_for(self.model), "kind of path")
        with self._lock:
            if not 2 <= int(frames) <= MOST_FRAMES:
                self.report(f"A path has 2 to {MOST_FRAMES} frames, not {int(frames)}.")
                return False
            z = interpolate(start.z, end.z, int(frames), kind, self.model.prior)
            made: list[Point] = []
            with self._working("Decoding the path", len(z)) as tick:
                for begin in range(0, len(z), _AT_ONCE):
                    part = z[begin : begin + _AT_ONCE]
                    made += self._frames(part, range(begin, begin + len(part)), len(z), kind, start, end)
                    if not tick(made[-1].structure.composition.reduced_formula, len(part)) and len(made) < len(z):
                        self.report("The path was not finished.")
                        return False
            made[0], made[-1] = (
                replace(point, structure=e.structure, material_id=e.material_id)
                for point, e in ((made[0], start), (made[-1], end))
            )
            path = Path(kind, tuple(made), 0)
            shown = self._one_shown()
            self._commit(title, ends=(start, end), path=path, point=made[0], base=made[0], shown=shown)
            return True

    def _one_shown(self) -> str:
        """What is drawn: two crystals side by side stay so while a path is set, else the decode."""
        return "both" if self.state.shown == "both" and self.state.loaded is None else "decoded"

    def _careful(self, point: Point) -> Point:
        """The point decoded with all care, if it was decoded while a hand moved."""
        return self._point(point.z, point.label, point.code, point.material_id) if point.quick else point

    def _end_point(self, source: Any) -> Point:
        if isinstance(source, str) and self._known(source):
            return self._atlas_point(self.atlas.row(source))
        structure = read_structure(source)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnsupportedElementWarning)
            z = self.model.encode(structure)[0]
        formula = structure.composition.reduced_formula
        name = formula if hasattr(source, "lattice") else str(source).replace("\\", "/").rsplit("/", 1)[-1]
        line = go_code(z) if hasattr(source, "lattice") else f"session.load({str(source)!r})"
        return self._point(z, f"reconstruction of {name}", (line,))

    def _frames(
        self, z: np.ndarray, numbers: Sequence[int], total: int, kind: str, start: Point, end: Point
    ) -> list[Point]:
        names = tuple(p.structure.composition.reduced_formula for p in (start, end))
        labels = [f"frame {k + 1} of {total} between {names[0]} and {names[1]}" for k in numbers]
        made = (*start.code, "session.set_end('A')", *end.code, "session.set_end('B')")
        made = (*made, f"session.interpolate({kind!r}, {total})")
        return self._points(z, labels, [(*made, f"session.show_frame({k})") for k in numbers])


def _table(frames: Sequence[Point], quantiles: Sequence[float]) -> pd.DataFrame:
    import pandas as pd

    from xcrystal.crystal.contacts import CLASH, shortest_contacts

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
        **{name: [p.predicted[name] for p in frames] for name in (frames[0].predicted if frames else ())},
        "volume_per_atom": [float(s.volume) / len(s) if len(s) else float("nan") for s in structures],
        "contact": ratios,
        "valid": [ratio >= CLASH for ratio in ratios],
        "quantile": list(quantiles),
        "nearest": [p.neighbours[0].formula for p in frames],
        "distance": [p.neighbours[0].distance for p in frames],
    }
    return pd.DataFrame(columns)
