"""A hook of MkDocs: ``{{ FILE }}`` in a page is a file of the repository."""

from __future__ import annotations

import re
from pathlib import Path
from posixpath import relpath
from typing import Any

from mkdocs.exceptions import PluginError

ROOT = Path(__file__).parents[1]
# files of the repository that are pages here, by page
PAGES = {
    "MODEL_CARD.md": "reference/model-card.md",
    "CHANGELOG.md": "reference/changelog.md",
    "CONTRIBUTING.md": "developers/contributing.md",
}
_INCLUDE = re.compile(r"^\{\{ (\S+) \}\}$", re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)\s]+)\)")


def included(name: str, page: str) -> str:
    """A file, with the links that it needs on this page."""
    path = ROOT / name
    if not path.is_file():
        raise PluginError(f"{page} includes {name}, which is not there.")

    def moved(match: re.Match[str]) -> str:
        target, hash_, anchor = match[1].partition("#")
        known = PAGES.get(target) or (target.removeprefix("docs/") if target.startswith("docs/") else None)
        if known is None:
            raise PluginError(f"{page} includes {name}, which links to {target}: no page of this site.")
        return f"]({relpath(known, Path(page).parent.as_posix())}{hash_}{anchor})"

    return _LINK.sub(moved, path.read_text(encoding="utf-8"))


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Put the files in."""
    return _INCLUDE.sub(lambda m: included(m[1], page.file.src_uri), markdown)
