"""Shares of log-odds as rows for the scripts of panels: a name, a number, and how long its bar is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xcrystal.explorer import words
from xcrystal.explorer.panels.attribution_bars import signed

if TYPE_CHECKING:
    from xcrystal.explanation.choice_attribution import ChoiceAttribution


def shares(found: ChoiceAttribution) -> dict[str, Any]:
    """What is shared out, and its shares, the largest first, as JSON."""
    rows = found.table.values.tolist()
    span = max(abs(score) for _, score in rows) or 1.0
    return {
        "said": words.with_symbols(found.said),
        "toward": words.with_symbols(found.choice),
        "against": words.with_symbols(found.against),
        "rows": [{"label": name, "share": score / span, "text": signed(score, 2)} for name, score in rows],
    }
