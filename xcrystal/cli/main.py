"""The command line ``xcrystal``: a thin layer over the library.

Results go to standard output, progress and messages to standard error. Whatever is wrong with a user's input is said
in one line, with exit code 1.
"""

from __future__ import annotations

import contextlib
import math
import os
import platform
import shutil
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

import xcrystal
from xcrystal.cli.check_data_command import check_data
from xcrystal.cli.concepts_command import concepts
from xcrystal.cli.counterfactuals_command import counterfactuals
from xcrystal.cli.decode_steps_command import decode_steps
from xcrystal.cli.design_command import design
from xcrystal.cli.diffraction_commands import identify, xrd
from xcrystal.cli.disorder_commands import approximants, defects
from xcrystal.cli.evaluate_commands import evaluate
from xcrystal.cli.fetch_command import fetch
from xcrystal.cli.fork_server_command import fork_server
from xcrystal.cli.model_server_command import model_server
from xcrystal.cli.page_command import page
from xcrystal.cli.relax_command import relax
from xcrystal.cli.scale_commands import scale
from xcrystal.cli.serve_command import serve
from xcrystal.cli.shared import (
    Also,
    Dataset,
    Device,
    Fitted,
    Json,
    Kept,
    Model,
    Report,
    Seed,
    print_json,
    print_report,
    print_table,
)
from xcrystal.cli.teaching_commands import nbgrader
from xcrystal.errors import DatasetError, ReadError, UnsupportedElementWarning, XCrystalError, one_sentence

if TYPE_CHECKING:
    import numpy as np
    from pymatgen.core import Structure

NOTEBOOK = "01_first_look.ipynb"
PACKAGES = ("torch", "pymatgen", "spglib", "numpy", "captum", "jupyterlab", "ipywidgets", "nglview", "plotly")
_CHUNK = 32


