"""``python -m xcrystal`` is the command line ``xcrystal``."""

from xcrystal.cli import app

app(prog_name="xcrystal")
