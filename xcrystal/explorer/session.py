"""The explorer without its looks: one object that holds all state and says when it changes.

Views subscribe and read; whatever a user does becomes one call of a method here. Nothing in it knows of widgets, so
that everything the explorer does can also be done, and tested, without a browser.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from xcrystal.crystal.cif import cif_text, model_output
from xcrystal.crystal.groups import space_group
from xcrystal.crystal.matching import match_rms
from xcrystal.crystal.reading import MAX_SEARCHED, check_structure, parse_structure, read_structure
from xcrystal.errors import (
    ReadError,
    TargetError,
    UnsupportedCrystalError,
    UnsupportedElementWarning,
    XCrystalError,
    one_sentence,
)
from xcrystal.explorer.cells import conventional_cell
from xcrystal.explorer.records import Loaded, Neighbour

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.explanation.attribution import Attribution
    from xcrystal.generator import CrystalModel
    from xcrystal.latent.chart import Atlas

EVENTS = ("crystal", "shown", "attribution", "settled", "color", "message")
COLORS = ("formation_energy_per_atom", "band_gap", "e_above_hull", "space_group")
NEIGHBOURS = 6
FIRST = ("mp-5986", "mp-22862")  # BaTiO3, NaCl
_log = logging.getLogger(__name__)


class Session:
    """State of one explorer.

    Parameters
    ----------
    model
        Encodes, decodes, predicts.
    atlas
        Known crystals, their codes, places and principal directions.

    Attributes
    ----------
    z
        (latent_dim,) float32 current latent vector.
    label
        What the current crystal is, in words; may contain a file name, so escape it.
    material_id
        Of the atlas crystal that ``z`` is the code of, otherwise None.
    structure
        Decode of ``z``.
    predicted
        Property name to value, at ``z``.
    position
        (x, y) of ``z`` on the map.
    coordinates
        (k,) coordinates of ``z`` along the principal directions, in standard deviations.
    neighbours
        The nearest atlas crystals, nearest first.
    loaded
        The crystal that was loaded, kept until ``reset``.
    shown
        "decoded" or "loaded": which of the two is drawn.
    cell
        "conventional" or "primitive": which cell of a decode is drawn. A loaded crystal is drawn as it came.
    color
        Atlas column that colours the map; empty if the atlas has none that could.
    target, attribution
        What atoms are coloured by, or None; the last attribution, or None while there is none for what is shown.
    at_rest
        False while sliders are being moved, until ``settle``.

    Notes
    -----
    Methods may be called from any thread. Bad input never raises here: it becomes ``message``, and the rest of the
    state stays as it was. A target, colour or direction that does not exist is the caller's mistake and raises.
    """

    def __init__(self, model: CrystalModel, atlas: Atlas) -> None:
        self.model, self.atlas = model, atlas
        self.color, self.shown, self.cell = self._first_color(), "decoded", "conventional"
        self.target: str | None = None
        self.attribution: Attribution | None = None
        self.loaded: Loaded | None = None
        self._said = self._uncolored = ""  # of the last act; why there is no attribution
        self.at_rest = True
        self._stale = True
        self._lock = threading.RLock()
        self._views: list[Callable[[str], None]] = []
        self._first = self._opening()
        self.select(self._first)

    # -- views ---------------------------------------------------------------------------------------------------

    def subscribe(self, view: Callable[[str], None]) -> Callable[[], None]:
        """Call ``view(event)`` after each change, with one of ``EVENTS``; returns what ends that."""
        self._views.append(view)

        def unsubscribe() -> None:
            with suppress(ValueError):
                self._views.remove(view)

        return unsubscribe

    def _emit(self, *events: str) -> None:
        for event in events:
            for view in tuple(self._views):
                try:
                    view(event)
                except Exception:  # noqa: BLE001  (one view that fails must not keep the change from the others)
                    _log.exception("A view of the explorer failed at %r.", event)

    # -- what a user does ----------------------------------------------------------------------------------------

    def select(self, crystal: int | str) -> None:
        """Go to an atlas crystal, by row or material id, and decode its code."""
        with self._lock:
            try:
                row = self.atlas.row(crystal) if isinstance(crystal, str) else int(crystal)
                if not 0 <= row < len(self.atlas.z):
                    raise ReadError(f"The atlas has {len(self.atlas.z)} crystals; there is no row {row}.")
            except XCrystalError as error:
                self.report(str(error))
                return
            record = self.atlas.table.iloc[row]
            self._go(self.atlas.z[row], f"decode of {record.material_id}", str(record.material_id))
            self._finish("crystal")

    def load(self, source: Any) -> bool:
        """Go to a crystal of the user's: a path, a Structure, or a material id of the atlas.

        Returns
        -------
        bool
            Whether there is one to show.
        """
        with self._lock:
            if isinstance(source, str) and self._known(source):
                self.select(source)
                return True
            try:
                structure = read_structure(source)
            except XCrystalError as error:
                self.report(str(error))
                return False
            name = structure.composition.reduced_formula if hasattr(source, "lattice") else _file_name(source)
            return self._take(structure, name)

    def load_bytes(self, content: bytes, name: str) -> None:
        """Go to the crystal in an uploaded file."""
        with self._lock:
            try:
                structure = check_structure(parse_structure(bytes(content), name))
            except XCrystalError as error:
                self.report(str(error))
                return
            self._take(structure, name)

    def move(self, direction: int, value: float) -> None:
        """Set one slider: coordinate along a principal direction, in standard deviations.

        An attribution does not follow at once; ``settle`` brings it.
        """
        with self._lock:
            z = self.atlas.directions.move(self.z, direction, float(value))
            label = f"moved along direction {direction + 1}, from the {self._base[1]}"
            self._set(z, label, None)
            self._finish("crystal", settle=False)

    def settle(self) -> None:
        """Bring the attribution up to date with what is shown."""
        with self._lock:
            moved, self.at_rest = not self.at_rest, True
            if self._stale and self.target is not None:
                self._explain()
            elif moved:
                self._emit("settled")
            self._stale = False

    def undo_moves(self) -> None:
        """Go back to the crystal from which sliders were moved."""
        with self._lock:
            self._go(*self._base)
            self._finish("crystal")

    def reset(self) -> None:
        """Back to the beginning: the first crystal, nothing loaded, all colours and the cell as they were."""
        with self._lock:
            self.loaded, self.target = None, None
            self.color, self.cell = self._first_color(), "conventional"
            self.select(self._first)
            self._emit("attribution", "color")

    def color_by(self, name: str) -> None:
        """Colour the map by a column of the atlas.

        Raises
        ------
        TargetError
            If it is not one of ``colors``.
        """
        if name not in self.colors:
            raise TargetError(f"The map cannot be coloured by {name!r}; there are: {', '.join(self.colors)}.")
        with self._lock:
            self.color = name
            self._emit("color")

    def attribute(self, target: str | None) -> None:
        """Colour atoms by the attribution of a predicted property; None switches it off.

        Raises
        ------
        TargetError
            If the model does not predict it.
        """
        if target is not None and target not in self.predicted:
            raise TargetError(f"There is no target {target!r}; there are: {', '.join(self.predicted)}.")
        with self._lock:
            self.target, self.attribution, self._stale = target, None, True
            if target is None:
                self._tell(self._said)
            self.settle()
            if target is None:
                self._emit("attribution")

    def show(self, which: str) -> None:
        """Draw the "decoded" or the "loaded" crystal.

        Raises
        ------
        TargetError
            If there is no such thing to draw.
        """
        if which not in ("decoded", "loaded") or (which == "loaded" and self.loaded is None):
            raise TargetError(f"There is no {which!r} crystal to show.")
        with self._lock:
            self.shown = which
            self._finish("shown")

    def show_cell(self, cell: str) -> None:
        """Draw decodes in their "conventional" or "primitive" cell.

        Raises
        ------
        TargetError
            For anything else.
        """
        if cell not in ("conventional", "primitive"):
            raise TargetError(f"There is no {cell!r} cell; there are: conventional, primitive.")
        with self._lock:
            self.cell = cell
            self._finish("shown")

    def report(self, message: str) -> None:
        """Say one sentence to the user."""
        with self._lock:
            self._said, self._uncolored = one_sentence(message), ""
            self._emit("message")

    # -- what views read -----------------------------------------------------------------------------------------

    @property
    def message(self) -> str:
        """One sentence to the user, or ""."""
        return self._uncolored or self._said

    @property
    def colors(self) -> list[str]:
        """Atlas columns that can colour the map."""
        table = self.atlas.table
        return [name for name in COLORS if name in table and table[name].notna().any()]

    @property
    def shown_loaded(self) -> Loaded | None:
        """The loaded crystal if it is what is shown, otherwise None."""
        return self.loaded if self.shown == "loaded" else None

    @property
    def drawn(self) -> Structure:
        """The structure that is shown, in the cell that is shown."""
        if self.shown_loaded is not None:
            return self.shown_loaded.structure
        return conventional_cell(self.structure) if self.cell == "conventional" else self.structure

    @property
    def moved(self) -> bool:
        """Whether sliders were moved away from the crystal that ``undo_moves`` goes back to."""
        return self.z is not self._base[0]

    @property
    def drawn_space_group(self) -> tuple[int, str] | None:
        """Number and symbol of the space group of what is shown."""
        if self.shown_loaded is not None:
            number = self.shown_loaded.space_group
        else:
            number = self.structure.properties.get("space_group")
        return None if number is None else (int(number), space_group(int(number)).symbol)

    def cif(self) -> str:
        """CIF text of what is shown, in P1, with a line that says what it is."""
        with self._lock:
            if self.shown_loaded is not None:
                origin = f"{self.shown_loaded.name}, as loaded"
            else:
                origin = f"{self.label}; {model_output(self.model.name)}"
            return cif_text(self.drawn, origin)

    # -- inside --------------------------------------------------------------------------------------------------

    def _opening(self) -> int:
        """Row of a crystal that everybody knows, or the one nearest the centre of the atlas."""
        known = [m for m in FIRST if self._known(m)]
        if known:
            return self.atlas.row(known[0])
        return int(self.atlas.neighbours(self.atlas.directions.mean.astype(np.float32), 1)[0][0, 0])

    def _first_color(self) -> str:
        return next(iter(self.colors), "")

    def _explain(self) -> None:
        from xcrystal.explanation.attribution import attribute

        assert self.target is not None
        reason = self.shown_loaded.reason if self.shown_loaded is not None else ""
        if not reason:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", UnsupportedElementWarning)  # said when it was loaded
                    self.attribution = attribute(self.model, self.drawn, target=self.target)
            except XCrystalError as error:
                reason = str(error)
        self._tell(self._said, f"The atoms cannot be coloured: {reason}" if reason else "")
        self._emit("attribution")

    def _tell(self, said: str, uncolored: str = "") -> None:
        before = self.message
        self._said, self._uncolored = said, one_sentence(uncolored)
        if self.message != before:
            self._emit("message")

    def _caution(self) -> str:
        """What is to be said as long as the loaded crystal, or its reconstruction, is shown."""
        if self.loaded is None:
            return ""
        if self.shown == "loaded":
            return self.loaded.reason or self.loaded.caution
        return self.loaded.caution if self.z is self.loaded.z else ""

    def _known(self, material_id: str) -> bool:
        try:
            self.atlas.row(material_id)
        except ReadError:
            return False
        return True

    def _take(self, structure: Structure, name: str) -> bool:
        """Encode a checked structure and go to its reconstruction; only draw it if it cannot be encoded."""
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                crystal = self.model.canonical(structure).crystal
        except UnsupportedCrystalError as error:
            self.loaded = Loaded(name, structure, _space_group_number(structure), reason=str(error))
            self.shown = "loaded"
            self._finish("crystal")
            return True
        except XCrystalError as error:
            self.report(str(error))
            return False
        cautions = [str(w.message) for w in caught if issubclass(w.category, UnsupportedElementWarning)]
        self._go(self.model.encode_canonical([crystal])[0], f"reconstruction of {name}", None)
        self.loaded = Loaded(
            name,
            structure,
            crystal.space_group,
            z=self.z,
            position=self.position,
            predicted=self.predicted,
            rms=match_rms(structure, self.structure),
            caution=one_sentence(" ".join(cautions)),
        )
        self._finish("crystal")
        return True

    def _go(self, z: np.ndarray, label: str, material_id: str | None) -> None:
        self._set(z, label, material_id)
        self._base = (z, label, material_id)

    def _set(self, z: np.ndarray, label: str, material_id: str | None) -> None:
        structure = self.model.decode(z[None])[0]
        predicted = {name: float(values[0]) for name, values in self.model.predict(z[None]).items()}
        x, y = self.atlas.place(z)[0]
        coordinates = self.atlas.directions.coordinates(z)[0]
        rows, distances = self.atlas.neighbours(z, NEIGHBOURS)
        table = self.atlas.table
        neighbours = [
            Neighbour(int(r), str(table.material_id.iat[r]), str(table.formula.iat[r]), float(d))
            for r, d in zip(rows[0], distances[0], strict=True)
        ]
        # only now, so that an error above leaves everything as it was
        self.z, self.label, self.material_id = z, label, material_id
        self.structure, self.predicted = structure, predicted
        self.position, self.coordinates, self.neighbours = (float(x), float(y)), coordinates, neighbours
        self.shown = "decoded"

    def _finish(self, event: str, *, settle: bool = True) -> None:
        """Tell the views, first of the crystal and then of its attribution, which takes longer."""
        self.attribution, self._stale, self.at_rest = None, True, settle
        self._emit(event)
        self._tell(self._caution())
        if settle:
            self.settle()


def _file_name(source: Any) -> str:
    from pathlib import Path

    return Path(source).name


def _space_group_number(structure: Structure) -> int | None:
    from xcrystal.crystal.canonical import space_group_number

    return (space_group_number(structure, handed=True) or None) if len(structure) <= MAX_SEARCHED else None
