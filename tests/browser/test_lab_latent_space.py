"""The side panel "Latent space": pins of two explorers, dragged, exported, copied, and gone with their kernel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pymatgen.core import Structure

from tests.browser.lab import LabNotebook
from xcrystal.crystal.geometry.matching import match_rms

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator

    from tests.browser.server import JupyterServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
NOTEBOOK = "pins.ipynb"
CELLS = [
    "import xcrystal as xc\n\nexplorer = xc.explore('mp-5986', mode='researcher')\nexplorer",
    "other = xc.explore('mp-22862', mode='researcher')\nother",
]
_EXECUTE = "([id, args]) => { window.jupyterapp.commands.execute(id, args); }"


class SidePanel:
    """The panel beside a notebook."""

    def __init__(self, lab: LabNotebook) -> None:
        self.lab, self.page = lab, lab.page
        self.root = self.page.locator("#xcrystal-latent-space")

    @property
    def sections(self) -> Locator:
        """One for each explorer."""
        return self.root.locator(".xc-ls-explorer")

    def cards(self, explorer: int = 0) -> Locator:
        """The pins of an explorer."""
        return self.sections.nth(explorer).locator(".xc-ls-card")

    def card(self, formula: str, explorer: int = 0) -> Locator:
        """One of them."""
        return self.cards(explorer).filter(has_text=formula)

    def formulas(self, explorer: int = 0) -> list[str]:
        """What is pinned, in order."""
        return self.cards(explorer).locator(".xc-ls-formula").all_inner_texts()

    def wait_for(self, formulas: list[str], explorer: int = 0) -> None:
        """Wait until just these are pinned."""
        self.lab.wait_until(lambda: self.formulas(explorer) == formulas, f"{formulas} in the side panel")

    def choose(self, card: Locator, entry: str) -> None:
        """From the menu of a pin."""
        card.click(button="right")
        self.page.locator(".lm-Menu-item").filter(has_text=entry).click()


@pytest.fixture(scope="module")
def lab(server: JupyterServer, browser: BrowserContext) -> Iterator[LabNotebook]:
    server.write_notebook(NOTEBOOK, *CELLS)
    browser.grant_permissions(["clipboard-read", "clipboard-write"])
    opened = LabNotebook(browser, server, NOTEBOOK)
    opened.hide_sidebar()
    show(opened)
    yield opened
    opened.close()


def execute(lab: LabNotebook, command: str, **arguments: Any) -> None:
    """Begin a command of JupyterLab."""
    lab.page.evaluate(_EXECUTE, [command, arguments])


def show(lab: LabNotebook) -> None:
    """Open the side panel."""
    execute(lab, "xcrystal:show-latent-space")
    lab.page.locator("#xcrystal-latent-space").wait_for()


@pytest.fixture
def side(lab: LabNotebook) -> SidePanel:
    return SidePanel(lab)


@pytest.fixture(autouse=True)
def _no_errors(lab: LabNotebook) -> Iterator[None]:
    yield
    lab.assert_no_errors()


def explorers(lab: LabNotebook) -> Locator:
    """Explorers in the notebook."""
    return lab.page.locator(".jp-Notebook .xc-explorer")


def ends(lab: LabNotebook, name: str = "explorer") -> str:
    """Formulas of the ends of the path, in the kernel."""
    expression = f"[end and end.structure.composition.reduced_formula for end in {name}.session.state.ends]"
    return lab.python(f"print({expression}, {name}.session.state.path is not None)").strip()


def test_without_an_explorer_it_says_what_it_is_for(side: SidePanel) -> None:
    assert "Crystals that you pin" in side.root.inner_text()
    assert side.root.get_by_role("button", name="Open the Crystal Explorer").is_visible()
    side.lab.screenshot("latent-space-empty")


def test_what_is_pinned_is_listed_with_formula_and_space_group(lab: LabNotebook, side: SidePanel) -> None:
    lab.run(0, 1)
    lab.wait_until(lambda: side.sections.count() == 1, "an explorer in the side panel", 60)
    assert side.sections.locator(".xc-ls-title").inner_text() == NOTEBOOK
    assert "Nothing is pinned" in side.sections.inner_text()
    explorers(lab).locator(".xc-pin").click()
    side.wait_for(["BaTiO3"])
    lab.python("explorer.session.select('mp-22862')")
    lab.wait_until(lambda: "NaCl" in side.sections.locator(".xc-ls-note").inner_text(), "NaCl in the heading")
    side.sections.get_by_role("button", name="Pin NaCl").click()
    side.wait_for(["BaTiO3", "NaCl"])
    told = lab.python("print([p.structure.properties['space_group'] for p in explorer.session.state.pins])")
    groups = side.cards().locator(".xc-ls-group").all_inner_texts()
    assert [int(group.split("(")[1].rstrip(")")) for group in groups] == eval(told)  # noqa: S307  (a list of numbers)
    assert side.cards().locator(".xc-ls-formula sub").all_inner_texts() == ["3"]
    for picture in side.cards().locator("img").all():
        assert picture.evaluate("node => node.complete && node.naturalWidth > 0")
    assert side.card("NaCl").locator("[aria-current]").count() == 1


def test_a_click_goes_there(lab: LabNotebook, side: SidePanel) -> None:
    side.card("BaTiO3").locator(".xc-ls-pin").click()
    label = explorers(lab).locator(".xc-label")
    lab.wait_until(lambda: label.inner_text().startswith("BaTiO3"), "the pinned crystal")
    side.card("BaTiO3").locator("[aria-current]").wait_for()


def test_one_dragged_onto_another_makes_a_path_in_the_explorer(lab: LabNotebook, side: SidePanel) -> None:
    assert not explorers(lab).locator(".xc-paths").is_visible()
    side.card("BaTiO3").drag_to(side.card("NaCl"))
    lab.wait_until(lambda: ends(lab) == "['BaTiO3', 'NaCl'] True", "the path")
    frames = explorers(lab).locator(".xc-paths")
    lab.wait_until(frames.is_visible, "the tab of the path")
    lab.wait_until(lambda: "NaCl" in frames.inner_text() and "BaTiO" in frames.inner_text(), "the ends of the path")
    lab.screenshot("latent-space-path")


def test_a_path_by_the_menu_and_the_keyboard(lab: LabNotebook, side: SidePanel) -> None:
    side.choose(side.card("NaCl"), "Path from Here")
    hint = side.root.locator(".xc-ls-hint")
    lab.wait_until(lambda: "It begins at NaCl" in hint.inner_text(), "the hint")
    lab.page.keyboard.press("Escape")
    side.choose(side.card("NaCl"), "Path from Here")
    lab.wait_until(lambda: "It begins at NaCl" in hint.inner_text(), "the hint")
    side.card("BaTiO3").locator(".xc-ls-pin").focus()
    lab.page.keyboard.press("Enter")
    lab.wait_until(lambda: ends(lab) == "['NaCl', 'BaTiO3'] True", "the other path")
    assert hint.inner_text() == ""


def test_the_cif_is_that_crystal(lab: LabNotebook, side: SidePanel, tmp_path: Path) -> None:
    with lab.page.expect_download() as downloaded:
        side.choose(side.card("BaTiO3"), "Export CIF")
    path = tmp_path / downloaded.value.suggested_filename
    downloaded.value.save_as(path)
    assert path.name.startswith("BaTiO3-") and path.suffix == ".cif"
    lab.python("explorer.session.state.pins[0].structure.to('pin.json')")
    pinned = Structure.from_file(lab.server.root / "pin.json")
    assert match_rms(Structure.from_file(path), pinned) == pytest.approx(0, abs=1e-3)


def test_the_copied_code_leads_to_that_crystal(lab: LabNotebook, side: SidePanel) -> None:
    side.choose(side.card("NaCl"), "Copy as Code")
    lab.page.get_by_text("Copied").first.wait_for()
    code = lab.page.evaluate("navigator.clipboard.readText()")
    lab.python(code.replace("explorer", "again") + "\nagain.close()")
    assert lab.python("print(again.session.structure.composition.reduced_formula)").strip() == "NaCl"


def test_unpinned_and_undone(lab: LabNotebook, side: SidePanel) -> None:
    side.choose(side.card("BaTiO3"), "Unpin")
    side.wait_for(["NaCl"])
    explorers(lab).locator(".xc-history .xc-undo").click()
    side.wait_for(["BaTiO3", "NaCl"])
    side.card("BaTiO3").locator(".xc-ls-pin").focus()
    lab.page.keyboard.press("Delete")
    side.wait_for(["NaCl"])
    assert side.card("NaCl").locator(".xc-ls-pin").evaluate("node => node === document.activeElement")
    explorers(lab).locator(".xc-history .xc-undo").click()
    side.wait_for(["BaTiO3", "NaCl"])


def test_the_explorer_itself_has_them_too(lab: LabNotebook, side: SidePanel) -> None:
    strip = explorers(lab).locator(".xc-pin-chip")
    assert strip.locator(".xc-pin-formula").all_inner_texts() == ["BaTiO3", "NaCl"]
    lab.python("explorer.session.interpolation.clear()")
    strip.nth(1).drag_to(strip.nth(0))
    lab.wait_until(lambda: ends(lab) == "['NaCl', 'BaTiO3'] True", "the path of the strip")
    lab.python("explorer.session.interpolation.clear(); explorer.session.select('mp-22862')")
    strip.nth(0).locator(".xc-pin-path").focus()
    lab.page.keyboard.press("Enter")
    strip.nth(1).locator(".xc-pinned").focus()
    lab.page.keyboard.press("Enter")
    lab.wait_until(lambda: ends(lab) == "['BaTiO3', 'NaCl'] True", "the path by keyboard")
    strip.nth(1).locator(".xc-pinned").focus()
    lab.page.keyboard.press("Alt+ArrowLeft")
    side.wait_for(["NaCl", "BaTiO3"])
    lab.python("explorer.session.select(3)")
    lab.page.keyboard.press("p")
    lab.wait_until(lambda: strip.count() == 3, "one pinned by its key")
    strip.nth(2).scroll_into_view_if_needed()
    lab.screenshot("latent-space-strip")


def test_a_pin_of_one_explorer_onto_a_pin_of_another(lab: LabNotebook, side: SidePanel) -> None:
    lab.run(1, 2)
    lab.wait_until(lambda: side.sections.count() == 2, "two explorers in the side panel", 60)
    assert side.sections.locator(".xc-ls-title").all_inner_texts() == [f"{NOTEBOOK} (1)", f"{NOTEBOOK} (2)"]
    lab.python("other.session.pin()")
    side.wait_for(["NaCl"], 1)
    side.card("BaTiO3").drag_to(side.card("NaCl", 1))
    lab.wait_until(lambda: ends(lab, "other") == "['BaTiO3', 'NaCl'] True", "the path in the other explorer")
    for theme in ("Light", "Dark"):
        execute(lab, "apputils:change-theme", theme=f"JupyterLab {theme}")
        dark = "false" if theme == "Dark" else "true"
        lab.wait_until(lambda dark=dark: lab.page.locator("body").get_attribute("data-jp-theme-light") == dark, theme)
        lab.page.wait_for_timeout(600)
        lab.screenshot(f"latent-space-{theme.lower()}")


def test_an_explorer_that_is_closed_is_gone(lab: LabNotebook, side: SidePanel) -> None:
    lab.python("other.close()")
    lab.wait_until(lambda: side.sections.count() == 1, "one explorer left")


def test_a_page_that_is_loaded_anew_has_the_pins_of_living_kernels(lab: LabNotebook, side: SidePanel) -> None:
    was = side.formulas()
    lab.page.evaluate("() => { window.xcrystalPanel.content.widgets[1].model.outputs.clear(); }")  # of the closed one
    execute(lab, "docmanager:save")
    lab.wait_until(lambda: lab.page.evaluate("!window.xcrystalPanel.context.model.dirty"), "a saved notebook")
    lab.reload()
    show(lab)
    lab.wait_until(lambda: side.formulas() == was, "the pins again", 40)
    side.card("NaCl").locator(".xc-ls-pin").click()
    lab.wait_until(
        lambda: lab.python("print(explorer.session.label)").strip() == "decode of mp-22862", "the crystal again"
    )


def test_with_its_kernel_an_explorer_is_gone(lab: LabNotebook, side: SidePanel) -> None:
    lab.page.evaluate("() => { window.xcrystalPanel.sessionContext.shutdown(); }")
    lab.wait_until(lambda: side.sections.count() == 0, "an empty panel")
    assert side.root.get_by_role("button", name="Open the Crystal Explorer").is_visible()
