"""JupyterLab's ways into the explorer: launcher, palette, file browser, settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.desk import Desk
from tests.browser.explorer import MAP_DRAWN, STRUCTURE_DRAWN, ExplorerPage
from tests.browser.pixels import canvas_pixels, drawn_share
from tests.browser.window import LabWindow
from tests.crystals import CRYSTALS

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

    from tests.browser.server import JupyterServer

PLUGIN = "xcrystal-lab:plugin"
FOLDER, BROKEN = "opening", "broken"
AWKWARD = """it's "mine" \\ für (1).cif"""
OTHER = "zinc oxide.vasp"
CHOSEN = {"device": "cpu", "colourMap": "cividis", "attributionMethod": "saliency"}
pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def desk(server: JupyterServer, browser: BrowserContext) -> Iterator[Desk]:
    folder = server.root / FOLDER
    (folder / BROKEN).mkdir(parents=True)
    # in this folder Python finds another module of this name, which it looks for here first
    (folder / BROKEN / "xcrystal.py").write_text("raise RuntimeError('nobody at <b>home</b>')")
    (folder / AWKWARD).write_text(CRYSTALS["rock salt NaCl"].to_structure().to(fmt="cif"))
    (folder / OTHER).write_text(CRYSTALS["wurtzite ZnO"].to_structure().to(fmt="poscar"))
    (folder / "notes.txt").write_text("no crystal")
    opened = Desk(browser, server, FOLDER)
    for name, value in CHOSEN.items():
        opened.set_setting(PLUGIN, name, value)
    yield opened
    for name in ("openIn", *CHOSEN):
        opened.set_setting(PLUGIN, name, None)
    opened.close()


@pytest.fixture(autouse=True)
def _no_errors(desk: Desk) -> Iterator[None]:
    yield
    desk.assert_no_errors()


def drawn(desk: Desk) -> ExplorerPage:
    """The only explorer of the page, once its map and its crystal are drawn."""
    explorer = ExplorerPage(desk)
    for canvas, share in ((explorer.map_canvas, MAP_DRAWN), (explorer.structure_canvas, STRUCTURE_DRAWN)):
        desk.wait_until(lambda canvas=canvas: canvas.count() > 0, "a canvas of the explorer", 90)  # type: ignore[misc]
        desk.wait_until(
            lambda canvas=canvas, share=share: drawn_share(canvas_pixels(canvas)) > share,  # type: ignore[misc]
            "something on it",
        )
    return explorer


def running_kernels(desk: Desk) -> int:
    return int(desk.page.evaluate("[...window.jupyterapp.serviceManager.sessions.running()].length"))


def test_the_settings_editor_shows_what_can_be_chosen(desk: Desk) -> None:
    desk.execute("settingeditor:open", query="Crystal Explorer")
    main = desk.page.locator("#jp-main-dock-panel")
    wanted = {"Open in", "Model", "Device", "Colour map", "Attribution method"}
    desk.wait_until(lambda: wanted <= {line.strip() for line in main.inner_text().splitlines()}, f"settings {wanted}")
    chosen = desk.page.locator("select").filter(has=desk.page.locator("option", has_text="Shapley values"))
    assert chosen.locator("option:checked").inner_text() == "Saliency"
    desk.close_tabs()
    desk.wait_until(lambda: desk.titles == ["Launcher"], "a launcher")


def test_the_file_menu_offers_the_explorer(desk: Desk) -> None:
    assert "Crystal Explorer" in desk.menu("File", "New")
    desk.close_menu()
    desk.close_menu()


def test_the_launcher_opens_a_notebook(desk: Desk) -> None:
    tile = desk.page.locator(".jp-LauncherCard", has_text="Crystal Explorer")
    assert tile.count() == 1
    assert tile.locator("img").evaluate("image => image.complete && image.naturalWidth > 0"), "a tile without an icon"
    tile.click()
    desk.wait_until(lambda: desk.title.endswith(".ipynb"), "a notebook")
    assert drawn(desk).label.startswith("BaTiO3")
    source = desk.page.evaluate("window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells[0].getSource()")
    call = 'xc.explore(device="cpu", color_map="cividis", method="saliency")'
    assert source == f"import xcrystal as xc\n\n{call}"
    assert "Launcher" not in desk.titles, "the launcher stays in the way"
    desk.screenshot("opening-notebook")
    desk.close_tabs()
    desk.wait_until(lambda: desk.titles == ["Launcher"], "a launcher")
    desk.wait_until(lambda: running_kernels(desk) == 0, "no kernel")
    desk.errors.clear()  # a kernel that is ended while it speaks may leave some


def test_only_crystals_can_be_explored(desk: Desk) -> None:
    assert "Explore This Crystal" not in desk.context_menu(desk.file("notes.txt"))
    desk.close_menu()
    desk.select(AWKWARD)
    assert "Explore This Crystal" in desk.context_menu(desk.file(AWKWARD))
    desk.close_menu()


