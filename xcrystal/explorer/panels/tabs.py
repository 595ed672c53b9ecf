"""Tabs over some panels: which one is open is the browser's business alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anywidget
import traitlets

from xcrystal.explorer.panel import script, style
from xcrystal.explorer.panels.hints import hint


class Tabs(anywidget.AnyWidget):
    """A row of tabs that shows one of the boxes beside it, each under a hint for beginners.

    Parameters
    ----------
    labels
        Name of a part to the label of its tab, in order; the CSS class of its box is "xc-" and the name.
    """

    _esm = script("tabs")
    _css = style("tabs")
    labels: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(self, labels: Mapping[str, str]) -> None:
        super().__init__(labels=[[f"xc-{name}", label, hint(name)] for name, label in labels.items()])
        self.add_class("xc-tabs")