class Commands(TyperGroup):
    """Says what is wrong with a user's input in one line, without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except XCrystalError as error:
            message = str(error)
        except OSError as error:
            message = f"{error.strerror or error}: {error.filename}" if error.filename else str(error)
        except KeyboardInterrupt:
            typer.echo("xcrystal: Stopped; files that were written are whole.", err=True)
            raise typer.Exit(130) from None
        typer.echo(f"xcrystal: {one_sentence(message)}", err=True)
        raise typer.Exit(1)


app = typer.Typer(
    cls=Commands,
    help="Explore a variational autoencoder of inorganic crystals.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(evaluate, name="evaluate")
app.add_typer(scale, name="scale")
app.command()(counterfactuals)
app.command()(fetch)
app.command("check-data")(check_data)
app.command()(concepts)
app.command("decode-steps")(decode_steps)
app.command()(relax)
app.command()(design)
app.command()(serve)
app.command("fork-server")(fork_server)
app.command("model-server")(model_server)
app.command()(page)
app.command()(xrd)
app.command()(identify)
app.command()(defects)
app.command()(approximants)
app.command()(nbgrader)


def print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(xcrystal.__version__)
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    # other packages' warnings mean nothing to who types a command; ours fit in a line
    warnings.simplefilter("ignore")
    warnings.simplefilter("default", UnsupportedElementWarning)
    warnings.showwarning = lambda message, *_: typer.echo(f"warning: {message}", err=True)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Option(help="Where the notebook is, or is copied to.")] = Path(),
) -> None:
    """Open JupyterLab on the first notebook. Further options, such as --no-browser, go to JupyterLab."""
    from jupyterlab.labapp import LabApp

    source = bundled_notebook().parent
    folder.mkdir(parents=True, exist_ok=True)
    for notebook in sorted([*source.glob("*.ipynb"), *source.glob("exercises/*.ipynb")]):
        own = folder / notebook.relative_to(source)
        if not own.exists():
            own.parent.mkdir(exist_ok=True)
            shutil.copyfile(notebook, own)
    options = [
        f"--ServerApp.root_dir={folder.resolve()}",
        f"--LabApp.default_url=/lab/tree/{NOTEBOOK}",
        # nothing here needs the network, so JupyterLab shall not ask it for news, updates or extensions
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    LabApp.launch_instance([*options, *ctx.args])


@app.command()
def info(model: Model = "mp20", device: Device = "auto", as_json: Json = False) -> None:
    """Versions, the device that would be used, and what there is to know of a model."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as version_of

    opened = xcrystal.load(model, device)
    versions = {"xcrystal": xcrystal.__version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version_of(package)
        except PackageNotFoundError:
            versions[package] = "missing"
    parameters = sum(p.numel() for p in opened.network.parameters())
    facts = {"name": opened.name, "latent_dim": opened.latent_dim, "parameters": parameters, **opened.facts}
    found = {"versions": versions, "platform": platform.platform(), "device": str(opened.device), "model": facts}
    if as_json:
        print_json(found)
        return
    rows = [*versions.items(), ("platform", found["platform"]), ("device", found["device"])]
    rows += [(f"model {k}", v) for k, v in facts.items() if not isinstance(v, (dict, list))]
    print_table(rows)


@app.command()
def encode(
    files: Annotated[list[Path], typer.Argument(help="Crystal files: CIF, POSCAR, ...", show_default=False)],
    model: Model = "mp20",
    device: Device = "auto",
    as_json: Json = False,
    out: Annotated[Path | None, typer.Option(help="Write files and latent vectors z to this .npz.")] = None,
) -> None:
    """Latent vectors and predicted properties of crystals.

    Files that cannot be encoded are named and the others done; the exit status is then 1.
    """
    import numpy as np
    from tqdm.auto import tqdm

    opened = xcrystal.load(model, device)
    records: list[dict[str, Any]] = []
    for file in tqdm(files, desc="encoding", unit="file", disable=None, leave=False):
        try:
            found = opened.canonical(file)
            z = opened.encode_canonical([found.crystal])
        except XCrystalError as error:
            records.append({"file": str(file), "error": str(error)})
            message = str(error) if file.name in str(error) else f"{file}: {error}"
            tqdm.write(message, file=sys.stderr)
            continue
        properties = {name: float(values[0]) for name, values in opened.predict(z).items()}
        # nine digits tell any two float32 numbers apart
        code = [float(f"{x:.9g}") for x in z[0]]
        records.append({"file": str(file), **properties, "mirror_image": found.mirrored, "z": code})
        if found.mirrored:
            tqdm.write(
                f"{file}: chiral, encoded as its mirror image, which has the same latent vector.", file=sys.stderr
            )
    done = [r for r in records if "z" in r]
    if out is not None:
        z = np.array([r["z"] for r in done], dtype=np.float32).reshape(len(done), opened.latent_dim)
        write_codes(out, files=np.array([r["file"] for r in done], dtype=str), z=z)
    if as_json:
        print_json(records)
    elif done:
        names = [name for name in done[0] if name not in ("file", "mirror_image", "z")]
        rows = [[r["file"], *(f"{r[name]:.3f}" for name in names), f"{np.linalg.norm(r['z']):.2f}"] for r in done]
        print_table([["file", *names, "|z|"], *rows])
    if len(done) < len(records):
        raise typer.Exit(1)


@app.command()
def sample(
    n: Annotated[int, typer.Option("-n", min=1, help="How many crystals.")] = 16,
    seed: Seed = 0,
    model: Annotated[
        str,
        typer.Option(help="A bundled model, or the folder of your own; of the families it counts for vae and flow."),
    ] = "mp20",
    device: Device = "auto",
    family: Annotated[
        str | None,
        typer.Option(help="Another family of generators: vae, flow, autoregressive or diffusion."),
    ] = None,
    space_group: Annotated[int | None, typer.Option(help="Of all crystals; with a family.")] = None,
    element: Annotated[
        list[str] | None, typer.Option(help="An element that the crystals may hold; with a family; may be repeated.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write one CIF file a crystal into this folder.")] = None,
    as_json: Json = False,
) -> None:
    """Crystals decoded from draws of the prior, or from another family: model output, not relaxed by DFT."""
    from tqdm.auto import tqdm

    from xcrystal.crystal.formats.cif import cif_text, model_output
    from xcrystal.generators.families import LatentFamily, Wanted, open_family
    from xcrystal.model.checkpoint import write_text

    if family is None and (space_group is not None or element):
        raise DatasetError("--space-group and --element are for a --family; for the model, use xcrystal design.")
    opened = xcrystal.load(model, device)
    origin = opened.name
    crystals: list[Structure] = []
    with tqdm(total=n, desc="sampling", unit="crystal", disable=None, leave=False) as bar:
        if family is not None:
            made = open_family(family, opened)
            if isinstance(made, LatentFamily):
                origin = f"{opened.name}, family {family}"
            elif model != "mp20":
                raise DatasetError(f"--model is for the families vae and flow; {family} has a network of its own.")
            else:
                origin = family
            wanted = Wanted(space_group, tuple(element) if element else None)
            crystals = made.sample(n, seed, wanted, on_step=lambda done: bar.update(done - bar.n))
        else:
            z = opened.sample_latent(n, seed)
            for start in range(0, n, _CHUNK):
                crystals += opened.decode(z[start : start + _CHUNK])
                bar.update(len(crystals) - bar.n)
    records: list[dict[str, Any]] = [
        {"formula": c.composition.reduced_formula, "atoms": len(c), "space_group": c.properties["space_group"]}
        for c in crystals
    ]
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for i, (crystal, record) in enumerate(zip(crystals, records, strict=True), start=1):
            composition = crystal.composition.reduced_composition.formula.replace(" ", "")
            path = out / f"seed{seed}_{i:04}_{composition}.cif"
            write_text(cif_text(crystal, f"sample {i} of seed {seed}; {model_output(origin)}"), path)
            record["file"] = str(path)
    if as_json:
        print_json([r | {"structure": c.as_dict()} for r, c in zip(records, crystals, strict=True)])
    else:
        print_table([list(records[0]), *(list(r.values()) for r in records)])


@app.command()
def train(
    data: Annotated[
        Path,
        typer.Option(
            help="A folder with train.parquet, or of crystals in other files (as for atlas); a tenth of the "
            "compositions validates if there is no val.parquet.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="The folder of the run.", show_default=False)],
    recipe: Annotated[str, typer.Option(help="mp20 (hours), perov5 (minutes) or toy (seconds).")] = "mp20",
    minutes: Annotated[float | None, typer.Option(min=0.01, help="Of training, scoring comes on top.")] = None,
    seed: Seed = 0,
    device: Device = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the folder.")] = False,
    start: Annotated[Path | None, typer.Option(help="A model whose weights the run begins with.")] = None,
    also: Also = None,
    split: Annotated[
        str,
        typer.Option(help="composition, or hold out whole groups of train.parquet: chemical-system or prototype."),
    ] = "composition",
    steps: Annotated[int | None, typer.Option(min=1, help="A budget of steps instead of minutes.")] = None,
    simple_share: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of the crystals of few orbits that an epoch takes.")
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="That share every batch; of GPUs, each takes one.")] = 1,
) -> None:
    """Train a model; the best one so far is in OUT/best, its metrics in OUT/metrics.jsonl.

    In the end the best model reconstructs all validation crystals (printed, and OUT/result.json). Ctrl-C leaves a run
    that --resume goes on with.
    """
    from xcrystal.training.recipes import run_recipe

    try:
        given = (minutes, seed, device, resume, start, also or (), split, steps, simple_share, processes)
        found = run_recipe(recipe, data, out, *given)
    except KeyboardInterrupt:
        left = (out / "checkpoint.json").exists()
        then = f"--resume goes on with the run in {out}." if left else f"there is nothing to resume in {out} yet."
        typer.echo(f"xcrystal: Stopped; {then}", err=True)
        raise typer.Exit(130) from None
    print_table(found.items())


@app.command("fit-properties")
def fit_model_properties(
    data: Dataset,
    model: Fitted,
    also: Annotated[
        list[Path] | None,
        typer.Option(help="Another table with properties to learn from, beside train.parquet; may be given again."),
    ] = None,
    tokens: Kept = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Fit a model's properties and their intervals (minutes), and print figures of validation crystals.

    One half of the validation crystals, by composition, calibrates the intervals; the figures are of the other half.
    """
    from xcrystal.training.property_fit import fit_properties

    print_report(fit_properties(model, data, tokens, seed, also=also or ()), as_json)


@app.command("fit-prior")
def fit_model_prior(
    data: Dataset,
    model: Fitted,
    tokens: Kept = None,
    steps: Annotated[int, typer.Option(min=1, help="Optimizer steps.")] = 15000,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Fit a model's prior, from which samples are drawn, to the latent vectors of its training crystals (minutes)."""
    from xcrystal.training.prior_fit import fit_prior

    file = fit_prior(model, data, tokens, steps, seed)
    if as_json:
        print_json({"file": str(file), "steps": steps})
    else:
        typer.echo(str(file))


@app.command("fit-generator")
def fit_generator(
    family: Annotated[str, typer.Argument(help="autoregressive or diffusion.")],
    data: Dataset,
    out: Annotated[Path, typer.Option(help="The folder of the generator.", show_default=False)],
    also: Also = None,
    tokens: Kept = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Optimizer steps, instead of the recipe's.")] = None,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Train a small generator of another family (minutes on a GPU, many hours without).

    OUT/generator-FAMILY.safetensors holds the best weights so far; Ctrl-C leaves them.
    """
    from xcrystal.training.generator_fit import fit_generator_of_tables

    found = fit_generator_of_tables(family, data, out, also or (), tokens, steps, seed, device)
    if as_json:
        print_json(found)
    else:
        print_table(found.items())


@app.command("fit-design-prior")
def fit_model_design_prior(
    model: Fitted,
    atlas: Annotated[str, typer.Option(help="An atlas of this model; default: the one in its folder.")] = "",
    steps: Annotated[int, typer.Option(min=1, help="Optimizer steps.")] = 9000,
    batch_size: Annotated[int, typer.Option(min=1, help="Crystals in a step.")] = 512,
    noise: Annotated[float, typer.Option(min=0, help="Moves latent vectors, in standard deviations.")] = 0.5,
    width: Annotated[int, typer.Option(min=1, help="Of the network.")] = 384,
    blocks: Annotated[int, typer.Option(min=1, help="Of the network.")] = 3,
    held_out: Annotated[Path | None, typer.Option(help="A table of other crystals: tell the loss there.")] = None,
    device: Device = "cpu",
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Fit a model's conditional prior, which `xcrystal design` draws from, to its atlas (minutes, resumable)."""
    from xcrystal.training.conditional_prior_fit import FlowSettings, fit_conditional_prior

    settings = FlowSettings(steps, batch_size, noise, width, blocks)
    file, loss = fit_conditional_prior(model, atlas, settings, seed, device, held_out)
    if as_json:
        print_json({"file": str(file), "steps": steps, "held_out_loss": None if math.isnan(loss) else loss})
    else:
        typer.echo(str(file) if math.isnan(loss) else f"{file}\nloss on held-out crystals {loss:.4f}")


@app.command("fit-graph-networks")
def fit_model_graph_networks(
    data: Dataset,
    model: Fitted,
    tokens: Kept = None,
    also: Also = None,
    members: Annotated[int, typer.Option(min=1, help="Networks.")] = 3,
    steps: Annotated[int, typer.Option(min=1, help="Optimizer steps of each.")] = 2000,
    device: Device = "auto",
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Fit the networks that tell energies and gaps from atoms and distances, a second opinion for designs."""
    from xcrystal.generator import model_folder
    from xcrystal.model.device import pick_device
    from xcrystal.training.graph_network_fit import GraphSettings, fit_graph_networks

    settings = GraphSettings(members=members, steps=steps)
    found = fit_graph_networks(model_folder(model), data, also or (), tokens, settings, seed, str(pick_device(device)))
    figures = {"file": str(found.file), "crystals": found.crystals, "held_out": found.held_out}
    figures |= {f"mean_error_{name}": error for name, error in found.errors.items()}
    if as_json:
        print_json(figures)
    else:
        print_table(figures.items())


@app.command("fit-pair-distances")
def fit_known_pair_distances(
    data: Annotated[list[Path], typer.Option(help="A table of known crystals (parquet); may be repeated.")],
    out: Annotated[Path | None, typer.Option(help="The file; by default the one that ships.")] = None,
    as_json: Json = False,
) -> None:
    """Fit the shortest usual distance of each pair of elements, below which designs are thrown away (minutes)."""
    from xcrystal.training.pair_distance_fit import fit_pair_distances_of

    found = fit_pair_distances_of(data, out)
    figures = {"pairs": len(found.pairs), **{f"share of radii, {name}": share for name, share in found.classes.items()}}
    if as_json:
        print_json(figures)
    else:
        print_table(figures.items())


@app.command("fit-corrector")
def fit_model_corrector(
    data: Dataset,
    model: Fitted,
    tokens: Kept = None,
    also: Also = None,
    minutes: Annotated[float, typer.Option(min=0.01, help="Of training.")] = 33.0,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Train the network that proposes corrections when a latent vector is decoded with a search."""
    from xcrystal.training.correction_fit import CorrectorSettings, fit_corrector

    found = fit_corrector(model, data, tokens, also or (), seed, CorrectorSettings(minutes=minutes))
    if as_json:
        print_json(found)
    else:
        print_table(found.items())


@app.command("fit-tasks")
def fit_known_tasks(
    data: Dataset,
    out: Annotated[Path, typer.Option(help="The folder of the tasks' networks.", show_default=False)],
    model: Model = "mp20",
    tokens: Kept = None,
    tasks: Annotated[list[str] | None, typer.Option(help="Train this task only; may be repeated.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Of each task, instead of its own number.")] = None,
    scratch: Annotated[bool, typer.Option("--scratch", help="Begin with random weights, not the model's.")] = False,
    baseline_sites: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of the crystals that teach what the baseline's mean element gives."),
    ] = 0.4,
    smoothing: Annotated[
        float, typer.Option(min=0, max=0.4, help="What yes-or-no targets are away from 0 and 1.")
    ] = 0.0,
    minutes: Annotated[float | None, typer.Option(min=0.01, help="For each task, instead of epochs.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Crystals in a step; more on a GPU.")] = 128,
    learning_rate: Annotated[float, typer.Option(min=1e-6, help="The highest.")] = 6e-4,
    also: Also = None,
    device: Device = "cpu",
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Train networks whose explanation is known, for evaluate explanations (half an hour on one core).

    They have the model's encoder and begin with its weights. Those that are there already are not trained again.
    """
    from xcrystal.training.task_fit import TaskSettings, fit_tasks

    settings = TaskSettings(
        epochs=epochs,
        minutes=minutes,
        batch_size=batch_size,
        learning_rate=learning_rate,
        baseline_sites=baseline_sites,
        scratch=scratch,
        smoothing=smoothing,
    )
    found = fit_tasks(data, out, model, tokens, tasks or (), seed, settings, also or (), device)
    if as_json:
        print_json(found)
        return
    rows = [(n, f"{f['test_error']:.4f}", f"{f['trivial_error']:.4f}", f["error_unit"]) for n, f in found.items()]
    print_table([("task", "test error", "of a constant", "unit"), *rows])


@app.command("fit-baseline")
def fit_model_baseline(
    data: Dataset,
    model: Fitted,
    tokens: Kept = None,
    steps: Annotated[int, typer.Option(min=1, help="How long.")] = 300,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Fit the baseline 'fitted_element' of explanations to a model's encoder (minutes).

    The figures are mean distances of latent vectors of validation crystals from their mean over random elements.
    """
    from xcrystal.training.baseline_fit import fit_baseline

    found = fit_baseline(model, data, tokens, steps, seed)
    if as_json:
        print_json(found)
    else:
        print_table([(name, f"{error:.3f}") for name, error in found.items()])


@app.command("fit-references")
def fit_references(
    data: Dataset,
    potential: Annotated[str, typer.Option(help="Interatomic potential: chgnet, sevennet.")] = "chgnet",
    limit: Annotated[int, typer.Option(min=1, help="How many crystals, drawn at random.")] = 3000,
    out: Annotated[Path | None, typer.Option(help="The file; by default the one that ships.")] = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Fit the energies of the elements that put a potential's energies on the scale of the table (minutes)."""
    from xcrystal.training.reference_fit import fit_reference_energies

    found = fit_reference_energies(data, potential, limit=limit, seed=seed, out=out)
    figures = {
        "crystals": found.crystals,
        "elements": len(found.elements),
        "median_error": found.median_error,
        "mean_error": found.mean_error,
    }
    if as_json:
        print_json(figures)
    else:
        print_table(figures.items())


@app.command("atlas")
def build(
    data: Annotated[
        list[Path],
        typer.Option(
            help="A folder of crystals, or one file: CIF, POSCAR, extended XYZ, ASE database, parquet, CSV; may be "
            "repeated.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="The folder of the atlas.", show_default=False)],
    model: Model = "mp20",
    also: Annotated[
        list[Path] | None,
        typer.Option(
            help="More crystals to be found on the map, which do not count when latent vectors are compared; "
            "may be repeated.",
        ),
    ] = None,
    tokens: Kept = None,
    labels: Annotated[
        bool, typer.Option("--labels", help="Only label the motifs of the crystals of the atlas that is in OUT.")
    ] = False,
    fitted: Annotated[
        int, typer.Option(min=15, help="Crystals that UMAP is fitted to at most; it places the others by neighbours.")
    ] = 100_000,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Build an atlas of your own crystals: encode them and lay them out as a map.

    All numbers that come with the crystals become properties. What cannot be read or encoded is in OUT/skipped.csv. Of
    a folder with train.parquet only that file is read. xcrystal fetch gets crystals of the Materials Project.
    """
    from xcrystal.latent.building import build_atlas
    from xcrystal.latent.labelling import label_atlas

    if labels:
        counts = label_atlas([*data, *(also or ())], out)
        if as_json:
            print_json(counts)
        else:
            print_table([(name, str(count)) for name, count in counts.items()])
        return
    found = build_atlas(model, data, out, seed, also or (), tokens, workers=2, fitted=fitted).facts
    if as_json:
        print_json(found)
        return
    how = found["map"]
    note = how.get("note")
    rows = [("crystals", found["crystals"]), ("left out", found["skipped"]), ("map", how["method"])]
    rows += [("in train", found["in_train"])] if "in_train" in found else []
    rows += list(found.get("flags", {}).items())
    rows += [("properties", ", ".join(found["properties"]) or "none"), *([("note", note)] if note else [])]
    rows += [(name, f"{found[name]:.4f}") for name in ("placing_median", "placing_90") if name in found]
    rows += [(name, f"{how[name]:.3f}") for name in ("kept_fitted", "kept_placed") if name in how]
    print_table(rows)
    if found["skipped"]:
        typer.echo(f"{found['skipped']} crystals were left out; {out / 'skipped.csv'} tells why.", err=True)


@app.command("atlas-hull")
def atlas_hull(
    atlas: Annotated[str, typer.Argument(help="A bundled atlas, or the folder of one.")] = "mp20",
    as_json: Json = False,
) -> None:
    """Compare each crystal of an atlas with the hull of the atlas's own formation energies (minutes for thousands).

    What is found is kept in the atlas's folder; the map can then be coloured by the energy above the hull.
    """
    import numpy as np

    from xcrystal.energetics.atlas_hull import write_energies_above_hull

    found = write_energies_above_hull(atlas)
    known = found[np.isfinite(found)]
    figures = {
        "crystals": len(found),
        "energy above the hull known": len(known),
        "on the hull": int((known <= 1e-6).sum()),
        "less than 0.1 eV/atom above it": int((known < 0.1).sum()),
    }
    if as_json:
        print_json(figures)
    else:
        print_table([(name, str(count)) for name, count in figures.items()])


@app.command()
def benchmark(
    model: Model = "mp20",
    device: Device = "auto",
    repeats: Annotated[int, typer.Option(min=1, help="Calls that are timed.")] = 50,
    as_json: Json = False,
) -> Report:
    """How fast a model is on this machine."""
    from dataclasses import replace

    import numpy as np

    from xcrystal.evaluation.generative.speed import benchmark as measure
    from xcrystal.explorer.slider_speed import move_milliseconds

    opened = xcrystal.load(model, device)
    report = measure(opened, repeats)
    with contextlib.suppress(DatasetError):  # a model without an atlas has no explorer
        moves = np.quantile(move_milliseconds(opened, xcrystal.atlas(model), repeats), [0.5, 0.95])
        report = replace(report, move_ms=round(float(moves[0]), 1), move_ms_95=round(float(moves[1]), 1))
    return print_report(report, as_json)


def bundled_notebook() -> Path:
    """The notebook that comes with the package, or with the checkout that the package is imported from.

    Raises
    ------
    ReadError
        If it is missing.
    """
    here = Path(xcrystal.__file__).parent
    for path in (here / "notebooks" / NOTEBOOK, here.parent / "notebooks" / NOTEBOOK):
        if path.is_file():
            return path
    raise ReadError(f"The notebook {NOTEBOOK} is missing from this installation of xcrystal.")


def write_codes(path: Path, files: np.ndarray, z: np.ndarray) -> None:
    """Write an ``.npz`` file of names (n,) and latent vectors (n, latent_dim) atomically."""
    import numpy as np

    from xcrystal.crystal.files import replacing

    with replacing(path) as part, part.open("wb") as file:
        np.savez(file, files=files, z=z)
