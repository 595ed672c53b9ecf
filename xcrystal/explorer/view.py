"""What the parts of the explorer have in common: they listen to a session until they are closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import ipywidgets as widgets

if TYPE_CHECKING:
    from xcrystal.explorer.session.session import Session


class View(widgets.VBox):
    """A box that follows a session."""

    # ipywidgets also closes what was never finished
    _unsubscribe: Callable[[], object] = staticmethod(lambda: None)

    def listen(self, session: Session) -> None:
        """Hear of the session's changes from now on."""
        self._unsubscribe = session.subscribe(self._on_event)

    def close(self) -> None:
        """End listening to the session."""
        self._unsubscribe()
        super().close()

    def _on_event(self, event: str) -> None:
        raise NotImplementedError
