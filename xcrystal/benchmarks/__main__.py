"""Check the example models' attributions: ``python -m xcrystal.benchmarks [NAME ...] [--limit 100] [--out FOLDER]``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from xcrystal.benchmarks.attribution_checks import check_attributions
from xcrystal.benchmarks.example_models import MODELS
from xcrystal.errors import XCrystalError
from xcrystal.model.checkpoint import write_text


def main(arguments: list[str] | None = None) -> None:
    """Print a table of Markdown for each model; with ``--out`` also write ``NAME.json`` and ``NAME.md``."""
    parser = argparse.ArgumentParser(prog="python -m xcrystal.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(MODELS)}")
    parser.add_argument("--limit", type=int, default=100, help="how many test crystals to take")
    parser.add_argument("--out", type=Path, help="where reports go")
    given = parser.parse_args(arguments)
    if given.limit < 1:
        parser.error("--limit is at least 1.")
    for name in given.names or MODELS:
        if name not in MODELS:
            parser.error(f"there is no model {name!r}; there are: {', '.join(MODELS)}")
        try:
            report = check_attributions(*MODELS[name](), limit=given.limit)
        except XCrystalError as error:
            parser.exit(1, f"{name}: {error}\n")
        sys.stdout.write(f"{name}\n\n{report.to_markdown()}\n")
        if given.out is not None:
            given.out.mkdir(parents=True, exist_ok=True)
            stem = name.replace(", ", "-").replace(" ", "-")
            write_text(json.dumps(report.to_dict(), indent=1) + "\n", given.out / f"{stem}.json")
            write_text(report.to_markdown(), given.out / f"{stem}.md")


if __name__ == "__main__":
    main()
