"""What a change did, in one line of words."""

from __future__ import annotations

from xcrystal.explorer.state import State


def describe(before: State, after: State, title: str) -> str:
    """One line, plain text."""
    return title
