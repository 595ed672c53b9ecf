"""The command line ``xcrystal``."""

from xcrystal.cli.main import app

__all__ = ["app"]