def test_the_file_browser_opens_a_panel_without_code(desk: Desk) -> None:
    desk.set_setting(PLUGIN, "openIn", "panel")
    desk.select(AWKWARD, OTHER)
    assert "Explore These Crystals" in desk.context_menu(desk.file(OTHER))
    desk.choose_in_menu("Explore These Crystals")
    told_of = desk.page.locator(".Toastify__toast", has_text="other selected crystals are laid over the map")
    desk.wait_until(lambda: told_of.count() == 1, "a notice")
    note = desk.page.locator(".xc-lab-note:visible")
    desk.wait_until(lambda: note.count() == 1, "a note")
    assert note.inner_text() == "Starting the explorer …"
    explorer = drawn(desk)
    desk.wait_until(lambda: note.count() == 0, "no note any more")
    assert explorer.label == f"NaCl {AWKWARD}, as loaded"
    assert desk.title == f"{AWKWARD} – Crystal Explorer"
    panel = desk.page.locator(".xc-lab-panel")
    assert "import" not in panel.inner_text(), "code is seen"
    assert panel.locator(".cm-editor:visible").count() == 0
    assert panel.locator(".jp-Toolbar:visible").count() == 0
    whole, used = (panel.locator(part).bounding_box() for part in (".jp-CodeConsole", ".jp-CodeConsole-content"))
    assert whole is not None
    assert used is not None
    assert abs(whole["height"] - used["height"]) < 3, "the explorer does not have the whole height"
    desk.take_front()
    told = desk.python(
        "s = explorer.session; print(s.model.device, s.state.color_map, s.explanations.method, "
        "[own.name for own in s.state.own])"
    )
    assert told.split(maxsplit=3) == ["cpu", "cividis", "saliency", f"[{OTHER!r}]\n"]
    desk.wait_until(lambda: told_of.count() == 0, "no notice any more")
    desk.screenshot("opening-panel-light")


def test_a_page_that_is_loaded_anew_shows_it_again(desk: Desk) -> None:
    desk.python("explorer.session.select('mp-5986')")
    desk.reload()
    assert drawn(desk).label == "BaTiO3 decode of mp-5986", "not the explorer that was there before"
    assert desk.titles == [f"{AWKWARD} – Crystal Explorer"]
    desk.set_theme("JupyterLab Dark")
    desk.page.wait_for_timeout(500)
    desk.screenshot("opening-panel-dark")
    desk.set_theme("JupyterLab Light")


def test_a_kernel_that_is_ended_elsewhere_is_said_and_begun_anew(desk: Desk) -> None:
    desk.page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
    note = desk.page.locator(".xc-lab-note:visible")
    desk.wait_until(lambda: "The kernel has ended" in " ".join(note.all_inner_texts()), "what is wrong")
    desk.errors.clear()  # a kernel that is ended while it speaks may leave some
    note.locator("button").click()
    desk.wait_until(lambda: note.count() == 0, "no note any more", 60)
    assert drawn(desk).label.startswith("BaTiO3")


def test_a_closed_panel_ends_its_kernel(desk: Desk) -> None:
    assert running_kernels(desk) == 1
    desk.page.locator(".lm-TabBar-tab.lm-mod-current .lm-TabBar-tabCloseIcon").first.click()
    desk.wait_until(lambda: desk.titles == ["Launcher"], "a launcher")
    desk.wait_until(lambda: running_kernels(desk) == 0, "no kernel")
    desk.errors.clear()


def test_a_drawn_file_is_handed_over(desk: Desk) -> None:
    desk.file(OTHER).dblclick()
    desk.wait_until(lambda: desk.title == OTHER, "the drawn file")
    desk.page.get_by_role("button", name="Open in Crystal Explorer").click()
    desk.wait_until(lambda: desk.title == f"{OTHER} – Crystal Explorer", "the panel of the explorer")
    assert drawn(desk).label == f"ZnO {OTHER}, as loaded"
    desk.close_tabs()
    desk.wait_until(lambda: desk.titles == ["Launcher"], "a launcher")
    desk.wait_until(lambda: running_kernels(desk) == 0, "no kernel")
    desk.errors.clear()


def test_a_kernel_that_has_no_explorer_is_said(desk: Desk) -> None:
    desk.file(BROKEN).dblclick()
    desk.wait_until(lambda: desk.page.locator(".jp-DirListing-item", has_text="xcrystal.py").count(), "the folder")
    desk.palette("Crystal Explorer")
    note = desk.page.locator(".xc-lab-note.visible, .xc-lab-note:visible")
    desk.wait_until(lambda: "could not start" in " ".join(note.all_inner_texts()), "what is wrong", 60)
    assert re.fullmatch(r"The explorer could not start: nobody at <b>home</b>\s+Try again", note.inner_text())
    desk.screenshot("opening-failed")
    (desk.server.root / FOLDER / BROKEN / "xcrystal.py").write_text("def explore(**_):\n    raise KeyError('still')")
    note.locator("button").click()
    desk.wait_until(lambda: "still" in note.inner_text(), "another try", 30)


def test_notebook_7_opens_a_notebook_of_its_own(desk: Desk, server: JupyterServer) -> None:
    context = desk.page.context
    tree = LabWindow(context, server, f"{server.url}/tree/{FOLDER}?token={server.token}")
    file = tree.page.locator(".jp-DirListing-item", has_text=OTHER)
    file.locator("input").check(timeout=30_000)  # a click on the name opens it
    with context.expect_page(timeout=30_000) as opened:
        tree.page.keyboard.press("Alt+Shift+X")
    cell = opened.value.locator(".jp-CodeCell .cm-content")
    wanted = f'xc.explore("{OTHER}", device="cpu"'
    desk.wait_until(lambda: wanted in " ".join(cell.all_text_contents()), "its cell", 40)
    assert not [error for error in tree.errors if "xcrystal" in error.message + error.place]
    assert tree.page.locator(".Toastify__toast").count() == 0, "the tree says that it starts what it does not"
    opened.value.close()
    tree.page.close()
