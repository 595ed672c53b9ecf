"""The colours of scores, the same wherever an attribution is drawn: on atoms, in bars, in matrices and in plots.

Scores with a sign are blue below zero and red above it, scores without one go from white to purple, and where there is
nothing to explain everything is grey. All are safe for the common kinds of colour blindness.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# ColorBrewer's RdBu, blue for negative, and Purples
_DIVERGING = np.array(
    [[33, 102, 172], [103, 169, 207], [209, 229, 240], [247, 247, 247], [253, 219, 199], [239, 138, 98], [178, 24, 43]]
)
_SEQUENTIAL = np.array(
    [[247, 247, 247], [218, 218, 235], [188, 189, 220], [158, 154, 200], [117, 107, 177], [84, 39, 143]]
)
_SURE = 3  # errors: the least difference that is drawn in full colours
_NEUTRAL = np.array([[190, 190, 190]])


@dataclass(frozen=True)
class ScoreScale:
    """A scale of colours for scores.

    Attributes
    ----------
    span
        The size of score that has the strongest colour.
    signed
        Whether it goes from ``-span`` through zero to ``span``, otherwise from zero to ``span``.
    muted
        Whether all is grey, since there is nothing to explain.
    """

    span: float
    signed: bool = True
    muted: bool = False

    @property
    def low(self) -> float:
        """The score at its lower end."""
        return -self.span if self.signed else 0.0

    def colors(self, scores: np.ndarray) -> np.ndarray:
        """(..., 3) colours, 0 to 1, of scores (...,)."""
        stops = self._stops
        places = np.linspace(self.low, self.span, len(stops))
        values = np.nan_to_num(np.asarray(scores, dtype=float))
        return np.stack([np.interp(values, places, channel) for channel in stops.T / 255], axis=-1)

    def css(self) -> str:
        """The scale as a CSS gradient, from its lower to its upper end."""
        stops = np.repeat(self._stops, 2, axis=0) if self.muted else self._stops
        return f"linear-gradient(to right, {', '.join('#' + ''.join(f'{c:02x}' for c in stop) for stop in stops)})"

    @property
    def _stops(self) -> np.ndarray:
        return _NEUTRAL if self.muted else _DIVERGING if self.signed else _SEQUENTIAL


def certain_share(difference: float, error: float | None) -> float:
    """How strong colours may be, above 0 and up to 1, for scores of a difference that is known to within an error.

    Full from three errors on; 1 where the error is not known.
    """
    if not error:
        return 1.0
    return min(1.0, max(abs(difference) / (_SURE * error), 1e-9))


def score_span(scores: np.ndarray) -> float:
    """The score that has the strongest colour: the largest magnitude of scores of any shape (...,)."""
    return max(float(np.abs(scores).max()), 1e-9)
