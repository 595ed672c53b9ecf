"""Explore a crystal VAE: load it, encode, decode, and look around in its latent space.

>>> import xcrystal as xc
>>> model = xc.load("mp20")
>>> z = model.encode("my.cif")
>>> crystals = model.decode(z)
>>> xc.explore("my.cif")

Everything public is imported on first use, so that ``import xcrystal`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xcrystal.assessment.synthesis_signals import synthesis_signals
    from xcrystal.diffraction.identification import identify
    from xcrystal.diffraction.measured import read_pattern
    from xcrystal.diffraction.powder import xrd
    from xcrystal.disorder.approximants import approximants
    from xcrystal.disorder.defects import defects
    from xcrystal.energetics.hull import hull
    from xcrystal.energetics.relaxing import relax
    from xcrystal.errors import XCrystalError
    from xcrystal.explanation.attribution import attribute as explain
    from xcrystal.explanation.choice_attribution import decode_change, explain_choice
    from xcrystal.explanation.decode_steps import decode_steps
    from xcrystal.explorer.drawing.svg_picture import Pictures
    from xcrystal.explorer.notebook.gallery_output import open_gallery as gallery
    from xcrystal.explorer.notebook.structure_output import draw_structures
    from xcrystal.explorer.notebook.teaching_forms import open_guess as guess
    from xcrystal.explorer.notebook.teaching_forms import open_quiz as quiz
    from xcrystal.explorer.static_page.page_export import export_page
    from xcrystal.explorer.widget import explore
    from xcrystal.generator import open_model as load
    from xcrystal.generators.families import sample, sample_steps
    from xcrystal.inverse_design.designing import design
    from xcrystal.latent.atlas import open_atlas as atlas
    from xcrystal.latent.building import build_atlas
    from xcrystal.wrapping import wrap_model as wrap

__version__ = "0.1.0"
__all__ = [
    "Pictures",
    "XCrystalError",
    "__version__",
    "approximants",
    "atlas",
    "build_atlas",
    "decode_change",
    "decode_steps",
    "defects",
    "design",
    "draw_structures",
    "explain",
    "explain_choice",
    "explore",
    "export_page",
    "gallery",
    "guess",
    "hull",
    "identify",
    "load",
    "quiz",
    "read_pattern",
    "relax",
    "sample",
    "sample_steps",
    "synthesis_signals",
    "wrap",
    "xrd",
]

_PUBLIC = {
    "Pictures": ("xcrystal.explorer.drawing.svg_picture", "Pictures"),
    "XCrystalError": ("xcrystal.errors", "XCrystalError"),
    "approximants": ("xcrystal.disorder.approximants", "approximants"),
    "atlas": ("xcrystal.latent.atlas", "open_atlas"),
    "build_atlas": ("xcrystal.latent.building", "build_atlas"),
    "decode_change": ("xcrystal.explanation.choice_attribution", "decode_change"),
    "decode_steps": ("xcrystal.explanation.decode_steps", "decode_steps"),
    "defects": ("xcrystal.disorder.defects", "defects"),
    "design": ("xcrystal.inverse_design.designing", "design"),
    "draw_structures": ("xcrystal.explorer.notebook.structure_output", "draw_structures"),
    "explain": ("xcrystal.explanation.attribution", "attribute"),
    "explain_choice": ("xcrystal.explanation.choice_attribution", "explain_choice"),
    "explore": ("xcrystal.explorer.widget", "explore"),
    "export_page": ("xcrystal.explorer.static_page.page_export", "export_page"),
    "gallery": ("xcrystal.explorer.notebook.gallery_output", "open_gallery"),
    "guess": ("xcrystal.explorer.notebook.teaching_forms", "open_guess"),
    "hull": ("xcrystal.energetics.hull", "hull"),
    "identify": ("xcrystal.diffraction.identification", "identify"),
    "load": ("xcrystal.generator", "open_model"),
    "quiz": ("xcrystal.explorer.notebook.teaching_forms", "open_quiz"),
    "read_pattern": ("xcrystal.diffraction.measured", "read_pattern"),
    "relax": ("xcrystal.energetics.relaxing", "relax"),
    "sample": ("xcrystal.generators.families", "sample"),
    "sample_steps": ("xcrystal.generators.families", "sample_steps"),
    "synthesis_signals": ("xcrystal.assessment.synthesis_signals", "synthesis_signals"),
    "wrap": ("xcrystal.wrapping", "wrap_model"),
    "xrd": ("xcrystal.diffraction.powder", "xrd"),
}


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
