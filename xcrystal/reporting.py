"""Reports: how they print, and what becomes of them as JSON."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any, ClassVar

_NAMED = 10  # crystals that could not be encoded, and are listed one by one


@dataclass(frozen=True)
class Report(ABC):
    """What was measured: the figures are the fields of a subclass."""

    NOT_IN_JSON: ClassVar[tuple[str, ...]] = ()  # fields that tell of crystals one by one

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain JSON types; a number that is not finite is None."""
        return {name: plain(value) for name, value in asdict(self).items() if name not in self.NOT_IN_JSON}

    @abstractmethod
    def table(self) -> str:
        """Return the figures as lines of text."""


def fixed(value: float, digits: int, plus: bool = False) -> str:
    """A number with so many digits behind the point, and its sign; never "-0.00"."""
    return f"{round(value, digits) + 0.0:{'+' if plus else ''}.{digits}f}"


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


def html_table(rows: Sequence[Sequence[Any]], caption: str = "") -> str:
    """An HTML table of rows, the first of which is its head; everything in it is escaped."""
    head, *body = [[escape(str(cell)) for cell in row] for row in rows]
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    heads = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in body)
    return f"<table>{title}<thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>"


def share_text(share: float, interval: Sequence[float], digits: int = 1, name: str = "") -> str:
    """A share and its interval in per cent: "50.1% (42.5% to 58.1%)"; ``name`` says which interval it is."""
    low, high = (f"{end:.{digits}%}" for end in interval)
    return f"{share:.{digits}%} ({name}{low} to {high})"


def not_encoded_rows(reasons: Mapping[str, str], most: int | None = _NAMED) -> Iterator[tuple[str, str]]:
    """Rows for ``aligned`` that say why crystals could not be encoded; only the first ``most`` of them."""
    return ((f"not encoded: {name}", reason) for name, reason in list(reasons.items())[:most])


def plain(value: Any) -> Any:
    """Plain JSON types of nested containers and numpy values; what is not finite becomes None."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
