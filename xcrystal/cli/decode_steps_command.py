"""The command ``xcrystal decode-steps``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import xcrystal
from xcrystal.cli.shared import Device, Json, Model, print_json, print_table
from xcrystal.errors import ReadError, TargetError
from xcrystal.reporting import fixed


def decode_steps(
    crystal: Annotated[
        str, typer.Argument(help="A material id of the atlas, or a crystal file: CIF, POSCAR, ...", show_default=False)
    ],
    overrule: Annotated[
        list[str] | None,
        typer.Option(help="Force a choice: 'space group=225', 'element of orbit 1=Ca'; may be repeated."),
    ] = None,
    why: Annotated[
        str | None, typer.Option(help="Also share out the log-odds of this step's choice, such as 'space group'.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write what was decoded to this CIF file.")] = None,
    model: Model = "mp20",
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Decode a crystal's latent vector greedily, and print each choice, its probability and what else was likely.

    The crystal is not relaxed.
    """
    from xcrystal.crystal.formats.cif import cif_text, model_output
    from xcrystal.model.checkpoint import write_text

    opened = xcrystal.load(model, device)
    pairs = [_pair(text) for text in overrule or []]
    found = xcrystal.decode_steps(opened, _source(crystal, model), pairs)
    if len(found.overruled) < len(pairs):  # a choice is decided anew when an earlier one is overruled after it
        raise TargetError("Name each step once, and in the order of the decode: a choice decides anew what follows it.")
    shares = None if why is None else xcrystal.explain_choice(found, why)
    if out is not None:
        write_text(cif_text(found.structure, f"{crystal}: decoded, not relaxed; {model_output(opened.name)}"), out)
    if as_json:
        print_json(found.to_dict() | ({} if shares is None else {"why": shares.to_dict()}))
        return
    head = ("step", "taken", "probability", "log-likelihood", "else")
    print_table([head, *found.rows()])
    typer.echo(f"{found.formula}, {fixed(found.log_likelihood, 2)} nats; not relaxed.")
    if shares is not None:
        typer.echo(shares.said)
        print_table(
            [
                ("direction", "share (nats)"),
                *((name, fixed(score, 3, plus=True)) for name, score in shares.table.values.tolist()),
            ]
        )


def _pair(text: str) -> tuple[str, str]:
    step, equals, choice = text.partition("=")
    if not equals:
        raise TargetError(f"A choice is overruled as 'element of orbit 1=Ca', not {text[:60]!r}.")
    return step.strip(), choice.strip()


def _source(crystal: str, model: str) -> object:
    """The latent vector of a crystal of the atlas, or the path of a file."""
    if Path(crystal).is_file():
        return crystal
    try:
        atlas = xcrystal.atlas(model)
        return atlas.z[atlas.row(crystal)]
    except xcrystal.XCrystalError as error:
        raise ReadError(f"There is no file {crystal[:80]!r}, and no crystal of this id in the atlas.") from error
