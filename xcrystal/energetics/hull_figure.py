"""The phase diagram of two or three elements as a figure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from xcrystal.energetics.potentials import quiet
from xcrystal.errors import RelaxationError

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from pymatgen.analysis.phase_diagram import PhaseDiagram

_SHOWN = 0.2  # eV/atom above the hull


def draw(diagram: PhaseDiagram, formula: str, energy: float) -> go.Figure:
    """Draw the hull of some known crystals, and a crystal of a formula and a formation energy, eV/atom, beside it.

    A crystal below the hull is drawn as a part of it.

    Raises
    ------
    RelaxationError
        If there are fewer than two or more than three elements.
    """
    from pymatgen.analysis.phase_diagram import PDEntry, PDPlotter, PhaseDiagram
    from pymatgen.core import Composition

    if diagram.dim not in (2, 3):
        raise RelaxationError(f"The phase diagram of {diagram.dim} elements is not drawn, only those of 2 or 3.")
    own: list[PDEntry] = []
    shown = _SHOWN
    if math.isfinite(energy):
        composition = Composition(formula)
        own = [PDEntry(composition, energy * composition.num_atoms, f"{formula} (this crystal)")]
        shown = max(_SHOWN, 1.05 * (energy - diagram.get_hull_energy_per_atom(composition)))
    with quiet():
        plotter = PDPlotter(PhaseDiagram([*diagram.all_entries, *own]), show_unstable=shown)
        # typed as if it might be matplotlib's, which is drawn on demand only
        figure: Any = plotter.get_plot(label_unstable=False, highlight_entries=own or None)
    figure.update_traces(name="this crystal", selector={"name": "Highlighted"})
    return figure
