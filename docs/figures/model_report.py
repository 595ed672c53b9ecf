"""Measures a model and writes the tables of its card: python docs/figures/model_report.py --data FOLDER (half an hour)

Runs the commands of ``COMMANDS`` one after another, keeps each report as ``reports/NAME.json`` in ``docs/model``, and
writes ``docs/model/figures.md``, with every table below the command that prints it. In MODEL_CARD.md and README.md it
writes what stands between ``<!-- figures:NAME -->`` and ``<!-- /figures -->``, unless another ``--out`` is given. An
interrupted run goes on where it was: a report of the same command, model, data and code is not made again. One of
another command, model or data is never written. One of other code is, with the digest of that code beside it, where it
is not made again: with ``--only``, which measures some reports and leaves the others.

What holds out chemical systems or prototypes (``--runs``) is not measured here, but read from runs of an hour.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import io
import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from shlex import split
from typing import Any

from card_tables import TABLES

from xcrystal.cli import app
from xcrystal.diffraction.fingerprints import FILE as FINGERPRINTS
from xcrystal.evaluation.attribution.attribution_invariance import AttributionInvariance
from xcrystal.evaluation.attribution.attribution_speed import AttributionSpeed
from xcrystal.evaluation.attribution.completeness import Complete, CompletenessReport
from xcrystal.evaluation.attribution.explanation_report import ExplanationsReport
from xcrystal.evaluation.attribution.faithfulness import Faithful, FaithfulnessReport
from xcrystal.evaluation.attribution.known_answer_scores import known_answers_table
from xcrystal.evaluation.attribution.weight_randomization import SanityReport, Step
from xcrystal.explanation.fitted_baseline import FILE as BASELINE
from xcrystal.explanation.trust import read_trust
from xcrystal.generator import model_folder
from xcrystal.latent.atlas import HULL
from xcrystal.model.checkpoint import write_text
from xcrystal.model.conditional_prior import FILE as CONDITIONAL
from xcrystal.model.digests import weights_digest
from xcrystal.model.graph_network import FILE as GRAPHS
from xcrystal.reporting import plain

ROOT = Path(__file__).parents[2]
OUT = ROOT / "docs" / "model"
FILLED = (ROOT / "MODEL_CARD.md", ROOT / "README.md")
# what decides figures: neither the explorer's looks nor the command line
CODE = (
    "crystal",
    "model",
    "predicting.py",
    "generator.py",
    "latent",
    "assessment",
    "inverse_design",
    "energetics",
    "explanation",
    "evaluation",
)
_LEARNED = " ".join(
    f"--train FOLDER/{table}.parquet" for table in ("train", "classics", "more_labelled", "large_train")
)


@dataclass(frozen=True)
class Command:
    """A command of ``xcrystal``, and what a reader of its table has to know.

    In its words, ``FOLDER`` stands for that of the data, and ``RUNS`` for that of training runs, whose results are read
    without this model.
    """

    title: str
    words: str
    about: str

    @property
    def of_runs(self) -> bool:
        """Whether it reads training runs."""
        return "RUNS" in self.words

    def typed(self, data: Path, runs: Path | None) -> list[str]:
        """Its words with the folders."""
        return [word.replace("FOLDER", str(data)).replace("RUNS", str(runs)) for word in split(self.words)]

    def inputs(self, data: Path, runs: Path | None) -> list[Path]:
        """The files whose content decides its figures."""
        found = []
        for word, own in zip(self.typed(data, runs), split(self.words), strict=True):
            if own == "FOLDER":
                found.append(Path(word) / "val.parquet")
            elif own.startswith("FOLDER/"):
                found.append(Path(word))
            elif own.startswith("RUNS/"):
                found += [Path(word) / "result.json", *sorted((Path(word) / "split").glob("*.parquet"))]
        return found


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
    "splits": Command(
        "Harder splits",
        "evaluate splits --run RUNS/split-composition --run RUNS/split-chemical-system --run RUNS/split-prototype",
        "Not the shipped model, but short runs from scratch on `train` alone, of 1,800 steps on one core, with greedy "
        "decodes: what is left of the match rate when more than the composition is held out. A run takes 16 to 25 "
        "minutes: `xcrystal train --data TRAIN --out RUNS/split-prototype --split prototype --steps 1800 "
        "--simple-share 1`, with `TRAIN` a folder that holds nothing but `train.parquet`. These runs measured all that "
        "was held out, which chose nothing.",
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
    "stability": Command(
        "Stability of samples",
        "evaluate stability -n 1000 --limit 500 --train FOLDER/train.parquet --folder relaxed",
        "The first of these samples, relaxed by CHGNet; the [protocol](stability.md) says what is stable, against "
        "which hull. Relaxing takes seconds a crystal; the folder keeps what is done. The second table says how many "
        "of the fifth that ranks best before relaxing are metastable afterwards.",
    ),
    "interpolation": Command(
        "Between crystals",
        "evaluate interpolation --data FOLDER/val.parquet --paths 50",
        "50 random pairs, 16 frames each, ends included; intervals by bootstrap over paths. The docstring of "
        "`xcrystal.evaluation.generative.interpolation_report` defines every row.",
    ),
    "interpolation-fast": Command(
        "Between crystals, most probable crystal alone",
        "evaluate interpolation --data FOLDER/val.parquet --paths 50 --effort fast",
        "The same pairs, without a search.",
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
    "design": Command(
        "Designs",
        "evaluate design --data FOLDER/val.parquet --draws 512 --judging chgnet",
        "Success is in the range by CGCNN, which had no part in designing; the [protocol](design.md) says what the "
        "methods are. The base rate is that of plain draws of the prior.",
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
        "Crystals of the half of `val` that calibrated nothing which are one substitution away from a training "
        "crystal, in the same Wyckoff positions: has the predicted change of the property the right sign?",
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
*Code* is a digest of the modules that measured a table; the next run measures anew what other code has measured.
{explained}
Weights: `{weights}`. Code: {codes}.
"""
_MARKED = re.compile(r"(<!-- figures:([\w-]+) -->)(.*?)(<!-- /figures -->)", re.DOTALL)


