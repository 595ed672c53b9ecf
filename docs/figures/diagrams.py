"""Draws images/vae.svg, and images/architecture.svg from the import statements: python docs/figures/diagrams.py"""

from __future__ import annotations

import ast
import re
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
# what each layer is for; how they depend on each other is read from the code
WORDS = {
    "errors": "what can go wrong, by name",
    "reporting": "how figures print, and as JSON",
    "protocols": "what a model has to be able to do",
    "wrapping": "a model of one's own in the shape of ours",
    "crystal": "reading, symmetry, orbits, matching",
    "model": "networks, loss, weights on disk",
    "predicting": "properties with intervals, and what may be zero",
    "generator": "xc.load: encode, decode, predict, sample",
    "served": "a model that a server computes",
    "generators": "xc.sample: other families",
    "latent": "xc.atlas: latent vectors, map, paths, directions",
    "assessment": "what can be said of one crystal",
    "inverse_design": "xc.design: crystals with wanted properties",
    "energetics": "xc.relax, xc.hull: energies, stability",
    "diffraction": "xc.xrd, xc.identify: powder patterns",
    "disorder": "xc.defects, xc.approximants",
    "explanation": "xc.explain: targets, methods, concepts",
    "evaluation": "is it any good: figures and reports",
    "benchmarks": "attributions of any model, tested",
    "training": "recipes, data, the loop",
    "model_server": "one model for many kernels",
    "scale": "the same over millions of crystals",
    "explorer": "xc.explore: a session and its views",
    "kernels": "Jupyter kernels that share memory",
    "teaching": "exercises that answer with hints",
    "cli": "the command xcrystal",
}
_INK, _PALE, _LINE, _BLUE, _ORANGE = "#1f2933", "#eef2f7", "#8793a3", "#0072b2", "#d55e00"


def layers() -> list[str]:
    """The layers from the inside out, as the tests hold them."""
    tree = ast.parse((ROOT / "tests" / "test_layers.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "LAYERS":
            return [name for name in ast.literal_eval(node.value) if name != "__main__"]
    raise ValueError("tests/test_layers.py names no LAYERS")


def imported_by(layer: str) -> set[str]:
    """The layers that the modules of one import."""
    home = ROOT / "xcrystal" / layer
    found = set()
    for path in home.rglob("*.py") if home.is_dir() else [home.with_suffix(".py")]:
        found |= set(re.findall(r"^\s*(?:from|import) xcrystal\.(\w+)", path.read_text(encoding="utf-8"), re.MULTILINE))
    return found - {layer}


def _text(x: float, y: float, words: str, size: int = 14, anchor: str = "middle", more: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}" {more}>{escape(words)}</text>'


def _box(x: float, y: float, width: float, height: float, *lines: str, color: str = _LINE) -> str:
    """A box with a bold first line in its middle."""
    top = y + height / 2 - 9 * (len(lines) - 1) + 5
    words = [
        _text(x + width / 2, top + 18 * k, line, 15 if k == 0 else 12, more='font-weight="bold"' if k == 0 else "")
        for k, line in enumerate(lines)
    ]
    shape = f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="8" fill="{_PALE}" stroke="{color}" />'
    return shape + "".join(words)


def _arrow(x: float, y: float, to_x: float, to_y: float, words: str = "") -> str:
    line = f'<path d="M{x} {y}L{to_x} {to_y}" stroke="{_INK}" stroke-width="1.5" marker-end="url(#tip)" />'
    return line + (_text((x + to_x) / 2, (y + to_y) / 2 - 7, words, 12) if words else "")


def _image(width: int, height: int, title: str, *parts: str) -> str:
    tip = (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        f'<path d="M0 0L8 4L0 8z" fill="{_INK}" /></marker></defs>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" font-family="sans-serif" fill="{_INK}"><title>{escape(title)}</title>{tip}'
        f'<rect width="{width}" height="{height}" rx="12" fill="white" />' + "\n".join(parts) + "\n</svg>\n"
    )


def architecture() -> str:
    """Rows of layers; a dot says that the row imports the column."""
    names = layers()
    step, left, top = 30, 405, 62
    parts = [_text(left + 6, 24, "a dot: the row imports the column", 12, "start", f'fill="{_BLUE}"')]
    for row, name in enumerate(names):
        y, x = top + step * row, left + step * row
        parts.append(f'<rect x="12" y="{y}" width="{left - 24}" height="{step - 4}" rx="5" fill="{_PALE}" />')
        parts.append(_text(20, y + 18, name, 14, "start", 'font-weight="bold"'))
        parts.append(_text(116, y + 18, WORDS.get(name, ""), 12, "start"))
        parts.append(f'<rect x="{x}" y="{y}" width="{step - 4}" height="{step - 4}" rx="5" fill="{_PALE}" />')
        # between the layer and the column that stands for it
        parts.append(f'<path d="M{left - 10} {y + 13}H{x - 3}" stroke="{_LINE}" stroke-dasharray="1 4" />')
        found = imported_by(name)
        for column, other in enumerate(names):
            if other in found:
                parts.append(f'<circle cx="{left + step * column + 13}" cy="{y + 13}" r="6" fill="{_BLUE}" />')
        parts.append(_text(x + 13, y + 18, str(row + 1), 12, more=f'fill="{_LINE}"'))
    parts += [
        _text(left + step * column + 13, top - 10, str(column + 1), 12, more=f'fill="{_LINE}"')
        for column in range(len(names))
    ]
    width, height = left + step * len(names) + 12, top + step * len(names) + 12
    return _image(width, height, "The layers of xcrystal and what each imports", *parts)


def vae() -> str:
    """From a crystal to its code and back, and what hangs on the code."""
    return _image(
        940,
        330,
        "A crystal is encoded into a latent vector, from which a crystal is decoded and properties are predicted",
        _box(15, 105, 150, 100, "crystal", "space group 221", "Sr a, Ti b, O c", "cell a"),
        _box(225, 105, 140, 100, "encoder", "looks at all orbits", "at once, in no order"),
        _box(425, 95, 110, 120, "z", "128 numbers", "mean ± spread", color=_ORANGE),
        _box(595, 105, 150, 100, "decoder", "1. space group", "2. orbit by orbit", "3. cell"),
        _box(800, 105, 125, 100, "crystal", "only what", "symmetry allows"),
        _arrow(165, 155, 222, 155),
        _arrow(365, 155, 422, 155),
        _arrow(535, 155, 592, 155),
        _arrow(745, 155, 797, 155),
        _box(225, 250, 140, 60, "prior", "a flow, fitted to z"),
        _arrow(365, 270, 440, 218, "sample"),
        _box(595, 250, 150, 60, "property heads", "energy, gap, hull"),
        _arrow(520, 215, 592, 270),
        _box(405, 15, 150, 50, "map", "UMAP of known z"),
        _arrow(480, 95, 480, 68),
        _text(293, 85, "reconstruction: does the same crystal come back?", 12, more=f'fill="{_BLUE}"'),
        _text(700, 85, "regularisation: are the z near the prior?", 12, more=f'fill="{_ORANGE}"'),
    )


def main() -> None:
    """Write both."""
    for name, content in (("vae", vae()), ("architecture", architecture())):
        (IMAGES / f"{name}.svg").write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
