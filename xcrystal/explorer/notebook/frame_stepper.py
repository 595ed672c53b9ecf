"""A crystal on its way from nothing, step by step: a slider in a notebook, and a strip of pictures that stays."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import ipywidgets as widgets
import numpy as np

from xcrystal.explorer.drawing.cells import conventional_cell
from xcrystal.explorer.drawing.palette import QUALITATIVE
from xcrystal.explorer.drawing.svg_picture import svg
from xcrystal.generators.frames import Frame

_PICTURE = 260  # pixels
_SMALL = 120


class FilmStrip:
    """Some of the frames side by side; a notebook shows it when it is the last line of a cell, or displayed.

    Parameters
    ----------
    frames
        Of ``xcrystal.sample_steps``.
    most
        How many of those with a crystal are drawn, the first and the last among them.
    """

    def __init__(self, frames: Sequence[Frame], most: int = 6) -> None:
        drawn = [frame for frame in frames if frame.crystal is not None]
        chosen = np.unique(np.linspace(0, len(drawn) - 1, min(most, len(drawn))).round().astype(int))
        self.frames = [drawn[k] for k in chosen]

    def _repr_html_(self) -> str:
        figures = (
            f'<figure style="margin:0;width:{_SMALL}px;text-align:center;font-size:12px">{_drawing(frame, _SMALL)}'
            f"<figcaption>{escape(frame.what)}<br>{escape(frame.taken)}</figcaption></figure>"
            for frame in self.frames
        )
        return f'<div style="display:flex;flex-wrap:wrap;gap:10px">{"".join(figures)}</div>'


class FrameStepper(widgets.VBox):
    """A slider over the frames, with the crystal so far and what it might have been.

    Parameters
    ----------
    frames
        Of ``xcrystal.sample_steps``.

    Attributes
    ----------
    slider
        Which frame is shown, from 0.
    """

    def __init__(self, frames: Sequence[Frame]) -> None:
        self.frames = list(frames)
        self.slider = widgets.IntSlider(
            0, 0, len(self.frames) - 1, description="step", layout=widgets.Layout(width="420px")
        )
        play = widgets.Play(min=0, max=len(self.frames) - 1, interval=400, tooltip="Play the steps")
        widgets.jslink((play, "value"), (self.slider, "value"))
        self._view = widgets.HTML()
        super().__init__([widgets.HBox([play, self.slider]), self._view])
        self.slider.observe(self._draw, "value")
        self._draw()

    def _draw(self, _: Any = None) -> None:
        self._view.value = frame_html(self.frames[self.slider.value])


def frame_html(frame: Frame) -> str:
    """A frame as HTML: its picture, what the step is, and its alternatives as bars."""
    most = max((one.probability for one in frame.alternatives), default=1.0) or 1.0
    rows = "".join(
        f'<tr><td style="text-align:right;padding-right:6px">{escape(one.name)}</td>'
        f'<td><div style="width:{180 * one.probability / most:.0f}px;height:12px;background:{QUALITATIVE[0]}">'
        "</div></td>"
        f'<td style="padding-left:6px">{one.probability:.1%}</td></tr>'
        for one in frame.alternatives
    )
    return (
        '<div style="display:flex;gap:20px;align-items:flex-start;font-family:sans-serif;font-size:13px">'
        f'<div style="width:{_PICTURE}px;min-height:{_PICTURE}px">{_drawing(frame, _PICTURE)}</div>'
        f"<div><b>{escape(frame.what)}</b><br>{escape(frame.taken)}<table>{rows}</table></div></div>"
    )


def _drawing(frame: Frame, width: int) -> str:
    if frame.crystal is None:
        return ""
    return svg(conventional_cell(frame.crystal.to_structure()), None, width, polyhedra=frame.progress == 1, bonds=False)
