"""What views read of a session: the fields of its state and of its point, and what is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xcrystal.crystal.groups import space_group
from xcrystal.explorer.drawing.cells import conventional_cell
from xcrystal.explorer.session.records import Loaded, Neighbour
from xcrystal.explorer.session.state import Path, State

if TYPE_CHECKING:
    from pymatgen.core import Structure


class Shown:
    """Reads a state; whoever inherits it has one."""

    state: State

    @property
    def z(self) -> np.ndarray:
        """(latent_dim,) float32 current latent vector."""
        return self.state.point.z

    @property
    def label(self) -> str:
        """What the current crystal is, in words; may contain a file name, so escape it."""
        return self.state.point.label

    @property
    def structure(self) -> Structure:
        """Decode of ``z``."""
        return self.state.point.structure

    @property
    def predicted(self) -> dict[str, float]:
        """Property name to value, at ``z``."""
        return self.state.point.predicted

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """Property name to 90 % interval; empty if the model knows none."""
        return self.state.point.intervals

    @property
    def nonzero(self) -> dict[str, float]:
        """Property name to the probability that it is not zero; empty if the model knows none."""
        return self.state.point.nonzero

    @property
    def position(self) -> tuple[float, float]:
        """(x, y) of ``z`` on the map."""
        return self.state.point.position

    @property
    def wanted(self) -> tuple[float, float] | None:
        """(x, y) of the map that ``z`` was sought for."""
        return self.state.point.wanted

    @property
    def neighbours(self) -> tuple[Neighbour, ...]:
        """The nearest atlas crystals, nearest first."""
        return self.state.point.neighbours

    @property
    def material_id(self) -> str | None:
        """Of the atlas crystal that ``z`` is the code of."""
        return self.state.point.material_id

    @property
    def loaded(self) -> Loaded | None:
        """The crystal that was loaded, kept until ``reset``."""
        return self.state.loaded

    @property
    def shown(self) -> str:
        """ "decoded", "loaded" or "both"."""
        return self.state.shown

    @property
    def cell(self) -> str:
        """ "conventional" or "primitive"."""
        return self.state.cell

    @property
    def color(self) -> str:
        """What colours the map."""
        return self.state.color

    @property
    def target(self) -> str | None:
        """What is explained, and colours the atoms."""
        return None if self.state.why is None else self.state.why.target

    @property
    def path(self) -> Path | None:
        """The path between A and B."""
        return self.state.path

    @property
    def shown_loaded(self) -> Loaded | None:
        """The loaded crystal if it alone is what is shown, otherwise None."""
        return self.state.loaded if self.state.shown == "loaded" else None

    @property
    def drawn(self) -> Structure:
        """The structure that is shown, in the cell that is shown; of two side by side, the decoded one."""
        if self.shown_loaded is not None:
            return self.shown_loaded.structure
        return conventional_cell(self.structure) if self.cell == "conventional" else self.structure

    @property
    def drawn_space_group(self) -> tuple[int, str] | None:
        """Number and symbol of the space group of what is shown."""
        if self.shown_loaded is not None:
            number = self.shown_loaded.space_group
        else:
            number = self.structure.properties.get("space_group")
        return None if number is None else (int(number), space_group(int(number)).symbol)
