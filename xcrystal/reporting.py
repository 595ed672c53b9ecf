"""How reports print, and what becomes of them as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any


def aligned(rows: Sequence[tuple[str, str]]) -> str:
    """Names and values as lines of text, the values below each other."""
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def columns(rows: Iterable[Sequence[Any]]) -> str:
    """Rows of equal length as lines of text, their cells below each other."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(line.rstrip() for line in lines)


def plain(value: Any) -> Any:
    """Plain JSON types of nested containers and numpy values; what is not finite becomes None."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
