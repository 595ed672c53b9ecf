"""The documentation site: it builds without a network, needs nothing from elsewhere, and what it shows works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

import xcrystal
from tests.browser.server import OFFLINE
from tests.markdown import ROOT, blocks, check_make_targets, check_options, check_scripts, run_python
from xcrystal.cli import app

DOCS = ROOT / "docs"
PAGES = {path.relative_to(DOCS).as_posix(): path.read_text(encoding="utf-8") for path in sorted(DOCS.rglob("*.md"))}
RUNNING = [name for name, text in PAGES.items() if blocks(text, "python")]
TEMPLATES = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
# whose making is told by the tests that take them
SCREENSHOTS = {
    "viewer.png",
    "explorer.png",
    "path.png",
    "concepts.png",
    "diffraction.png",
    "structures_light.png",
    "structures_dark.png",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = os.environ | OFFLINE | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


class Loaded(HTMLParser):
    """The addresses that a page loads by itself; links that somebody has to click are none."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.ids: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids.add(given.get("id", ""))
        self.addresses += [given[name] for name in ("src", "srcset", "data", "poster") if name in given]
        if tag == "link" and not {"canonical", "prev", "next", "alternate"} & set(given.get("rel", "").split()):
            self.addresses.append(given.get("href", ""))


def test_every_page_is_there_and_loads_nothing_from_elsewhere(site: Path) -> None:
    for name in PAGES:
        html = (site / name).with_suffix(".html").read_text(encoding="utf-8")
        loaded = Loaded(html).addresses
        assert loaded, name
        for address in loaded:
            assert not re.match(r"(https?:)?//", address), (name, address)
            if not address.startswith("data:"):
                path = (site / name).parent / address.partition("?")[0].partition("#")[0]
                assert path.exists(), (name, address)
        assert not re.search(r"@import|url\(\s*[\"']?(https?:)?//", html), name
        assert "{{" not in html, name


def test_styles_load_nothing_from_elsewhere(site: Path) -> None:
    styles = list(site.rglob("*.css"))
    assert styles
    for path in styles:
        assert not re.search(r"(@import\s*|url\(\s*)[\"']?(https?:)?//", path.read_text(encoding="utf-8")), path


def test_no_source_of_the_site_is_in_it(site: Path) -> None:
    assert not list(site.rglob("*.py"))


def test_every_public_name_is_described(site: Path) -> None:
    ids = Loaded((site / "reference" / "python.html").read_text(encoding="utf-8")).ids
    for name in set(xcrystal.__all__) - {"__version__"}:
        assert f"xcrystal.{name}" in ids, name
    for name in ("generator.CrystalModel.encode", "latent.atlas.Atlas.neighbours"):
        assert f"xcrystal.{name}" in ids, name


def test_model_card_and_changelog_are_included_whole(site: Path) -> None:
    for page, source in (("model-card", "MODEL_CARD.md"), ("changelog", "CHANGELOG.md")):
        html = (site / "reference" / f"{page}.html").read_text(encoding="utf-8")
        headings = re.findall(r"^#{2,3} (\w+)", (ROOT / source).read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert headings
        assert all(re.search(rf"<h[23] [^>]*>{heading}", html) for heading in headings)


@pytest.mark.parametrize("name", RUNNING)
def test_its_python_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_python(PAGES[name], name, tmp_path)


@pytest.mark.parametrize("name", [*PAGES, "CONTRIBUTING.md"])
def test_its_commands_exist(name: str) -> None:
    text = PAGES.get(name) or (ROOT / name).read_text(encoding="utf-8")
    check_options(text)
    check_make_targets(text)
    check_scripts(text)


def test_every_command_is_described() -> None:
    shown = "\n".join(blocks(PAGES["reference/command-line.md"], "sh"))
    commands = set(re.findall(r"^xcrystal (\S+)", shown, flags=re.MULTILINE))
    assert commands >= {c.name or c.callback.__name__ for c in app.registered_commands} | {"evaluate", "scale"}
    for group in app.registered_groups:
        found = set(re.findall(rf"^xcrystal {group.name} (\S+)", shown, flags=re.MULTILINE))
        assert found == {c.name or c.callback.__name__ for c in group.typer_instance.registered_commands}


def test_every_picture_stands_above_the_command_that_made_it() -> None:
    shown = set()
    for name, text in PAGES.items():
        for image, below in re.findall(r"^!\[[^\]]+\]\(\S*images/(\S+)\)\n(.*)$", text, flags=re.MULTILINE):
            if image in SCREENSHOTS:
                continue
            shown.add(image)
            assert re.fullmatch(r"\*.*`python docs/figures/\w+\.py`.*\*", below), (name, image)
    assert shown == {path.name for path in (DOCS / "images").iterdir()} - SCREENSHOTS


def test_diagrams_are_those_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DOCS / "figures"))
    import diagrams

    for name, drawn in (("vae", diagrams.vae()), ("architecture", diagrams.architecture())):
        kept = (DOCS / "images" / f"{name}.svg").read_text(encoding="utf-8")
        assert drawn == kept, "run python docs/figures/diagrams.py"
    assert set(diagrams.layers()) <= set(diagrams.WORDS), "say in docs/figures/diagrams.py what the new layer is for"


def test_included_files_link_to_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DOCS))
    from including import included
    from mkdocs.exceptions import PluginError

    assert "(../model/figures.md)" in included("MODEL_CARD.md", "reference/x.md")
    with pytest.raises(PluginError, match="not there"):
        included("no such.md", "how-to/x.md")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_issue_templates(path: Path) -> None:
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    if path.stem == "config":
        assert form == {"blank_issues_enabled": True}
        return
    assert form["name"]
    assert form["description"]
    ids = [part["id"] for part in form["body"]]
    assert len(set(ids)) == len(ids)
    assert any(part.get("validations", {}).get("required") for part in form["body"])
    assert all(
        part["type"] in {"textarea", "input", "checkboxes"} and part["attributes"]["label"] for part in form["body"]
    )


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").is_file(), reason="only Linux tells")
def test_memory_is_told_apart() -> None:
    from tests.measure_memory import memory

    before = memory(os.getpid())
    kept = bytearray(32 * 2**20)
    for page in range(0, len(kept), 1024):
        kept[page] = 1  # a page that is not written to is not there
    after = memory(os.getpid())
    assert after["uss"] <= after["pss"] <= after["rss"]
    for size in ("uss", "pss", "rss"):
        assert after[size] - before[size] == pytest.approx(len(kept) / 2**20, abs=8), size
