"""Sliders along the leading principal directions of the atlas."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from xcrystal.explorer.view import View
from xcrystal.explorer.worker import Worker

if TYPE_CHECKING:
    from xcrystal.explorer.session import Session

COUNT = 8
LIMIT = 3.0
_STEP = 0.05


class SliderView(View):
    """One slider a direction, in standard deviations of the atlas."""

    def __init__(self, session: Session, worker: Worker) -> None:
        self.session, self.worker = session, worker
        self._here = threading.local()  # a value set by this view must not come back as a user's wish
        shares = session.atlas.directions.explained[:COUNT]
        self.sliders = [self._slider(i, float(share)) for i, share in enumerate(shares)]
        self.undo = widgets.Button(
            description="Undo moves", icon="undo", tooltip="Back to the crystal that the sliders were moved from"
        )
        self.undo.add_class("xc-undo")
        self.undo.on_click(lambda _: worker.submit("select", session.undo_moves))
        heading = widgets.HTML("Principal directions, in standard deviations")
        heading.add_class("xc-heading")
        grid = widgets.Box(self.sliders)
        grid.add_class("xc-grid")
        bar = widgets.HBox([heading, self.undo])
        bar.add_class("xc-bar")
        super().__init__([bar, grid])
        self.add_class("xc-sliders")
        self.undo.disabled = not session.moved
        self.listen(session)
        self._show()

    def _slider(self, index: int, share: float) -> widgets.FloatSlider:
        slider = widgets.FloatSlider(
            min=-LIMIT,
            max=LIMIT,
            step=_STEP,
            description=f"{index + 1} · {share:.1%}",
            tooltip=f"Direction {index + 1} holds {share:.1%} of the variance of the atlas",
            readout_format="+.2f",
        )
        slider.add_class("xc-slider")
        slider.add_class(f"xc-slider-{index}")
        slider.observe(lambda change: self._on_slider(index, change), "value")
        return slider

    def _on_slider(self, index: int, change: Any) -> None:
        # the browser answers a value between two steps with the nearer step: no wish of anybody
        snapped = abs(change.new - change.old) < 0.6 * _STEP
        if not snapped and not getattr(self._here, "setting", False):
            self.worker.submit(("move", index), lambda: self.session.move(index, change.new))

    def _on_event(self, event: str) -> None:
        # while sliders move, they show what the hand does; the crystal follows
        if event == "crystal":
            self.undo.disabled = not self.session.moved
            if self.session.at_rest:
                self._show()

    def _show(self) -> None:
        self._here.setting = True
        try:
            for slider, value in zip(self.sliders, self.session.coordinates, strict=False):
                slider.value = round(min(max(float(value), -LIMIT), LIMIT) / _STEP) * _STEP
        finally:
            self._here.setting = False
