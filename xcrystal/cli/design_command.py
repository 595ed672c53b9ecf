"""The command ``xcrystal design``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import xcrystal
from xcrystal.cli.shared import Device, Json, Model, Seed, print_json, print_table
from xcrystal.errors import TargetError, check_one_of


def design(
    band_gap: Annotated[
        tuple[str, str] | None, typer.Option(help="Lowest and highest, eV; - for an open end.", metavar="LOW HIGH")
    ] = None,
    formation_energy: Annotated[
        tuple[str, str] | None, typer.Option(help="Lowest and highest, eV/atom; - for an open end.", metavar="LOW HIGH")
    ] = None,
    hull: Annotated[
        tuple[str, str] | None,
        typer.Option(help="Energy above the hull, lowest and highest, eV/atom; - for an open end.", metavar="LOW HIGH"),
    ] = None,
    require: Annotated[list[str] | None, typer.Option(help='Elements that must be there: "O" or "Ti O".')] = None,
    exclude: Annotated[list[str] | None, typer.Option(help='Elements that must not: "Pb Cd".')] = None,
    only: Annotated[list[str] | None, typer.Option(help="Elements beside which there is no other.")] = None,
    space_group: Annotated[str | None, typer.Option(help="Number or symbol.")] = None,
    crystal_system: Annotated[str | None, typer.Option(help="cubic, hexagonal, ...")] = None,
    prototype: Annotated[str | None, typer.Option(help="Structure type or motif: spinel, perovskite, ...")] = None,
    atoms: Annotated[
        tuple[str, str] | None,
        typer.Option(help="Fewest and most atoms of the primitive cell; - for an open end.", metavar="LOW HIGH"),
    ] = None,
    near: Annotated[str | None, typer.Option(help="Look near to a crystal file or a material id.")] = None,
    n: Annotated[int, typer.Option("-n", min=1, help="How many candidates.")] = 20,
    draws: Annotated[int, typer.Option(min=1, help="The most latent vectors that are drawn.")] = 1024,
    source: Annotated[
        list[str] | None, typer.Option(help="Where crystals come from: prior, exchange; both if none is given.")
    ] = None,
    potential: Annotated[
        str, typer.Option(help="Show the best to an interatomic potential, which rejects what is far above the hull.")
    ] = "",
    sort: Annotated[
        str,
        typer.Option(
            help="score, or a column of the table: the lowest first; of probability, in_range, novel and valid the "
            "highest."
        ),
    ] = "score",
    seed: Seed = 0,
    model: Model = "mp20",
    device: Device = "auto",
    out: Annotated[Path | None, typer.Option(help="Write a table and CIF files into this folder.")] = None,
    as_json: Json = False,
) -> None:
    """Design crystals with wanted properties, elements and symmetry.

    Properties are predictions of the model. Candidates are not relaxed, and nothing says that they can be made.
    """
    from tqdm.auto import tqdm

    from xcrystal.crystal.collections.tables import PROPERTIES
    from xcrystal.energetics.potentials import POTENTIALS
    from xcrystal.inverse_design.candidates import ORDERS, value_words
    from xcrystal.inverse_design.designing import SOURCES
    from xcrystal.inverse_design.designing import design as find

    check_one_of(sort, ORDERS, "order")
    opened = xcrystal.load(model, device)
    if sort in PROPERTIES and sort not in opened.properties:
        raise TargetError(f"The model {opened.name!r} does not predict {sort}, so candidates have no such order.")
    with tqdm(total=100, desc="designing", unit="%", disable=None, leave=False) as bar:

        def progress(share: float, words: str) -> bool:
            bar.set_postfix_str(words)
            bar.update(100 * share - bar.n)
            return True

        found = find(
            opened,
            band_gap=_range(band_gap),
            formation_energy_per_atom=_range(formation_energy),
            e_above_hull=_range(hull),
            elements={"require": _symbols(require), "exclude": _symbols(exclude), "only": _symbols(only)},
            space_group=space_group,
            crystal_system=crystal_system,
            prototype=prototype,
            n_atoms=_range(atoms),
            near=near,
            n=n,
            seed=seed,
            draws=draws,
            sources=source or SOURCES,
            potential=potential,
            progress=progress,
        ).sorted_by(sort)
    if out is not None:
        found.save(out)
    for note in found.notes:
        typer.echo(note, err=True)
    if as_json:
        print_json({"targets": found.targets.words, "known": found.known, "candidates": found.table.to_dict("records")})
        return
    typer.echo(f"{found.targets.words}: {found.known} known crystals fit; {len(found)} candidates", err=True)
    if len(found):
        names = list(found.candidates[0].predicted)
        potentials = [f"{POTENTIALS[potential].title}, above hull"] if potential else []
        head = [
            "",
            "formula",
            "group",
            *names,
            "in range",
            "probability",
            *potentials,
            "nearest known",
            "novel",
            "valid",
        ]
        rows = [
            [
                k + 1,
                one.formula,
                one.group,
                *(value_words(one.predicted[name], one.intervals.get(name)) for name in names),
                "yes" if found.in_range(one) else "no",
                f"{one.probability:.0%}",
                *([f"{one.above_hull:.2f}"] if potential else []),
                f"{one.nearest_formula} ({one.nearest})",
                "yes" if one.novel else one.match,
                "yes" if one.valid else "no",
            ]
            for k, one in enumerate(found.candidates)
        ]
        print_table([head, *rows])


def _range(ends: tuple[str, str] | None) -> Any:
    if ends is None:
        return None
    try:
        low, high = (None if end == "-" else float(end) for end in ends)
    except ValueError:
        raise TargetError(f"A range is two numbers, or - for an open end, not {' '.join(ends)[:40]!r}.") from None
    return low, high


def _symbols(given: list[str] | None) -> list[str]:
    return [symbol for words in given or () for symbol in words.replace(",", " ").split()]
