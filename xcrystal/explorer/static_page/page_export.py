"""Writing a page: a plain folder with the map, decoded crystals, paths and explanations, which needs no kernel."""

from __future__ import annotations

import os
import tempfile
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xcrystal.crystal.files import move_files
from xcrystal.errors import DatasetError, TargetError, check_whole_number
from xcrystal.explorer.opening import atlas_of, shared_model
from xcrystal.explorer.panel import script, style
from xcrystal.explorer.static_page.packing import part
from xcrystal.explorer.static_page.page_content import Amounts, CrystalParts, map_part, prediction_part
from xcrystal.wrapping import wrap_model

if TYPE_CHECKING:
    from xcrystal.latent.atlas import Atlas

INDEX = "index.html"
MARK = '<meta name="generator" content="xcrystal page">'
TITLE = "A map of crystals"
SCRIPTS = ("page.js", "map.js", "crystals.js", "plotly.js", "predictions.js")  # in the order in which they run
# regl, with which plotly draws the points, compiles its commands at run time: hence 'unsafe-eval'
_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; base-uri 'none'; form-action 'none'"
)
_HTML = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
{mark}
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="page.css">
{scripts}
</head>
<body>
<noscript>This page draws a map of crystals with JavaScript, which is switched off in this browser.</noscript>
<main id="xcrystal-page"></main>
</body>
</html>
"""


def export_page(
    folder: str | os.PathLike[str],
    model: Any = "mp20",
    atlas: str | os.PathLike[str] | Atlas | None = None,
    title: str = TITLE,
    crystals: int = Amounts.crystals,
    grid: int = Amounts.grid,
    effort: str = Amounts.effort,
    device: str = "auto",
    progress: bool = True,
) -> Path:
    """Write the map of an atlas as a page that needs nothing but a browser.

    All that is shown is computed now, so the folder can be put on any web server, or opened from a disk. Crystals are
    drawn as the model decodes them; structures of the atlas are not copied.

    Parameters
    ----------
    folder
        Where to write: a new or empty folder, or that of an earlier page, which is replaced.
    model
        A model, its name, or its folder; it must decode.
    atlas
        An atlas, its name or folder; by default the one that belongs to the model.
    title
        Of the page.
    crystals
        How many crystals of the atlas are decoded, spread over its map; those that everybody knows come on top.
    grid
        How many points along each side of the map are decoded where no crystal is, at least 2; 0 for none.
    effort
        Of the decoder: "fast", "normal" or "thorough".
    device
        "cpu", "cuda" or "mps", for a model that is named; by default the fastest that there is.
    progress
        Whether to show a bar.

    Returns
    -------
    Path
        Of the page's index.html.

    Raises
    ------
    DatasetError
        If the folder holds something else, there is no such atlas, or it belongs to another model.
    CheckpointError, CapabilityError, ModelError
        If there is no such model, it does not decode, or fails to.
    TargetError, InvalidCrystalError
        If a number, or the effort, is not possible.
    """
    from tqdm.auto import tqdm

    check_whole_number(crystals, "The number of crystals")
    check_whole_number(grid, "The number of points of the grid", 0)
    if grid == 1:
        raise TargetError("A grid has at least 2 points along each side; give 0 for none.")
    target = Path(folder).resolve()
    _check_target(target)
    opened = wrap_model(shared_model(os.fspath(model), device) if isinstance(model, (str, os.PathLike)) else model)
    opened.require("decode")
    known = atlas_of(opened, atlas)
    opened = opened.with_known(known)
    with tqdm(desc="opening", unit="crystal", disable=None if progress else True, leave=False) as bar:

        def tick(what: str, done: int) -> None:
            bar.set_description(what, refresh=False)
            bar.update(done)

        parts = CrystalParts(opened, known, Amounts(crystals, grid, effort), tick)
        bar.reset(parts.total)
        contents = {
            "crystals.js": part("crystals", parts.build()),
            "map.js": part("map", map_part(known, title, opened)),
            "predictions.js": part("predictions", prediction_part(known, opened)),
        }
    _write(target, _html(title), contents)
    return target / INDEX


def _html(title: str) -> str:
    scripts = "\n".join(f'<script defer src="{name}"></script>' for name in SCRIPTS)
    return _HTML.format(mark=MARK, policy=escape(_POLICY), title=escape(title), scripts=scripts)


def _check_target(folder: Path) -> None:
    """Refuse a folder that holds something else.

    Raises
    ------
    DatasetError
        With what to do.
    """
    if folder.exists() and not folder.is_dir():
        raise DatasetError(f"{folder} is a file; name a folder for the page.")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    index = folder / INDEX
    if not index.is_file() or MARK not in index.read_text(encoding="utf-8", errors="replace")[:2000]:
        raise DatasetError(f"{folder} holds other files; name a new folder, or that of an earlier page.")


def _write(folder: Path, html: str, contents: dict[str, str]) -> None:
    """Write all files beside the folder, and move them into it when all are there; the page itself comes last."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    texts = {
        **contents,
        "page.js": script("page"),
        "page.css": style("page"),
        "plotly.js": (files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8"),
        INDEX: html,
    }
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as name:
        part = Path(name) / folder.name
        part.mkdir()
        for file, text in texts.items():
            (part / file).write_text(text, encoding="utf-8")
        if not folder.exists():
            part.rename(folder)
            return
        move_files(part, folder, list(texts))
