"""What a beginner reads above each part of the explorer: one or two sentences, and the terms in them."""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets

from xcrystal.explorer.panel import script, style
from xcrystal.explorer.panels.glossary import terms

HINTS = {
    "map": (
        "Each point is a known crystal, and similar crystals lie close together. Click a point, or drag across empty "
        "space.",
        ("map", "latent space"),
    ),
    "structure": (
        "The crystal that the model makes here. Drag to turn it, scroll to zoom, click an atom.",
        ("decode", "primitive cell", "attribution"),
    ),
    "loaded": (
        "The crystal that you loaded. Drag to turn it, scroll to zoom, click an atom.",
        ("reconstruction", "attribution"),
    ),
    "overlay": (
        "The crystal that you loaded; the shells around its atoms are the crystal that the model makes.",
        ("reconstruction", "decode"),
    ),
    "both": (
        "Two crystals side by side, at one scale. Drag one, and both turn.",
        ("decode", "primitive cell"),
    ),
    "move": (
        "Drag a slider, and watch the crystal change.",
        ("latent vector", "principal direction", "property direction"),
    ),
    "find": (
        "Look for known crystals by formula, element, space group or property.",
        ("atlas", "concept direction"),
    ),
    "paths": (
        "Choose two crystals, A and B, and watch one turn into the other.",
        ("interpolation", "valid"),
    ),
    "steer": (
        "Let the model look nearby for crystals with a better property, or propose structures for a formula.",
        ("steering", "prior", "extrapolation"),
    ),
    "change": (
        "What if this atom were another element? Click an atom, then replace, remove or move it.",
        ("orbit", "counterfactual", "extrapolation"),
    ),
    "why": (
        "See which atoms a prediction depends on. Point at a bar to see its atoms, or at an atom to see its bar.",
        ("attribution", "baseline", "completeness"),
    ),
    "decode": (
        "See the model decode: one choice after another, each with what else was likely. Click another choice, and "
        "the model goes on from there.",
        ("decode", "greedy decode", "runner-up"),
    ),
    "concept": (
        "Does the model's prediction use an idea such as perovskite? Choose an idea to test it.",
        ("TCAV", "attribution", "nearest known crystals"),
    ),
    "design": (
        "Say what you want: a range, elements, a symmetry. Then look for crystals that the model predicts to have it.",
        ("nearest known crystals", "extrapolation"),
    ),
    "stability": (
        "Would it fall apart into other crystals? Compare it with those that are known, and let its atoms relax.",
        ("formation energy", "energy above hull", "relaxing"),
    ),
    "diffraction": (
        "See at which angles a powder of this crystal diffracts X-rays. Point at a peak to see its planes.",
        ("powder pattern", "Miller indices"),
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

    def tell(self, part: str) -> None:
        """Say what goes with another part from now on."""
        self.state = hint(part)
