"""What a beginner reads above each part of the explorer: one or two sentences, and the terms in them."""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets

from xcrystal.explorer.panel import script, style
from xcrystal.explorer.panels.glossary import terms

HINTS = {
    "map": (
        "Each point is a known crystal; crystals that the model finds alike lie near each other. Click a point to see "
        "it, or drag over an empty area to see what the model makes there.",
        ("map", "latent space"),
    ),
    "structure": (
        "The crystal that the model decodes here. Drag to turn it, scroll to zoom, click an atom to learn about it.",
        ("decode", "primitive cell", "attribution"),
    ),
    "move": (
        "Each slider changes the latent vector along one direction. The crystal follows.",
        ("latent vector", "principal direction", "property direction"),
    ),
    "find": (
        "Search known crystals by formula, element, space group or property. Keep two groups to make a direction that "
        "leads from one to the other.",
        ("atlas", "concept direction"),
    ),
    "paths": (
        "Choose two crystals, A and B, and watch what the model decodes on the way between them.",
        ("interpolation", "valid"),
    ),
    "steer": (
        "Let the model look for crystals nearby that it predicts to be better, step by step; or give a formula and let "
        "it propose structures.",
        ("steering", "prior", "extrapolation"),
    ),
    "change": (
        "What if this atom were another one? Click an atom of the crystal, or choose its orbit, and give it another "
        "element, remove it or move it. Or let the model look for the smallest change that turns a metal into an "
        "insulator.",
        ("orbit", "counterfactual", "extrapolation"),
    ),
    "why": (
        "Choose what to explain, and see how much each part of the crystal contributes to it. Point at a bar to see "
        "its atoms, or at an atom to see its bar.",
        ("attribution", "baseline", "completeness"),
    ),
    "concept": (
        "Ask whether the model's prediction uses an idea such as perovskite, what each element does to it over the "
        "crystals that you have selected, and which known crystals are near to the present one.",
        ("TCAV", "attribution", "nearest known crystals"),
    ),
}


def hint(part: str) -> dict[str, Any]:
    """The sentences above a part, and its terms, as JSON for scripts."""
    text, names = HINTS[part]
    return {"text": text, "terms": terms(*names)}


class Hint(anywidget.AnyWidget):
    """Sentences for beginners, with buttons that explain terms."""

    _esm = script("hints")
    _css = style("hints")
    state: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)

    def __init__(self, part: str) -> None:
        super().__init__(state=hint(part))
        self.add_class("xc-hint")
