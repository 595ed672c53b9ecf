"""Small pictures of the atlas' crystals, decoded and drawn when they are first asked for, and kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from xcrystal.explorer.drawing.cells import conventional_cell
from xcrystal.explorer.drawing.svg_picture import thumbnail

if TYPE_CHECKING:
    from xcrystal.explorer.session.session import Session

_KEPT = 600  # pictures of some kilobytes
_WIDTH = 96  # pixels


class CrystalStills:
    """The pictures of one session, which its panels share.

    Decoding here takes no lock of the session, so that a picture never waits for, nor holds up, what a user does.
    """

    def __init__(self, session: Session) -> None:
        self._points = session.points
        self._kept: OrderedDict[int, str] = OrderedDict()
        self._lock = threading.Lock()

    @staticmethod
    def of(session: Session) -> CrystalStills:
        """Those of a session."""
        if session not in _OF_SESSION:
            _OF_SESSION[session] = CrystalStills(session)
        return _OF_SESSION[session]

    def draw(self, rows: Sequence[int]) -> dict[int, str]:
        """SVG of crystals of the atlas, by row; decoded greedily, which takes some 20 ms each."""
        with self._lock:
            missing = [row for row in dict.fromkeys(rows) if row not in self._kept]
            if missing:
                structures = self._points.decode(self._points.atlas.z[missing], "fast")
                for row, structure in zip(missing, structures, strict=True):
                    self._kept[row] = thumbnail(conventional_cell(structure), _WIDTH)
            found = {row: self._kept[row] for row in rows}
            for row in found:
                self._kept.move_to_end(row)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found

    def kept(self, row: int) -> str:
        """The picture of a row if it has been drawn; otherwise ""."""
        return self._kept.get(row, "")


_OF_SESSION: WeakKeyDictionary[Session, CrystalStills] = WeakKeyDictionary()
