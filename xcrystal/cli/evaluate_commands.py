"""The commands ``xcrystal evaluate ...``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

import xcrystal
from xcrystal.cli.relax_command import Folder
from xcrystal.cli.shared import (
    Crystals,
    Dataset,
    Device,
    Effort,
    Half,
    Json,
    Kept,
    Model,
    Seed,
    Table,
    print_json,
    print_report,
)
from xcrystal.errors import DatasetError
from xcrystal.reporting import Report

evaluate = typer.Typer(help="Measure a model, or any set of crystals.", no_args_is_help=True)


@evaluate.command()
def reconstruction(
    data: Crystals,
    model: Model = "mp20",
    device: Device = "auto",
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many crystals, drawn at random.")] = None,
    seed: Seed = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes that match crystals.")] = os.cpu_count() or 1,
    effort: Effort = "normal",
    half: Half = None,
    as_json: Json = False,
) -> Report:
    """How many crystals are reconstructed, and how exactly."""
    from xcrystal.evaluation.generative.reconstruction import evaluate_reconstruction

    report = evaluate_reconstruction(xcrystal.load(model, device), data, limit, workers, seed, effort, half)
    return print_report(report, as_json)


@evaluate.command()
def generation(
    samples: Annotated[
        Path | None,
        typer.Option(
            help="Crystals to measure: a folder or zip of crystal files, extended XYZ, or a parquet file. Without it, "
            "a model's own."
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Measure samples of this model: a bundled one (mp20), or the folder of your own.")
    ] = None,
    n: Annotated[int, typer.Option("-n", min=1, help="How many samples of the model.")] = 1000,
    seed: Seed = 0,
    device: Device = "auto",
    reference: Annotated[Path | None, typer.Option(help="Real crystals to compare with: like --samples.")] = None,
    train: Annotated[
        Path | None, typer.Option(help="What the generator learned from; a sample is novel if it is not in here.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that look at crystals.")] = os.cpu_count() or 1,
    effort: Effort = "normal",
    relax: Annotated[
        bool, typer.Option("--relax", help="Also relax the samples, and count those that are stable (slow).")
    ] = False,
    folder: Folder = None,
    page: Annotated[
        Path | None, typer.Option("--report", help="Also write the figures as one HTML page with charts.")
    ] = None,
    as_json: Json = False,
) -> Report:
    """How good generated crystals are: validity, uniqueness, novelty, distributions, coverage.

    No sample is left out. But a model's decoder, where atoms of its most probable crystal overlap, looks for one in
    which they do not, by the very rule that is measured here; --effort fast forbids it.
    """
    from xcrystal.crystal.collections.crystal_sets import crystal_set
    from xcrystal.evaluation.generative.generation import evaluate_generation
    from xcrystal.evaluation.generative.generation_page import generation_page
    from xcrystal.model.checkpoint import write_text

    if page is not None and not page.absolute().parent.is_dir():
        raise DatasetError(f"There is no folder {page.absolute().parent} for the report.")
    if samples is not None and model is not None:
        raise DatasetError("Give --samples to measure these, or --model to measure what a model makes, not both.")
    # what cannot be opened shall be said before a model has sampled for minutes
    real, known = (None if path is None else crystal_set(path) for path in (reference, train))
    crystals = xcrystal.load(model or "mp20", device).sample(n, seed, effort) if samples is None else samples
    report = evaluate_generation(crystals, real, known, workers, seed, relax=relax, folder=folder)
    if page is not None:
        given = {
            "xcrystal": xcrystal.__version__,
            "reference set": reference or "none",
            "training set": train or "none",
        }
        origin: dict[str, object] = {"samples": samples}
        if samples is None:
            origin = {"samples": f"{n} of the model {model or 'mp20'}", "effort of the decoder": effort}
        write_text(generation_page(report, origin | given | {"seed": seed}), page)
    return print_report(report, as_json)


@evaluate.command()
def generators(
    data: Dataset,
    model: Model = "mp20",
    n: Annotated[int, typer.Option("-n", min=2, help="How many samples of each family.")] = 1000,
    family: Annotated[
        list[str] | None,
        typer.Option(help="vae, flow, autoregressive, diffusion or substitution; all without it; may be repeated."),
    ] = None,
    seed: Seed = 0,
    device: Device = "auto",
    workers: Annotated[int, typer.Option(min=1, help="Processes that look at crystals.")] = os.cpu_count() or 1,
    as_json: Json = False,
) -> Report:
    """Families of generators beside each other: the same figures of as many samples of each."""
    from xcrystal.evaluation.generative.families_report import ALL, evaluate_families

    report = evaluate_families(xcrystal.load(model, device), data, n, seed, family or tuple(ALL), workers)
    return print_report(report, as_json)


@evaluate.command()
def relaxation(
    data: Table,
    limit: Annotated[int, typer.Option(min=1, help="How many crystals, drawn at random.")] = 100,
    seed: Seed = 0,
    potential: Annotated[str, typer.Option(help="Interatomic potential: chgnet, sevennet.")] = "chgnet",
    folder: Folder = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that relax crystals.")] = os.cpu_count() or 1,
    as_json: Json = False,
) -> Report:
    """How far a potential's energies of known crystals, once relaxed, lie from the table's (seconds a crystal)."""
    from xcrystal.evaluation.energies.relaxation import evaluate_relaxation

    found = evaluate_relaxation(data, limit, seed, potential=potential, folder=folder, workers=workers)
    return print_report(found, as_json)


@evaluate.command()
def stability(
    samples: Annotated[
        Path | None,
        typer.Option(help="Crystals to measure, as for evaluate generation; without it, a model's own."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Measure samples of this model, and rank them.")] = None,
    n: Annotated[int, typer.Option("-n", min=1, help="How many samples of the model.")] = 1000,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many of these samples.")] = None,
    seed: Seed = 0,
    train: Annotated[
        list[Path] | None,
        typer.Option(help="What the generator learned from; a sample is novel if it is not in here; may be repeated."),
    ] = None,
    folder: Folder = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that relax crystals.")] = os.cpu_count() or 1,
    effort: Effort = "normal",
    as_json: Json = False,
) -> Report:
    """How many crystals are stable, unique and novel once CHGNet has relaxed them (seconds a crystal).

    A model's own samples are also ranked by what is known of them before, to show what that buys.
    """
    from xcrystal.crystal.collections.crystal_sets import crystal_set, joined
    from xcrystal.evaluation.energies.sample_stability import evaluate_model_stability, evaluate_stability

    if samples is not None and model is not None:
        raise DatasetError("Give --samples to measure these, or --model to measure what a model makes, not both.")
    known = joined(map(crystal_set, train)) if train else None
    if samples is not None:
        return print_report(evaluate_stability(samples, known, folder=folder, workers=workers), as_json)
    report = evaluate_model_stability(
        xcrystal.load(model or "mp20"),
        xcrystal.atlas(model or "mp20"),
        known,
        n=n,
        limit=limit,
        seed=seed,
        effort=effort,
        folder=folder,
        workers=workers,
    )
    return print_report(report, as_json)


@evaluate.command()
def potentials(
    model: Model = "mp20",
    n: Annotated[int, typer.Option("-n", min=1, help="How many samples of the model.")] = 1000,
    limit: Annotated[int, typer.Option(min=1, help="Only the first so many of these samples.")] = 60,
    seed: Seed = 0,
    folder: Folder = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that relax crystals.")] = os.cpu_count() or 1,
    effort: Effort = "normal",
    as_json: Json = False,
) -> Report:
    """Whether CHGNet and SevenNet agree on which samples are metastable (half a minute a crystal)."""
    from xcrystal.evaluation.energies.potential_agreement import evaluate_potentials

    opened = xcrystal.load(model)
    return print_report(evaluate_potentials(opened, n, limit, seed, effort, folder=folder, workers=workers), as_json)


@evaluate.command()
def latent(
    data: Crystals,
    model: Model = "mp20",
    device: Device = "auto",
    limit: Annotated[int | None, typer.Option(min=2, help="Only so many crystals, drawn at random.")] = None,
    seed: Seed = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes that match crystals.")] = os.cpu_count() or 1,
    effort: Effort = "normal",
    as_json: Json = False,
) -> Report:
    """How much the latent vector holds: active dimensions, KL divergence, decodes of shuffled vectors."""
    from xcrystal.evaluation.latent.collapse import evaluate_collapse

    return print_report(evaluate_collapse(xcrystal.load(model, device), data, limit, workers, seed, effort), as_json)


@evaluate.command()
def interpolation(
    data: Crystals,
    model: Model = "mp20",
    device: Device = "auto",
    paths: Annotated[int, typer.Option(min=1, help="How many pairs of crystals, drawn at random.")] = 100,
    steps: Annotated[int, typer.Option(min=2, help="Frames of each path, both ends included.")] = 16,
    seed: Seed = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes that look at crystals.")] = os.cpu_count() or 1,
    effort: Effort = "normal",
    as_json: Json = False,
) -> Report:
    """What lies between crystals: whether it is possible, how often it changes, how far energies jump."""
    from xcrystal.evaluation.generative.interpolation_report import evaluate_interpolation

    opened = xcrystal.load(model, device)
    return print_report(evaluate_interpolation(opened, data, paths, steps, seed, workers, effort), as_json)


@evaluate.command()
def invariance(
    data: Table,
    model: Model = "mp20",
    device: Device = "auto",
    limit: Annotated[int, typer.Option(min=1, help="How many crystals, drawn at random.")] = 200,
    seed: Seed = 0,
    as_json: Json = False,
) -> Report:
    """How much the latent vector depends on how a crystal is written."""
    from xcrystal.evaluation.generative.invariance import evaluate_invariance

    return print_report(evaluate_invariance(xcrystal.load(model, device), data, limit, seed), as_json)


@evaluate.command()
def properties(
    data: Table,
    train: Annotated[
        list[Path] | None,
        typer.Option(help="What the properties were learned from: compare with other predictors; may be given again."),
    ] = None,
    half: Half = None,
    model: Model = "mp20",
    device: Device = "auto",
    workers: Annotated[int, typer.Option(min=1, help="Processes that read crystals.")] = os.cpu_count() or 1,
    tokens: Kept = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> Report:
    """How well properties follow from the latent vector, and whether their intervals are true."""
    from xcrystal.evaluation.properties.prediction_errors import evaluate_properties

    opened = xcrystal.load(model, device)
    return print_report(evaluate_properties(opened, data, train or (), workers, seed, tokens, half), as_json)


@evaluate.command()
def steering(
    model: Model = "mp20",
    atlas: Annotated[str | None, typer.Option(help="An atlas, if not the model's own.")] = None,
    device: Device = "auto",
    limit: Annotated[int, typer.Option(min=1, help="From how many known crystals, drawn at random.")] = 100,
    steps: Annotated[int, typer.Option(min=1, help="The most that each may take.")] = 10,
    seed: Seed = 0,
    as_json: Json = False,
) -> Report:
    """How far properties can be raised or lowered, as predicted for the crystals that steering really decodes."""
    from xcrystal.evaluation.latent.steering_success import evaluate_steering
    from xcrystal.latent.atlas import open_atlas

    opened = xcrystal.load(model, device)
    return print_report(evaluate_steering(opened, open_atlas(atlas or model), limit, steps, seed), as_json)


@evaluate.command()
def design(
    model: Model = "mp20",
    atlas: Annotated[str | None, typer.Option(help="An atlas, if not the model's own.")] = None,
    device: Device = "auto",
    n: Annotated[int, typer.Option("-n", min=1, help="Candidates for each request.")] = 20,
    seeds: Annotated[int, typer.Option(min=1, help="How often each request is made.")] = 1,
    draws: Annotated[int, typer.Option(min=1, help="The most draws for a request.")] = 1024,
    guidance: Annotated[float, typer.Option(help="Of the conditional prior.")] = 2.0,
    method: Annotated[list[str] | None, typer.Option(help="Only this method; may be given again.")] = None,
    region: Annotated[list[str] | None, typer.Option(help="Only this region; may be given again.")] = None,
    data: Annotated[Path | None, typer.Option(help="A table of known crystals: tell CGCNN's errors, too.")] = None,
    potential: Annotated[str, typer.Option(help="An interatomic potential that the methods may ask.")] = "",
    judging: Annotated[str, typer.Option(help="One that tells how far candidates lie above the hull.")] = "",
    seed: Seed = 0,
    as_json: Json = False,
) -> Report:
    """How often designed crystals keep what was asked for, as CGCNN judges, beside simpler methods."""
    from xcrystal.errors import check_one_of
    from xcrystal.evaluation.design.design_success import METHODS, REGIONS, evaluate_design
    from xcrystal.latent.atlas import open_atlas

    for name in method or ():
        check_one_of(name, METHODS, "method")
    for name in region or ():
        check_one_of(name, REGIONS, "region")
    report = evaluate_design(
        xcrystal.load(model, device),
        open_atlas(atlas or model),
        n,
        seeds,
        draws,
        guidance,
        method or METHODS,
        region or tuple(REGIONS),
        seed,
        data,
        potential,
        judging,
        lambda words: typer.echo(words, err=True),
    )
    return print_report(report, as_json)


@evaluate.command("contacts")
def short_contacts(data: Crystals, as_json: Json = False) -> None:
    """What share of known crystals the rule on unusually short contacts would throw away."""
    from xcrystal.training.pair_distance_fit import share_with_short_contacts

    share = share_with_short_contacts(data)
    if as_json:
        print_json({"short_contacts": share})
    else:
        typer.echo(f"{share:.1%} of these crystals have an unusually short contact")


@evaluate.command()
def proposals(
    data: Crystals,
    train: Annotated[
        Path | None, typer.Option(help="What the atlas was made of: the baseline exchanges elements in these.")
    ] = None,
    model: Model = "mp20",
    atlas: Annotated[str | None, typer.Option(help="An atlas, if not the model's own.")] = None,
    device: Device = "auto",
    limit: Annotated[int, typer.Option(min=1, help="How many compositions, drawn at random.")] = 100,
    count: Annotated[int, typer.Option(min=1, help="Proposals for each.")] = 5,
    seed: Seed = 0,
    as_json: Json = False,
) -> Report:
    """How often structures proposed for a formula that the atlas does not hold are the true ones."""
    from xcrystal.evaluation.generative.proposals import evaluate_proposals
    from xcrystal.latent.atlas import open_atlas

    opened = xcrystal.load(model, device)
    found = evaluate_proposals(opened, open_atlas(atlas or model), data, train, limit, count, seed)
    return print_report(found, as_json)


@evaluate.command()
def diffraction(
    data: Annotated[Path | None, typer.Option(help="Crystals whose formulas the atlas does not hold.")] = None,
    train: Annotated[Path | None, typer.Option(help="A table that the atlas was made of.")] = None,
    model: Model = "mp20",
    atlas: Annotated[str | None, typer.Option(help="An atlas, if not the model's own.")] = None,
    device: Device = "auto",
    limit: Annotated[int, typer.Option(min=1, help="How many crystals of each, drawn at random.")] = 200,
    seed: Seed = 0,
    as_json: Json = False,
) -> Report:
    """How often a powder pattern, ideal or as measured, leads to its crystal."""
    from xcrystal.evaluation.diffraction.pattern_search import evaluate_diffraction
    from xcrystal.latent.atlas import open_atlas

    opened = xcrystal.load(model, device)
    return print_report(evaluate_diffraction(opened, open_atlas(atlas or model), data, train, limit, seed), as_json)


@evaluate.command()
def signals(
    data: Crystals,
    model: Model = "mp20",
    atlas: Annotated[str | None, typer.Option(help="An atlas, if not the model's own.")] = None,
    device: Device = "auto",
    limit: Annotated[int, typer.Option(min=2, help="How many crystals, drawn at random, and how many samples.")] = 300,
    seed: Seed = 0,
    effort: Effort = "normal",
    as_json: Json = False,
) -> Report:
    """What signals of synthesizability tell apart: known crystals, and crystals drawn from the model's prior."""
    from xcrystal.evaluation.generative.signal_scores import evaluate_signals
    from xcrystal.latent.atlas import open_atlas

    opened = xcrystal.load(model, device)
    return print_report(evaluate_signals(opened, open_atlas(atlas or model), data, limit, seed, effort), as_json)


