"""What others wrote and xcrystal needs: a CycloneDX SBOM of Python and npm packages, and a table of their licences.

``make sbom`` runs it: ``python tools/third_party.py --python .venv/bin/python --out dist``, in an environment that has
cyclonedx-py and pip-licenses, after the extension was built (its build lists the npm packages that it holds).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
NPM = ROOT / "extension" / "labextension" / "static" / "third-party-licenses.json"
OURS = "xcrystal"


def python_packages(python: Path) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """The SBOM of an environment, and name, version and licence of each of its packages."""
    tools = Path(sys.executable).parent
    sbom = [tools / "cyclonedx-py", "environment", "--output-reproducible", "--of", "JSON", "--sv", "1.6", python]
    sbom += ["--pyproject", ROOT / "pyproject.toml"]
    listed = [tools / "pip-licenses", "--python", python, "--format", "json", "--from", "mixed"]
    made, licences = (
        subprocess.run(each, check=True, capture_output=True, text=True).stdout for each in (sbom, listed)
    )
    rows = [
        {"name": one["Name"], "version": one["Version"], "licence": one["License"]}
        for one in json.loads(licences)
        if one["Name"] != OURS
    ]
    return json.loads(made), rows


def npm_packages() -> list[dict[str, str]]:
    """Name, version and licence of each npm package that the built extension holds."""
    if not NPM.is_file():
        raise SystemExit(f"{NPM} is missing: build the extension first (make setup).")
    return [
        {"name": one["name"], "version": one["versionInfo"], "licence": one["licenseId"] or "see its text"}
        for one in json.loads(NPM.read_text(encoding="utf-8"))["packages"]
    ]


def component(package: dict[str, str]) -> dict[str, Any]:
    """An npm package as CycloneDX writes it."""
    purl = f"pkg:npm/{package['name'].replace('@', '%40')}@{package['version']}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": package["name"],
        "version": package["version"],
        "purl": purl,
        "licenses": [{"license": {"name": package["licence"]}}],
    }


def table(rows: list[dict[str, str]]) -> str:
    """Packages as a Markdown table, by name."""
    lines = [
        f"| {one['name']} | {one['version']} | {one['licence']} |" for one in sorted(rows, key=lambda r: r["name"])
    ]
    return "\n".join(["| package | version | licence |", "|---|---|---|", *lines])


def main() -> None:
    """Write ``sbom.json`` and ``third-party-licences.md``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", type=Path, required=True, help="of the environment that is described")
    parser.add_argument("--out", type=Path, default=Path("dist"))
    given = parser.parse_args()
    sbom, python = python_packages(given.python)
    npm = npm_packages()
    sbom["components"] = [*sbom.get("components", []), *map(component, npm)]
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "sbom.json").write_text(json.dumps(sbom, indent=1) + "\n", encoding="utf-8")
    parts = (("Python", python), ("npm, in the JupyterLab extension", npm))
    text = "# Third-party licences\n" + "".join(f"\n## {title}\n\n{table(rows)}\n" for title, rows in parts)
    (given.out / "third-party-licences.md").write_text(text, encoding="utf-8")
    print(f"{len(python)} Python and {len(npm)} npm packages: {given.out}/sbom.json, third-party-licences.md")  # noqa: T201


if __name__ == "__main__":
    main()
