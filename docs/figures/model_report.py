"""Measures a model and writes the tables of its card: python docs/figures/model_report.py --data FOLDER (half an hour)

Runs the commands of ``COMMANDS`` one after another, keeps each report as ``reports/NAME.json`` in ``docs/model``, and
writes ``docs/model/figures.md``, with every table below the command that prints it. In MODEL_CARD.md and README.md it
writes what stands between ``<!-- figures:NAME -->`` and ``<!-- /figures -->``, unless another ``--out`` is given. A
report that is there for the same weights and command is not made again, so an interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from shlex import split
from typing import Any

from card_tables import TABLES

from xcrystal.cli import app
from xcrystal.evaluation.attribution.attribution_invariance import AttributionInvariance
from xcrystal.evaluation.attribution.attribution_speed import AttributionSpeed
from xcrystal.evaluation.attribution.completeness import Complete, CompletenessReport
from xcrystal.evaluation.attribution.explanation_report import ExplanationsReport
from xcrystal.evaluation.attribution.faithfulness import Faithful, FaithfulnessReport
from xcrystal.evaluation.attribution.known_answer_scores import known_answers_table
from xcrystal.evaluation.attribution.weight_randomization import SanityReport, Step
from xcrystal.explanation.trust import read_trust
from xcrystal.generator import model_folder
from xcrystal.model.checkpoint import weights_digest, write_text
from xcrystal.reporting import plain

ROOT = Path(__file__).parents[2]
OUT = ROOT / "docs" / "model"
FILLED = (ROOT / "MODEL_CARD.md", ROOT / "README.md")
_LEARNED = " ".join(
    f"--train FOLDER/{table}.parquet" for table in ("train", "classics", "more_labelled", "large_train")
)


@dataclass(frozen=True)
class Command:
    """A command of ``xcrystal``, ``FOLDER`` for that of the data, and what a reader of its table has to know."""

    title: str
    words: str
    about: str


COMMANDS = {
    "reconstruction": Command(
        "Reconstruction",
        "evaluate reconstruction --data FOLDER/val.parquet",
        "The posterior mean is decoded, and compared with pymatgen's StructureMatcher (stol 0.5, ltol 0.3, "
        "angle_tol 10). A crystal that cannot be encoded counts as not matched. The matcher rescales volumes "
        "unless told otherwise; the volume error is relative, per atom. Space groups are those that spglib finds "
        "at symprec 0.1 Å. The crystals are those of the half of `val` that chose nothing. The numbers in "
        "brackets behind a property are the errors of always saying the mean or zero, and how many crystals have "
        "a known value.",
    ),
    "reconstruction-fast": Command(
        "Reconstruction, most probable crystal alone",
        "evaluate reconstruction --data FOLDER/val.parquet --effort fast",
        "The same crystals, without a search.",
    ),
    "reconstruction-thorough": Command(
        "Reconstruction, thorough search",
        "evaluate reconstruction --data FOLDER/val.parquet --effort thorough",
        "The same crystals, with the longest search.",
    ),
    "large": Command(
        "Reconstruction of larger crystals",
        "evaluate reconstruction --data FOLDER/large_val.parquet",
        "Crystals with 21 to 64 atoms in the primitive cell, none of whose formulas was learned from; they chose "
        "nothing.",
    ),
    "large-fast": Command(
        "Reconstruction of larger crystals, most probable crystal alone",
        "evaluate reconstruction --data FOLDER/large_val.parquet --effort fast",
        "The same crystals, without a search.",
    ),
    "large-thorough": Command(
        "Reconstruction of larger crystals, thorough search",
        "evaluate reconstruction --data FOLDER/large_val.parquet --effort thorough --limit 200",
        "200 of them, drawn at random, since a search among so many atoms takes seconds.",
    ),
    "latent": Command(
        "Use of the latent vector",
        "evaluate latent --data FOLDER/val.parquet --effort fast",
        "Dimensions are active where the means vary by more than 0.01 (Burda et al., ICLR 2016). All of `val`.",
    ),
    "properties": Command(
        "Properties",
        f"evaluate properties --data FOLDER/val.parquet {_LEARNED}",
        "Predicted from the latent vector alone, for the half of `val` that chose and calibrated nothing. Beside "
        "the best constant stand other predictors that learned from the same crystals: the nearest neighbours in "
        "latent space, a random forest that knows the composition only, and the heads on the state of the encoder"
        " before it is squeezed into the latent vector.",
    ),
    "classics": Command(
        "Gaps of classic crystals",
        "evaluate classics",
        "Predicted for crystals that are built from textbook parameters, beside PBE (for some oxides and "
        "fluorides PBE+U). Nearly all of them were learned from: this says that the model knows what everybody "
        "knows.",
    ),
    "gallery": Command(
        "Classic structure types", "evaluate gallery", "Encoded and decoded. Most of them were learned from."
    ),
    "generation": Command(
        "Samples",
        "evaluate generation -n 1000 --reference FOLDER/val.parquet --train FOLDER/train.parquet",
        "Nothing is thrown away. By its search, `decode` looks for a crystal in which no atoms overlap, by the "
        "very rule of the row of short contacts; the last row of the first table says how often it took another "
        "than the most probable.",
    ),
    "generation-fast": Command(
        "Samples, most probable crystal alone",
        "evaluate generation -n 1000 --effort fast --reference FOLDER/val.parquet --train FOLDER/train.parquet",
        "The same latent vectors, without a search.",
    ),
    "interpolation": Command(
        "Between crystals",
        "evaluate interpolation --data FOLDER/val.parquet --paths 50",
        "50 random pairs, 16 frames each, ends included; intervals by bootstrap over paths. The docstring of "
        "`xcrystal.evaluation.generative.interpolation_report` defines every row.",
    ),
    "directions": Command(
        "Sliders of properties",
        "evaluate directions -n 20",
        "What counts is what is predicted at the decoded crystal's own latent vector. A straight line promises "
        "what is predicted where it ends; the verified path, along which the explorer's sliders go, promises only"
        " what it has decoded.",
    ),
    "steering": Command(
        "Steering",
        "evaluate steering --limit 10",
        "Up to 10 steps, each the best of some candidates, judged at the decoded crystal's own latent vector. "
        "Without anything held, steering drifts to the same few compositions. Whether DFT would agree is not "
        "known.",
    ),
    "proposals": Command(
        "Structures for a formula",
        "evaluate proposals --data FOLDER/val.parquet --train FOLDER/train.parquet --limit 50",
        "Compositions of `val` that the atlas does not hold; right means a match with the known structure. Beside"
        " the search stands an exchange of elements in known crystals, without any model.",
    ),
    "map": Command(
        "Places of the map",
        "evaluate map",
        "A place is decoded from the weighted mean of the latent vectors of the nearest crystals on the map. Off "
        "is how far the decoded crystal's own place lies from the one that was asked for. Empty places are those "
        "without a crystal within 1 % of the map's width.",
    ),
    "counterfactuals": Command(
        "Effects of a substitution",
        "evaluate counterfactuals --data FOLDER --train FOLDER/train.parquet",
        "Crystals of `val` that are one substitution away from a training crystal, in the same Wyckoff positions:"
        " has the predicted change of the property the right sign?",
    ),
    "invariance": Command(
        "Invariance",
        "evaluate invariance --data FOLDER/val.parquet",
        "200 crystals of `val`, each in four other writings; the relative difference of the latent vectors should"
        " be below 0.001. pymatgen's standard cells (symprec 0.1 Å) move atoms to spglib's idealized positions.",
    ),
    "benchmark": Command(
        "Speed",
        "benchmark",
        "Medians, on the model's own samples, which are harder to decode than known crystals; moves of a slider "
        "begin at crystals of the atlas.",
    ),
}
EXPLANATIONS = Command(
    "Explanations",
    "evaluate explanations --data FOLDER --tasks tasks --tasks tasks-untaught --save",
    "The networks of the tasks with a known answer have this model's encoder, begin with its weights, and learn "
    "targets whose truth for each atom is known in closed form. Those that were taught what the baseline's sites "
    "give have also seen crystals some of whose sites hold the mean element. AUROC and correlations are means "
    "over crystals with bootstrap intervals; 'beats random' is a paired bootstrap against random scores. Saliency"
    " and SmoothGrad have no sign. The other parts are of the model's predicted formation energy. Deletion puts "
    "orbits to the baseline, the highest score first, insertion the reverse, beyond the exact mean over all "
    "orders.",
)
_HEAD = """# All figures of the model