@evaluate.command()
def directions(
    model: Model = "mp20",
    atlas: Annotated[str | None, typer.Option(help="An atlas, if not the model's own.")] = None,
    device: Device = "auto",
    n: Annotated[int, typer.Option("-n", "--n", min=1, help="From how many known crystals, drawn at random.")] = 40,
    seed: Seed = 0,
    as_json: Json = False,
) -> Report:
    """What a step along a property's slider promises, and does to the crystals that are decoded."""
    from xcrystal.evaluation.latent.direction_effects import evaluate_directions
    from xcrystal.latent.atlas import open_atlas

    opened = xcrystal.load(model, device)
    return print_report(evaluate_directions(opened, open_atlas(atlas or model), n, seed), as_json)


@evaluate.command()
def counterfactuals(
    data: Annotated[
        Path, typer.Option(help="A parquet file with one crystal a row, or a folder with one.", show_default=False)
    ],
    train: Annotated[
        Path | None, typer.Option(help="Edit the crystals of this table, such as those learned from, into the others.")
    ] = None,
    half: Half = None,
    model: Model = "mp20",
    device: Device = "auto",
    workers: Annotated[int, typer.Option(min=1, help="Processes that read crystals.")] = os.cpu_count() or 1,
    seed: Seed = 0,
    as_json: Json = False,
) -> Report:
    """How often the predicted effect of a substitution has the right sign, over pairs of real crystals."""
    from xcrystal.evaluation.attribution.counterfactual_pairs import evaluate_counterfactuals

    opened = xcrystal.load(model, device)
    return print_report(evaluate_counterfactuals(opened, data, train, workers, seed, half), as_json)


