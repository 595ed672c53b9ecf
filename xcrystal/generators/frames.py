"""What a generator shows of its way from nothing to a crystal: one frame for each step."""

from __future__ import annotations

from dataclasses import dataclass

from xcrystal.crystal.symmetry.wyckoff import WyckoffCrystal


@dataclass(frozen=True)
class Alternative:
    """What a piece might have been, and how probable that was."""

    name: str
    probability: float


@dataclass(frozen=True)
class Frame:
    """A crystal on its way.

    Attributes
    ----------
    what
        Which step it is: "space group", "element of orbit 2", "time 0.40", ...
    taken
        What it led to, in words.
    progress
        0 at the beginning, 1 for the finished crystal.
    crystal
        The crystal so far; None before there is anything to be seen.
    alternatives
        What it might have been, with probabilities; empty where nothing was chosen.
    """

    what: str
    taken: str
    progress: float
    crystal: WyckoffCrystal | None
    alternatives: tuple[Alternative, ...] = ()
