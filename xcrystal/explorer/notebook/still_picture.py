"""A still picture of the last view, kept in the notebook beside the live explorer for when no kernel runs.

It is an output of its own, so that it can be replaced without drawing the explorer anew. A style rule hides it while
the explorer is alive; where there is none (a saved notebook, an HTML export) it is what people see. Where a box or a
tab shows the explorer, the picture comes with that; where an ``Output`` takes it, which no file keeps, after its cell.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import ipywidgets as widgets
import numpy as np
from ipywidgets.widgets import widget as registry

from xcrystal.explorer import words
from xcrystal.explorer.drawing.scene_message import atom_labels
from xcrystal.explorer.drawing.svg_picture import svg
from xcrystal.explorer.notebook.execution import running_cell, shell

if TYPE_CHECKING:
    from xcrystal.explorer.session.session import Session

_POINTS = 1500  # of the map that are drawn
_SIZE = 280  # pixels


class Still:
    """The picture of one session.

    Attributes
    ----------
    identity
        What the explorer and the picture know each other by.
    """

    def __init__(self, session: Session) -> None:
        self.session, self.identity = session, secrets.token_hex(8)
        self._handle: Any = None
        self._shown: Any = None

    def follow(self, explorer: widgets.Widget) -> None:
        """Be shown with this explorer, also where another widget shows it."""
        _STILLS[explorer] = self
        here = shell()
        if here is not None:
            here.display_formatter.mimebundle_formatter.for_type(widgets.Box, _show_box)

    def show(self) -> None:
        """Add the picture to the output of the cell that runs; after its end if an ``Output`` takes all until then."""
        if self._handle is not None:
            return
        here = shell()
        if here is not None and _is_captured():
            _after_cell(here, self._publish)
        else:
            self._publish()

    def _publish(self) -> None:
        from IPython.display import HTML, display

        self._shown = self.session.state
        self._handle = display(HTML(self.html()), display_id=True)

    def update(self) -> None:
        """Replace the picture, if it has been shown and something has changed since."""
        if self._handle is None or self._shown is self.session.state:
            return
        from IPython.display import HTML

        self._shown = self.session.state
        self._handle.update(HTML(self.html()))

    def html(self) -> str:
        """The picture: crystal, its position on the map, and what is predicted."""
        session = self.session
        structure, shown = session.display.structure, session.display.loaded_alone
        predicted = session.predicted if shown is None else shown.predicted or {}
        position = session.state.point.position if shown is None else shown.position
        found = session.explanations.attribution
        scores, scale = (None, None) if found is None else (found.atom_scores, found.scale())
        group = session.display.space_group
        facts = [f"{words.space_group_html(group[1])} ({group[0]})"] if group else []
        facts += [
            f"{escape(words.title(name))} {value:.2f} {escape(words.unit(name))}" for name, value in predicted.items()
        ]
        labels, options = atom_labels(structure, session.state.labels), session.display.options
        picture = svg(structure, scores, _SIZE, scale=scale, over=session.display.over, labels=labels, **options)
        label = escape(session.label if shown is None else f"{shown.name}, as loaded")
        rule = f".xc-still-{self.identity}"
        return (
            f'<style>body:has(.xc-explorer[data-live="{self.identity}"]) {rule} {{ display: none; }}</style>'
            f'<div class="xc-still xc-still-{self.identity}" style="font-family:sans-serif;font-size:13px">'
            f"<p><b>{words.formula_html(words.formula_of(structure))}</b> {label}</p>"
            f'<div style="display:flex;flex-wrap:wrap;gap:16px">{picture}'
            f"{self._map(position)}</div><p>{'; '.join(facts)}</p>"
            "<p><small>The last view of the xcrystal explorer; run the cell again to explore. "
            f"{escape(words.CAUTION)}</small></p></div>"
        )

    def _map(self, position: tuple[float, float] | None) -> str:
        """The map with a ring around the crystal; nothing for one that cannot be encoded, which has no place there."""
        if position is None:
            return ""
        low, scale = self._frame
        x, y = (np.array(position) - low) * scale
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_SIZE}" height="{_SIZE}" role="img" '
            f'aria-label="Its position on the map" viewBox="-10 -10 {_SIZE + 20} {_SIZE + 20}">'
            f'<path d="{self._dots}" stroke="#8a8a8a" stroke-width="2" stroke-linecap="round" fill="none"/>'
            f'<circle cx="{x:.1f}" cy="{_SIZE - y:.1f}" r="7" fill="none" stroke="#d55e00" stroke-width="3"/></svg>'
        )

    @cached_property
    def _frame(self) -> tuple[np.ndarray, float]:
        xy = self.session.atlas.table[["x", "y"]].to_numpy(dtype=float)
        return xy.min(axis=0), _SIZE / max(float(np.ptp(xy, axis=0).max()), 1e-9)

    @cached_property
    def _dots(self) -> str:
        xy = self.session.atlas.table[["x", "y"]].to_numpy(dtype=float)
        rows = np.random.default_rng(0).permutation(len(xy))[:_POINTS]
        low, scale = self._frame
        places = (xy[rows] - low) * scale
        return "".join(f"M{x:.0f} {_SIZE - y:.0f}h0" for x, y in places)


_STILLS: WeakKeyDictionary[widgets.Widget, Still] = WeakKeyDictionary()


def _show_box(box: widgets.Box) -> Any:
    """What a notebook shows of a box, and before it the pictures of the explorers inside."""
    for inner in _inside(box):
        if inner in _STILLS:
            _STILLS[inner].show()
    return box._repr_mimebundle_()


def _inside(box: widgets.Widget) -> Iterator[widgets.Widget]:
    """All explorers in a box, and all else but what is in them."""
    for child in getattr(box, "children", ()):
        yield child
        if child not in _STILLS:
            yield from _inside(child)


def _is_captured() -> bool:
    """Whether what is displayed now goes into an ``Output``: one that is open knows the request that it listens to."""
    _, request = running_cell()
    # there is no public list of widgets
    known = list(getattr(registry, "_instances", {}).values())
    return bool(request) and any(isinstance(one, widgets.Output) and one.msg_id == request for one in known)


def _after_cell(here: Any, then: Callable[[], None]) -> None:
    """Call once, at the end of the cell that runs."""

    def ended(_: Any) -> None:
        here.events.unregister("post_run_cell", ended)
        then()

    here.events.register("post_run_cell", ended)