@evaluate.command()
def explanations(
    data: Annotated[
        Path,
        typer.Option(help="A folder with val.parquet, or a parquet file with one crystal a row.", show_default=False),
    ],
    tasks: Annotated[
        list[Path] | None,
        typer.Option(help="A folder that xcrystal fit-tasks filled, to compare with known answers; may be repeated."),
    ] = None,
    model: Model = "mp20",
    target: Annotated[
        str, typer.Option(help="The predicted property that is explained.")
    ] = "formation_energy_per_atom",
    device: Device = "auto",
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many crystals for each part.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the work.")] = os.cpu_count() or 1,
    seed: Seed = 0,
    save: Annotated[
        bool, typer.Option("--save", help="Keep the figures beside the weights, for the explorer.")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Measure this part only, such as speed; may be repeated. --save adds it to what was kept."),
    ] = None,
    as_json: Json = False,
) -> Report:
    """How far explanations can be trusted: known answers, faithfulness, completeness, sanity, invariance, speed."""
    from tqdm.auto import tqdm

    from xcrystal.evaluation.attribution.explanation_report import evaluate_explanations
    from xcrystal.generator import model_folder

    opened = xcrystal.load(model, device)
    with tqdm(desc="explanations", bar_format="{desc}: {elapsed}", leave=False, disable=None) as bar:
        report = evaluate_explanations(
            opened, data, tasks or (), target, limit, seed, workers, bar.set_description, only or ()
        )
    print_report(report, as_json)  # before it is saved, which may not be possible
    if save:
        report.save(model_folder(model))
    return report


