"""JupyterLab without a notebook: the launcher, the file browser and its menus, the command palette."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.browser.window import LabWindow

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator

    from tests.browser.server import JupyterServer

_START_COMMAND = """([id, args]) => {
  const answer = {done: false, failed: null};
  window.xcrystalCommand = answer;
  window.jupyterapp.commands.execute(id, args).then(
    () => { answer.done = true; }, error => { answer.failed = String(error); answer.done = true; });
}"""

# Through JupyterLab's own registry, as the settings editor does it, so that all hear of the change.
_START_SETTING = """([plugin, name, value]) => {
  const answer = {done: false, failed: null}, app = window.jupyterapp;
  window.xcrystalCommand = answer;
  const tokens = [...app.pluginRegistry._services.keys()];
  const token = tokens.find(one => one.name === '@jupyterlab/coreutils:ISettingRegistry');
  const save = app.resolveRequiredService(token).then(
    registry => value === null ? registry.remove(plugin, name) : registry.set(plugin, name, value));
  save.then(() => { answer.done = true; }, error => { answer.failed = String(error); answer.done = true; });
}"""

_FRONT_WITH_KERNEL = """() => {
  const panel = window.jupyterapp.shell.currentWidget, kernel = panel?.sessionContext?.session?.kernel;
  if (!kernel || kernel.status !== 'idle') return false;
  window.xcrystalPanel = panel;
  return true;
}"""

_TITLES = "() => [...window.jupyterapp.shell.widgets('main')].map(widget => widget.title.label)"
_UP = """() => {
  const app = window.jupyterapp;
  if (!app) return false;
  app.restored.then(() => { window.xcrystalRestored = true; });
  if (document.querySelector('#jupyterlab-splash') || [...app.shell.widgets('main')].length === 0) return false;
  return window.xcrystalRestored === true && document.querySelector('.jp-DirListing-content') !== null;
}"""


class Desk(LabWindow):
    """A page on the launcher, in a workspace of its own.

    Parameters
    ----------
    context, server
        The browser, and where JupyterLab runs.
    folder
        Of the server's root; the file browser shows it.
    """

    def __init__(self, context: BrowserContext, server: JupyterServer, folder: str = "") -> None:
        super().__init__(context, server, server.lab_url(folder))
        self._wait_until_up()

    def _wait_until_up(self) -> None:
        self.wait_until(lambda: self.page.evaluate(_UP), "JupyterLab with a file browser", timeout=60)

    def reload(self) -> None:
        """Load the page anew, as a user does; what JupyterLab restores is there afterwards."""
        self.page.wait_for_timeout(1500)  # JupyterLab saves its layout a little after each change
        self.page.goto(self.page.url)
        self._wait_until_up()

    # -- files

    def file(self, name: str) -> Locator:
        """A row of the file browser, which shows the folder of the file."""
        row = self.page.locator(".jp-DirListing-item").filter(
            has=self.page.locator(".jp-DirListing-itemText", has_text=name)
        )
        if row.count() == 0:
            self.execute("filebrowser:refresh")  # written after JupyterLab last looked
        self.wait_until(lambda: row.count() > 0, f"{name} in the file browser")
        return row.first

    def open_file(self, name: str) -> None:
        """Double click on a file."""
        self.file(name).dblclick()

    def select(self, *names: str) -> None:
        """Mark files in the file browser."""
        for number, name in enumerate(names):
            self.file(name).click(modifiers=["ControlOrMeta"] if number else [])

    # -- menus

    def context_menu(self, target: Locator) -> list[str]:
        """Click with the right button; what the menu offers, which stays open."""
        target.click(button="right")
        return self._menu_items()

    def choose_in_menu(self, text: str) -> None:
        """Click on an entry of the menu that is open."""
        self._entries(text).first.click()

    def close_menu(self) -> None:
        """Leave a menu without a choice."""
        self.page.keyboard.press("Escape")

    def menu(self, name: str, *inner: str) -> list[str]:
        """Open a menu of the menu bar, and the menus inside of it; what all of them offer."""
        self.page.locator(".lm-MenuBar-item", has_text=name).first.click()
        for text in inner:
            before = len(self._menu_items())
            self._entries(text).first.hover()
            self.wait_until(lambda before=before: len(self._menu_items()) > before, f"the menu {text}")  # type: ignore[misc]
        return self._menu_items()

    def _menu_items(self) -> list[str]:
        labels = self.page.locator(".lm-Menu .lm-Menu-itemLabel:visible")
        self.wait_until(lambda: labels.count() > 0, "an open menu")
        return [text for text in labels.all_inner_texts() if text]

    def _entries(self, text: str) -> Locator:
        return self.page.locator(".lm-Menu .lm-Menu-item:visible").filter(
            has=self.page.locator(".lm-Menu-itemLabel", has_text=text)
        )

    # -- commands

    def palette(self, text: str) -> None:
        """Open the command palette, type, and take the first entry with just this label."""
        self.page.keyboard.press("ControlOrMeta+Shift+C")
        field = self.page.locator(".lm-CommandPalette-input:visible")
        field.wait_for()
        field.fill(text)
        label = self.page.locator(".lm-CommandPalette-itemLabel", has_text=text)
        self.wait_until(lambda: text in label.all_inner_texts(), f"{text!r} in the command palette")
        label.nth(label.all_inner_texts().index(text)).click()

    def execute(self, command: str, **arguments: Any) -> None:
        """Run a command by its id and wait for its end.

        Raises
        ------
        AssertionError
            If it fails.
        """
        self._finish(_START_COMMAND, [command, arguments], f"the command {command}")

    def set_setting(self, plugin: str, name: str, value: Any) -> None:
        """Save a user's setting as the settings editor does; None for the default."""
        self._finish(_START_SETTING, [plugin, name, value], f"{name} saved as {json.dumps(value)}")

    def set_theme(self, name: str) -> None:
        """Such as "JupyterLab Dark"."""
        self.execute("apputils:change-theme", theme=name)
        dark = "false" if name.endswith("Dark") else "true"
        self.wait_until(
            lambda: self.page.locator("body").get_attribute("data-jp-theme-light") == dark, f"the theme {name}"
        )
        splash = self.page.locator("#jupyterlab-splash")
        self.wait_until(lambda: splash.count() == 0, "a page without the picture of the start")

    def _finish(self, start: str, arguments: Any, what: str) -> None:
        self.page.evaluate(start, arguments)
        self.wait_until(lambda: self.page.evaluate("window.xcrystalCommand.done"), what, timeout=60)
        failed = self.page.evaluate("window.xcrystalCommand.failed")
        assert failed is None, f"{what} failed: {failed}"

    # -- panels

    @property
    def titles(self) -> list[str]:
        """Titles of all tabs of the main area."""
        return list(self.page.evaluate(_TITLES))

    @property
    def title(self) -> str:
        """Title of the tab in front."""
        return str(self.page.evaluate("window.jupyterapp.shell.currentWidget?.title.label ?? ''"))

    def take_front(self, timeout: float = 60.0) -> None:
        """Wait until the tab in front has an idle kernel; ``python`` then speaks to it."""
        self.wait_until(lambda: self.page.evaluate(_FRONT_WITH_KERNEL), "a tab with an idle kernel", timeout)

    def close_tabs(self) -> None:
        """Close everything in the main area without a question, and end the kernels."""
        self.page.evaluate(
            """() => {
              for (const widget of [...window.jupyterapp.shell.widgets('main')]) widget.dispose();
              window.jupyterapp.serviceManager.sessions.shutdownAll();
            }"""
        )

    def close(self) -> None:
        """Close the page and end the kernels."""
        self.close_tabs()
        self.page.close()
