"""The strip of pinned crystals below the structure; and what the page around the explorer hears of it."""

from __future__ import annotations

import secrets
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

import traitlets

from xcrystal.crystal.formats.cif import cif_text, model_output
from xcrystal.crystal.symmetry.canonical import space_group_number
from xcrystal.crystal.symmetry.groups import space_group
from xcrystal.errors import XCrystalError
from xcrystal.explorer.drawing.cells import conventional_cell
from xcrystal.explorer.panel import Panel, script, style
from xcrystal.explorer.session.saving.saved_session import plain_structure, read_plain_structure
from xcrystal.explorer.session.state import MOST_PINS

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from xcrystal.explorer.session.session import Session
    from xcrystal.explorer.session.state import Point
    from xcrystal.explorer.worker import Worker

THUMBNAIL = 64  # pixels
_ATOMS = 60  # in a conventional cell that is drawn this small
_MOST_GIVEN = 1000  # atoms of a crystal from another explorer, which are looked at at all


class PinsView(Panel):
    """Pin, go there, put into order, walk from one to another.

    Attributes
    ----------
    uid
        What this explorer is called among those of a page.
    pins
        The pinned crystals as the script and its page need them; sent only when they change.
    """

    _esm = script("pins_panel")
    _css = style("pins_panel")
    events: ClassVar[frozenset[str]] = frozenset({"pins", "crystal", "shown", "settled", "mode"})
    uid: Any = traitlets.Unicode().tag(sync=True)
    pins: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)

    def __init__(self, session: Session, worker: Worker) -> None:
        self._keys: WeakKeyDictionary[Point, int] = WeakKeyDictionary()
        self._described: WeakKeyDictionary[Point, dict[str, Any]] = WeakKeyDictionary()
        self._numbers = count()
        super().__init__(session, worker)
        self._listed: tuple[Point, ...] = ()
        self._list()
        self.add_class("xc-pins")

    @traitlets.default("uid")
    def _new_uid(self) -> str:
        return secrets.token_hex(8)  # before the script begins, which looks once

    def describe(self) -> dict[str, Any]:
        """What could be pinned, and which pin is shown."""
        session = self.session
        point, pins = session.state.point, session.state.pins
        alone = session.display.loaded_alone is None
        return {
            "model": session.model.name,
            "formula": session.display.structure.composition.reduced_formula,
            "shown": next((self._key(pin) for pin in pins if pin is point and alone), -1),
            "full": len(pins) >= MOST_PINS,
            "most": MOST_PINS,
            "hidden": "pins" in session.controls.hidden,
        }

    def refresh(self) -> None:
        """Draw anew."""
        self._list()
        super().refresh()

    def act(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Pin, unpin, go there, move, make a path."""
        session, action = self.session, message["act"]
        number = self._number(message.get("key"))
        if action == "here":
            self.send({"type": "here"})
        elif action == "pin":
            session.pin()
        elif action == "interpolate":
            start, end = (self._end(message.get(name)) for name in ("from", "to"))
            if start is not None and end is not None:
                session.pins.interpolate(start, end)
        elif number is None:
            return  # unpinned while the message was on its way
        elif action == "unpin":
            session.pins.remove(number)
        elif action == "go":
            session.pins.go_to(number)
        elif action == "move" and isinstance(message.get("to"), int):
            session.pins.move(number, message["to"])

    # -- inside

    def _list(self) -> None:
        pins = self.session.state.pins
        if pins != self._listed:
            self._listed = pins
            self.pins = [self._tell(pin, number) for number, pin in enumerate(pins)]

    def _tell(self, pin: Point, number: int) -> dict[str, Any]:
        """All that is shown of a pin, and all that can be taken away of it without asking again."""
        if pin not in self._described:
            from xcrystal.explorer.drawing.svg_picture import thumbnail

            structure = conventional_cell(pin.structure)
            small = structure if len(structure) <= _ATOMS else pin.structure
            # a model of a user's own may not know it
            group = int(pin.structure.properties.get("space_group") or space_group_number(pin.structure, handed=True))
            self._described[pin] = {
                "key": self._key(pin),
                "formula": structure.composition.reduced_formula,
                "label": pin.label,
                "group": group or 1,
                "symbol": space_group(group or 1).symbol,
                "picture": thumbnail(small, THUMBNAIL),
                "cif": cif_text(structure, f"{pin.label}; {model_output(self.session.model.name)}"),
                "code": self.session.file.pin_code(number),
                "structure": plain_structure(pin.structure),
            }
        return self._described[pin]

    def _key(self, pin: Point) -> int:
        if pin not in self._keys:
            self._keys[pin] = next(self._numbers)
        return self._keys[pin]

    def _number(self, key: Any) -> int | None:
        """The place of a pin in the order; None if there is none with this key any more."""
        return next((n for n, pin in enumerate(self.session.state.pins) if self._key(pin) == key), None)

    def _end(self, given: Any) -> int | Structure | None:
        """An end of a path: the key of a pin, or a crystal of another explorer; None for neither, which is reported."""
        if not isinstance(given, dict):
            number = self._number(given)
            if number is None:
                self.session.report("This crystal is no longer pinned.")
            return number
        try:
            species = given.get("species")
            if isinstance(species, list) and len(species) > _MOST_GIVEN:
                raise XCrystalError(f"This crystal has {len(species):,} atoms, which is too many.")
            return read_plain_structure(given, self.session.points)
        except XCrystalError as error:
            self.session.report(str(error))
            return None