@evaluate.command()
def influence(model: Model = "toy", seed: Seed = 0, as_json: Json = False) -> Report:
    """Whether a prediction rests on the crystals near by: leave-one-out retraining on a small model (a minute)."""
    from tqdm.auto import tqdm

    from xcrystal.evaluation.attribution.leave_one_out import STEPS, evaluate_influence
    from xcrystal.training.perovskites import idealized_crystals

    with tqdm(total=STEPS, desc="retraining", unit="step", leave=False, disable=None) as bar:
        report = evaluate_influence(xcrystal.load(model), idealized_crystals(), seed, bar.update)
    return print_report(report, as_json)


@evaluate.command()
def gallery(model: Model = "mp20", device: Device = "auto", effort: Effort = "normal", as_json: Json = False) -> Report:
    """Which classic structure types are reconstructed; many of them were learned from."""
    from xcrystal.evaluation.generative.gallery import evaluate_gallery

    return print_report(evaluate_gallery(xcrystal.load(model, device), effort), as_json)


@evaluate.command()
def classics(model: Model = "mp20", device: Device = "auto", as_json: Json = False) -> Report:
    """Predicted band gaps of classic crystals, with intervals, beside PBE values; many of them were learned from."""
    from xcrystal.evaluation.properties.classic_gaps import evaluate_classics

    return print_report(evaluate_classics(xcrystal.load(model, device)), as_json)


