"""The README in the folder of an atlas: what each file is, for people who do not have xcrystal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xcrystal.latent.atlas import CODES, FACTS, LISTS, STRUCTURES, TABLE

if TYPE_CHECKING:
    import pandas as pd

README, SKIPPED = "README.md", "skipped.csv"
_TITLE = "# An atlas of crystals"
REASONS = 10  # that are listed
_ABOUT = {
    "material_id": "name of the crystal",
    "formula": "reduced formula",
    "space_group": "number, 1 to 230 (spglib, symprec 0.1)",
    "x": "coordinate on the map",
    "y": "coordinate on the map",
    "formation_energy_per_atom": "eV/atom",
    "band_gap": "eV",
    "e_above_hull": "eV/atom",
    "energy": "eV, of the cell that was given",
    "energy_per_atom": "eV/atom",
    "rock_salt": "whether it has this structure",
    "perovskite": "whether it has this structure",
    "layered": "whether its strong bonds make layers",
    "close_packed": "whether its atoms are close-packed",
    "in_train": "whether latent vectors are compared with it; the others are only to be found",
    "flag": "what is doubtful about it: atoms that overlap, an odd volume, an energy out of range, or there twice",
}


def write_readme(folder: Path, facts: dict[str, Any], columns: Sequence[str], skipped: pd.DataFrame) -> None:
    """Write ``README.md`` beside the files of an atlas, which are there already; for the arguments see ``readme``."""
    from xcrystal.model.checkpoint import write_text

    there = (folder / STRUCTURES).is_file(), (folder / LISTS).is_file()
    write_text(readme(facts, columns, skipped, *there), folder / README)


def is_ours(folder: Path) -> bool:
    """Whether a README may be written to a folder: there is none yet, or it is of an older atlas."""
    file = folder / README
    return not file.exists() or (file.is_file() and file.read_bytes().startswith(_TITLE.encode()))


def readme(
    facts: dict[str, Any], columns: Sequence[str], skipped: pd.DataFrame, structures: bool, lists: bool = False
) -> str:
    """The text: files, columns, how they were made, what was left out, and how to read them.

    Parameters
    ----------
    facts
        Those of the atlas: see ``xcrystal.latent.building.atlas_facts``.
    columns
        Of its table.
    skipped
        The first that are not in it: ``name`` and ``reason``. The facts tell how many there are.
    structures, lists
        Whether there are such files.
    """
    how, digest, left_out = facts.get("map", {}), facts.get("model_digest"), facts["skipped"]
    files = [
        f"- `{TABLE}`: a table with one row a crystal (Parquet; its columns are below).",
        f"- `{CODES}`: the array `z`, {facts['crystals']} x {facts['latent_dim']}: the latent vector of each "
        "crystal, in the order of the table (safetensors).",
    ]
    if lists:
        files.append(f"- `{LISTS}`: an index of the latent vectors, in whose order the rows are.")
    if structures:
        files.append(
            f"- `{STRUCTURES}`: the crystals as they were read, in the same order: `a b c` (Å), `alpha beta gamma` "
            "(degrees), `species` (symbols), `frac_coords` (x y z of each atom, one after the other), and the file "
            "(`source`)."
        )
    files += [
        f"- `{FACTS}`: how this was made, for programs.",
        f"- `{SKIPPED}`: the {left_out} crystals that are not in it, and why.",
    ]
    settings = ", ".join(f"{name} {value}" for name, value in how.items() if name not in ("method", "note"))
    made = [
        f"{facts['crystals']} crystals from `{facts.get('data')}` ({_files(int(facts.get('files', 0)))}); "
        f"{left_out} were left out.",
        f"Codes: the model `{facts.get('model')}`" + (f", weights {digest}" if digest else "") + ".",
        f"Map: {str(how.get('method', '')).upper()} of the latent vectors"
        + (f" ({settings})" if settings else "")
        + ".",
    ]
    if note := how.get("note"):
        made.append(f"{note[0].upper()}{note[1:]}.")
    if "placing_median" in facts:
        made.append(
            "A crystal that is not in it is put on the map by its neighbours: in the median "
            f"{100 * facts['placing_median']:.1f} % of the map's width from where the map itself would have it."
        )
    about = [f"- `{name}`: {_ABOUT.get(name, 'a number that came with the crystals')}" for name in columns]
    left = [f"- {r.name_}: {r.reason}" for r in skipped.rename(columns={"name": "name_"}).itertuples()][:REASONS]
    if left_out > len(left):
        left.append(f"- and {left_out - len(left)} more")
    parts = [
        _TITLE,
        " ".join(made) + f" Made with xcrystal {facts.get('xcrystal')}.",
        "## Files",
        "\n".join(files),
        f"## Columns of `{TABLE}`",
        "\n".join(about),
        *(["## Left out", "\n".join(left)] if left else []),
        "## Reading it",
        "```python\nimport pandas as pd\nfrom safetensors.numpy import load_file\n\n"
        f'table = pd.read_parquet("{TABLE}")\nz = load_file("{CODES}")["z"]\n```',
        "In the explorer: `import xcrystal as xc`, then `xc.explore(atlas=FOLDER)` with the name of this folder; "
        "for another model than the bundled one also `model=`.",
    ]
    return "\n\n".join(parts) + "\n"


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"