<!-- written by python docs/figures/model_report.py -->

Each table stands below the command that prints it, with seed 0. `FOLDER` holds tables such as the
[model card](../reference/model-card.md#data-and-licence) describes. `python docs/figures/model_report.py --data FOLDER`
makes all of them, this page, and the tables of the card, and keeps the reports as JSON in `docs/model/reports`.
{explained}
Weights: `{weights}`.
"""
_MARKED = re.compile(r"(<!-- figures:([\w-]+) -->)(.*?)(<!-- /figures -->)", re.DOTALL)


@dataclass(frozen=True)
class Kept:
    """What a command gave: its words, the weights that it measured, its figures, its table, and how long it took."""

    command: str
    weights: str
    seconds: float
    figures: dict[str, Any]
    table: str


def measure(command: Command, model: str, data: Path, weights: str) -> Kept:
    """Run a command, as it is typed."""
    words = [word.replace("FOLDER", str(data)) for word in split(command.words)]
    printed, begun = io.StringIO(), time.perf_counter()
    with redirect_stdout(printed):
        report = app([*words, "--model", model], standalone_mode=False)
    seconds = round(time.perf_counter() - begun, 1)
    return Kept(command.words, weights, seconds, plain(report.to_dict()), printed.getvalue().rstrip("\n"))


def read(file: Path) -> Kept | None:
    """A report that was kept, or None."""
    return Kept(**json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None


def kept_reports(out: Path, weights: str) -> dict[str, Kept]:
    """The reports of a folder that were made of these weights by the commands of today, in their order."""
    found = {name: read(out / "reports" / f"{name}.json") for name in COMMANDS}
    return {
        name: kept
        for name, kept in found.items()
        if kept is not None and (kept.weights, kept.command) == (weights, COMMANDS[name].words)
    }


def explanations(folder: Path) -> Kept | None:
    """The report of explanations that lies beside a model's weights, or None."""
    trust = read_trust(folder)
    if trust is None:
        return None
    found = trust.content
    faithful = found["faithfulness"]
    parts: dict[str, Any] = {
        "faithfulness": FaithfulnessReport(
            **faithful | {"methods": {name: Faithful(**values) for name, values in faithful["methods"].items()}}
        ),
        "completeness": CompletenessReport(
            **found["completeness"] | {"rows": tuple(Complete(**row) for row in found["completeness"]["rows"])}
        ),
        "sanity": SanityReport(
            **found["sanity"]
            | {"curves": {name: tuple(Step(**s) for s in steps) for name, steps in found["sanity"]["curves"].items()}}
        ),
        "invariance": AttributionInvariance(**found["invariance"]),
        "speed": AttributionSpeed(**found["speed"]),
    }
    texts = {"tasks": known_answers_table(found["tasks"])} | {name: part.table() for name, part in parts.items()}
    report = ExplanationsReport(found["weights"], found["protocol"], found["tasks"], parts, texts)
    return Kept(EXPLANATIONS.words, found["weights"], 0.0, found, report.table())


def page(reports: Mapping[str, Kept]) -> str:
    """The page of all tables."""
    weights = next(iter(reports.values())).weights
    explained = "The report of explanations, which takes longer, is the one that comes with the weights.\n"
    parts = [_HEAD.format(weights=weights, explained=explained * ("explanations" in reports))]
    for name, kept in reports.items():
        command = EXPLANATIONS if name == "explanations" else COMMANDS[name]
        spent = f" It took {kept.seconds / 60:.1f} minutes." if kept.seconds else ""
        parts.append(
            f"## {command.title}\n\n```sh\nxcrystal {kept.command}\n```\n\n{command.about}{spent}\n\n"
            f"```text\n{kept.table}\n```\n"
        )
    return "\n".join(parts)


def fill(text: str, reports: Mapping[str, Kept]) -> str:
    """A text with what belongs between its markers; what lacks a report says so.

    Raises
    ------
    KeyError
        If there is no table of a name.
    """
    figures = {name: kept.figures for name, kept in reports.items()}

    def filled(match: re.Match[str]) -> str:
        try:
            found = TABLES[match[2]](figures) if figures else ""
        except KeyError as error:
            if match[2] not in TABLES:
                raise
            found = f"*not measured yet: {error.args[0]}*"
        space = "\n\n" if found.startswith(("|", "- ")) else ""
        return f"{match[1]}{space}{found}{space}{match[4]}"

    return _MARKED.sub(filled, text)


def written(out: Path, folder: Path) -> Iterator[tuple[Path, str]]:
    """The files that are written of the reports of a model, and their texts."""
    reports = kept_reports(out, weights_digest(folder))
    explained = explanations(folder)
    reports |= {} if explained is None else {"explanations": explained}
    yield out / "figures.md", page(reports)
    for file in FILLED if out == OUT else ():
        yield file, fill(file.read_text(encoding="utf-8"), reports)


def main() -> None:
    """Measure what is not measured yet, and write everything."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--model", default="mp20", help="a bundled model, or the folder of one with its atlas")
    asked.add_argument(
        "--data", type=Path, required=True, help="folder with train.parquet, val.parquet, large_val.parquet"
    )
    asked.add_argument(
        "--out",
        type=Path,
        default=OUT,
        help="folder of the page and the reports; card and README are written with the default only",
    )
    asked.add_argument("--only", action="append", choices=COMMANDS, help="measure this only; may be given again")
    asked.add_argument("--again", action="store_true", help="measure also what is measured already")
    given = asked.parse_args()
    folder = model_folder(given.model)
    weights = weights_digest(folder)
    (given.out / "reports").mkdir(parents=True, exist_ok=True)
    there = {} if given.again else kept_reports(given.out, weights)
    todo = [name for name in given.only or COMMANDS if name not in there]
    for number, name in enumerate(todo, 1):
        print(f"{number}/{len(todo)} {name}: xcrystal {COMMANDS[name].words}", flush=True)
        kept = measure(COMMANDS[name], given.model, given.data, weights)
        content = json.dumps(asdict(kept), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        write_text(content, given.out / "reports" / f"{name}.json")
        print(f"  {kept.seconds:.0f} s", flush=True)
    for file, text in written(given.out, folder):
        write_text(text, file)


if __name__ == "__main__":
    main()