@evaluate.command()
def neighbours(
    rule: Annotated[list[str] | None, typer.Option(help="Only this rule, such as CrystalNN; may be repeated.")] = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> Report:
    """Which rule finds the neighbours of atoms that textbooks give, in the classic structure types."""
    from xcrystal.evaluation.structures.neighbour_rules import evaluate_neighbours

    return print_report(evaluate_neighbours(rule or (), seed=seed), as_json)


@evaluate.command("map")
def map_(
    model: Model = "mp20",
    atlas: Annotated[str | None, typer.Option(help="An atlas, if not the model's own.")] = None,
    device: Device = "auto",
    n: Annotated[int, typer.Option("-n", "--n", min=1, help="How many points of each kind.")] = 200,
    seed: Seed = 0,
    as_json: Json = False,
) -> Report:
    """How far from a point of the map the crystal lies that is decoded for it, also where no crystal is known."""
    from xcrystal.evaluation.latent.map_inverse import evaluate_map
    from xcrystal.latent.atlas import open_atlas

    opened = xcrystal.load(model, device)
    return print_report(evaluate_map(opened, open_atlas(atlas or model), n, seed), as_json)


@evaluate.command()
def splits(
    run: Annotated[list[Path], typer.Option(help="The folder of a run of xcrystal train --split; may be given again.")],
    as_json: Json = False,
) -> Report:
    """What short runs make of crystals whose composition, chemical system or prototype was held out."""
    from xcrystal.training.split_report import read_splits

    return print_report(read_splits(run), as_json)