@dataclass(frozen=True)
class Kept:
    """What a command gave: its words, its figures, its table, how long it took, and what they are of.

    Attributes
    ----------
    weights, model, data, code
        Digests: of the model's weights, of all files of the model, of the data, and of the code that measured.
    """

    command: str
    weights: str
    model: str
    data: str
    code: str
    seconds: float
    figures: dict[str, Any]
    table: str


def digest(contents: Iterable[bytes]) -> str:
    """What tells some contents from others."""
    found = hashlib.sha256()
    for content in contents:
        found.update(hashlib.sha256(content).digest())
    return found.hexdigest()[:16]


def model_digest(folder: Path) -> str:
    """Of what a model is made of: weights, corrector, prior, property heads, atlas.

    Neither of what follows from the atlas nor of the conditional prior, the graph networks and the fitted baseline,
    which only designs and explanations are of.
    """
    suffixes, apart = (".safetensors", ".parquet"), (FINGERPRINTS, HULL, CONDITIONAL, GRAPHS, BASELINE)
    files = (path for path in sorted(folder.iterdir()) if path.suffix in suffixes and path.name not in apart)
    return digest(path.read_bytes() for path in files)


def code_digest(package: Path = ROOT / "xcrystal") -> str:
    """Of the statements that decide figures; comments, docstrings and layout do not."""
    parts = (package / name for name in CODE)
    files = [path for part in parts for path in (sorted(part.rglob("*.py")) if part.is_dir() else [part])]
    return digest(statements(path.read_text(encoding="utf-8")).encode() for path in files)


