"""The report on generated crystals as one HTML page that needs nothing else: for a paper's supplement."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from xcrystal.evaluation.generative.generation import RELAXED, SHARES, GenerationReport
from xcrystal.evaluation.shared.novelty_kinds import KINDS
from xcrystal.evaluation.shared.statistics import Share
from xcrystal.reporting import html_table

_WIDTH, _ROW, _LEFT, _RIGHT = 760, 24, 330, 150  # pixels: of a chart, of a line of it, of the words beside it
_BLUE, _GREY = "#0072b2", "#888888"  # Okabe and Ito's blue; the reference also has another shape
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:820px;margin:2em auto;padding:0 1em;color:#222;background:#fff}"
    "table{border-collapse:collapse;margin:1em 0}th,td{text-align:left;padding:2px 14px 2px 0;vertical-align:top}"
    "thead th{border-bottom:1px solid #888}svg{max-width:100%;height:auto}text{font:13px system-ui,sans-serif}"
)
_PROTOCOL = (
    "Every share is of all crystals that were given: one that cannot be read is neither valid nor unique nor novel. "
    "Intervals are 95 % Wilson score intervals.",
    "Apart: no pair of atoms closer than 0.5 Å and a volume above 0.1 Å³. No overlap: no pair closer than 0.7 of the "
    "sum of covalent radii. Valid: apart, no overlap, and charges that SMACT finds balanced.",
    "Unique: matches no earlier crystal of the set. Novel: matches no crystal of the training set. Both by pymatgen's "
    "StructureMatcher (stol 0.5, ltol 0.3, angle_tol 10).",
)
_RELAXING = (
    "Stable: relaxed by CHGNet (positions and cell), at most on the hull of the atlas's entries; metastable: less than "
    "0.1 eV/atom above it. Uniqueness and novelty are then told of the relaxed crystals. Nothing was verified by DFT."
)


def generation_page(report: GenerationReport, given: Mapping[str, object]) -> str:
    """The report as HTML, with charts drawn as SVG inside; it asks no host for anything and has no scripts.

    Parameters
    ----------
    report
        What was measured.
    given
        How it was made, by name: files, numbers, versions.
    """
    shares = report.samples.shares
    relaxed = [name for name in RELAXED if name in shares]
    kinds = [f"novel_{kind}" for kind in KINDS if f"novel_{kind}" in shares]
    parts = [
        "<h1>Generated crystals</h1>",
        html_table([["how it was made", ""], *given.items()]),
        "<h2>Protocol</h2>",
        *(f"<p>{escape(text)}</p>" for text in (*_PROTOCOL, *([_RELAXING] if relaxed else []))),
        "<h2>Shares</h2>",
        _chart(report, [name for name in SHARES if name in shares and name not in (*relaxed, *kinds)]),
        html_table(report.share_rows(), "Shares of all crystals of each set"),
    ]
    if kinds:
        parts += ["<h2>What is new about the novel ones</h2>", _chart(report, kinds)]
    if relaxed:
        parts += ["<h2>Stability once relaxed</h2>", _chart(report, relaxed)]
    for title, rows in (
        ("Distances between distributions", report.distance_rows()),
        ("Coverage", report.coverage_rows()),
        ("Not read", [["crystal", "reason"], *report.samples.unreadable.items()]),
    ):
        if len(rows) > 1:
            parts += [f"<h2>{title}</h2>", html_table(rows)]
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Generated crystals</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><style>{_STYLE}</style></head>'
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _chart(report: GenerationReport, names: list[str]) -> str:
    """A point with its interval for each share of the samples, and a diamond for that of the reference."""
    reference = {} if report.reference is None else report.reference.shares
    height = _ROW * (len(names) + 1)
    drawn = []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        x = _x(tick)
        drawn.append(f'<path d="M{x:.1f},0V{height - _ROW}" stroke="#ddd"/>')
        drawn.append(f'<text x="{x:.1f}" y="{height - 6}" text-anchor="middle">{tick:.0%}</text>')
    for line, name in enumerate(names):
        drawn.append(_line(_ROW * (line + 0.5), SHARES[name], report.samples.shares[name], reference.get(name)))
    label = "; ".join(f"{SHARES[name]}: {_words(report.samples.shares[name])}" for name in names)
    legend = "Points: samples, with their intervals." + (" Diamonds: the reference set." if reference else "")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" role="img" '
        f'aria-label="{escape(label)}">{"".join(drawn)}</svg><p>{legend}</p>'
    )


def _line(y: float, title: str, share: Share, reference: Share | None) -> str:
    low, high = (_x(end) for end in share.interval)
    beside = ""
    if reference is not None and reference.total:
        x = _x(reference.share)
        beside = f'<path d="M{x - 5:.1f},{y}L{x:.1f},{y - 5}L{x + 5:.1f},{y}L{x:.1f},{y + 5}Z" fill="{_GREY}"/>'
    point = f'<circle cx="{_x(share.share):.1f}" cy="{y}" r="4" fill="{_BLUE}"/>' if share.total else ""
    return (
        f'<text x="0" y="{y + 4}">{escape(title)}</text>{beside}'
        f'<path d="M{low:.1f},{y}H{high:.1f}" stroke="{_BLUE}" stroke-width="2"/>{point}'
        f'<text x="{_WIDTH - _RIGHT + 16}" y="{y + 4}">{_words(share)}</text>'
    )


def _x(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _words(share: Share) -> str:
    return f"{share.share:.1%} ({share.count} of {share.total})"