def statements(source: str) -> str:
    """A module without comments, docstrings and layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, False) is not None:
            node.body = node.body[1:]
    return ast.unparse(tree)


def measure(command: Command, model: str, data: Path, runs: Path | None = None) -> Kept:
    """Run a command, as it is typed."""
    folder = model_folder(model)
    printed, begun = io.StringIO(), time.perf_counter()
    with redirect_stdout(printed):
        words = [*command.typed(data, runs), *([] if command.of_runs else ["--model", model])]
        report = app(words, standalone_mode=False)
    seconds = round(time.perf_counter() - begun, 1)
    return Kept(
        command=command.words,
        weights=weights_digest(folder),
        model=model_digest(folder),
        data=digest(path.read_bytes() for path in command.inputs(data, runs)),
        code=code_digest(),
        seconds=seconds,
        figures=plain(report.to_dict()),
        table=printed.getvalue().rstrip("\n"),
    )


def read(file: Path) -> Kept | None:
    """A report that was kept, or None."""
    return Kept(**json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None


def kept_reports(out: Path, model: str, data: Path | None = None, runs: Path | None = None) -> dict[str, Kept]:
    """The reports of a folder that today's commands made of this model, in their order.

    Parameters
    ----------
    model
        Its digest.
    data, runs
        Where they are given, only reports of their present content are taken.
    """
    found = {name: read(out / "reports" / f"{name}.json") for name in COMMANDS}
    reports = {}
    for name, kept in found.items():
        command = COMMANDS[name]
        if kept is None or kept.command != command.words or (kept.model != model and not command.of_runs):
            continue
        there = runs if command.of_runs else data
        if there is None or kept.data == digest(path.read_bytes() for path in command.inputs(data or there, runs)):
            reports[name] = kept
    return reports


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
    return Kept(EXPLANATIONS.words, found["weights"], "", "", "", 0.0, found, report.table())


def page(reports: Mapping[str, Kept]) -> str:
    """The page of all tables."""
    weights = next(iter(reports.values())).weights
    explained = "The report of explanations, which takes longer, is the one that comes with the weights.\n"
    codes = sorted({kept.code for kept in reports.values() if kept.code})
    named = ", ".join(f"`{code}`" for code in codes)
    parts = [_HEAD.format(weights=weights, codes=named, explained=explained * ("explanations" in reports))]
    for name, kept in reports.items():
        command = EXPLANATIONS if name == "explanations" else COMMANDS[name]
        spent = f" It took {kept.seconds / 60:.1f} minutes." if kept.seconds else ""
        if kept.code and len(codes) > 1:
            spent += f" Code: `{kept.code}`."
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


def written(out: Path, folder: Path, data: Path | None = None, runs: Path | None = None) -> Iterator[tuple[Path, str]]:
    """The files that are written of the reports of a model, and their texts."""
    reports = kept_reports(out, model_digest(folder), data, runs)
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
        "--runs", type=Path, help="folder of the runs with harder splits; without it, what is kept of them"
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
    (given.out / "reports").mkdir(parents=True, exist_ok=True)
    kept, code = kept_reports(given.out, model_digest(folder), given.data, given.runs), code_digest()
    there = {name for name, report in kept.items() if report.code == code and not given.again}
    asked_for = given.only or [name for name, command in COMMANDS.items() if given.runs or not command.of_runs]
    todo = [name for name in asked_for if name not in there]
    for number, name in enumerate(todo, 1):
        print(f"{number}/{len(todo)} {name}: xcrystal {COMMANDS[name].words}", flush=True)
        found = measure(COMMANDS[name], given.model, given.data, given.runs)
        content = json.dumps(asdict(found), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        write_text(content, given.out / "reports" / f"{name}.json")
        print(f"  {found.seconds:.0f} s", flush=True)
    for file, text in written(given.out, folder, given.data, given.runs):
        write_text(text, file)


if __name__ == "__main__":
    main()
