"""What is known of the current crystal: verdicts, numbers, how sure the decoder was, and neighbours to go to."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, ClassVar

from xcrystal.assessment.crystal_report import prepare
from xcrystal.crystal.geometry.matching import STOL
from xcrystal.errors import TargetError
from xcrystal.explorer import words
from xcrystal.explorer.panel import Panel, script, style
from xcrystal.explorer.panels.badges import badges, own_code, warning
from xcrystal.explorer.panels.glossary import terms
from xcrystal.explorer.words import Parts

if TYPE_CHECKING:
    from xcrystal.explorer.session.session import Session
    from xcrystal.explorer.worker import Worker

THUMBNAIL = 56  # pixels
JUDGES_AFTER = 0.08  # seconds; until then the processor draws the crystal, or serves what is asked for next
MOST_KNOWN = 8  # numbers of the atlas that the model does not predict
_TERMS = {
    "Formula": "decode",
    "Space group": "space group",
    "Formation energy, predicted": "formation energy",
    "Band gap, predicted": "band gap",
    "Energy above hull, predicted": "energy above hull",
    "Reconstruction": "reconstruction",
    "Entry": "atlas",
}
_HEADINGS = {
    "contacts": "valid",
    "charges": "charge balance",
    "novelty": "novelty",
    "nearness to data": "extrapolation",
    "certainty": "certainty",
    "neighbours": "nearest known crystals",
}
IN_TRAIN = "experimentally known, by its source"
BEYOND = "in the database; it may be hypothetical"
Row = tuple[str, Parts]


class FactsView(Panel):
    """Badges, a table, the decoder's runners-up, and the nearest known crystals, drawn."""

    _esm = script("facts_panel")
    _css = style("facts_panel")
    events: ClassVar[frozenset[str]] = frozenset({"crystal", "shown", "judged", "settled", "mode"})

    def __init__(self, session: Session, worker: Worker) -> None:
        super().__init__(session, worker)
        self.add_class("xc-report")
        session.assessment.schedule = self._judge_soon

    def describe(self) -> dict[str, Any]:
        """All that the script draws, as JSON; what comes from outside is in it as it is."""
        session = self.session
        beginner = session.controls.mode == "beginner"
        drawn = session.display.loaded_alone
        loaded = drawn is not None
        # what is said of decodes would be misread as said of a loaded crystal
        report = None if loaded else session.assessment.report
        rows = fact_rows(session, brief=beginner)
        return {
            "beginner": beginner,
            "terms": terms(*_TERMS.values(), *_HEADINGS.values()) if beginner else {},
            "headings": _HEADINGS,
            "warning": warning(report),
            "badges": [] if loaded else badges(report),
            "rows": [{"name": name, "term": _TERMS.get(name, ""), "parts": parts} for name, parts in rows],
            "certainty": None if loaded else _certainty(session),
            "neighbours": [
                {"row": n.row, "formula": n.formula, "id": n.material_id, "distance": f"{n.distance:.2f}"}
                for n in (session.state.point.neighbours if drawn is None or not drawn.reason else ())
            ],
            "idle": session.idle,
        }

    def act(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Go to a neighbour, look at a runner-up, judge, draw thumbnails."""
        session, action = self.session, message["act"]
        if action == "neighbour":
            with contextlib.suppress(TypeError, ValueError):
                session.select(int(message["row"]))
        elif action == "alternative":
            try:
                session.assessment.show_alternative(
                    message.get("kind", ""), message.get("value", ""), message.get("orbit")
                )
            except TargetError as error:  # a click on what was offered for another crystal
                session.report(str(error))
        elif action == "judge":
            # what is loaded for the first report must not keep other acts waiting
            threading.Thread(target=self._judge_first, name="xcrystal-judge", daemon=True).start()
        elif action == "thumbnails":
            rows = message.get("rows")
            self._draw(rows if isinstance(rows, list) else [])

    def _judge_first(self) -> None:
        prepare(self.session.atlas)
        self.worker.submit("judge", self._judge)

    def _judge_soon(self) -> None:
        self.worker.submit("judge", self._judge, after=JUDGES_AFTER)

    def _judge(self) -> None:
        self.session.assessment.make()

    def _draw(self, rows: list[Any]) -> None:
        """Thumbnails of neighbours; of those only, so that a message cannot ask for thousands."""
        from xcrystal.explorer.drawing.svg_picture import thumbnail

        wanted = [n.row for n in self.session.state.point.neighbours if n.row in rows]
        pictures = {
            str(row): thumbnail(self.session.assessment.known_crystals.decode(row), THUMBNAIL) for row in wanted
        }
        if pictures:
            self.send({"type": "thumbnails", "pictures": pictures})


_BRIEF = ("formation_energy_per_atom", "band_gap")  # what a beginner sees
_SAME = {"formation_energy_per_atom": 0.05, "band_gap": 0.2, "e_above_hull": 0.02}  # differences not worth a word
_SIDES = {"band_gap": ("metal", "insulator"), "e_above_hull": ("on the hull", "above it")}


def fact_rows(session: Session, *, brief: bool = False) -> list[Row]:
    """Names and values of what is shown; ``brief`` leaves out what a beginner can do without."""
    structure = session.display.structure
    lattice, count = structure.lattice, len(structure)
    group = session.display.space_group
    rows: list[Row] = [
        (
            "Formula",
            [
                *words.formula_parts(words.formula_of(structure), "b"),
                ("", f", {count} {'atom' if count == 1 else 'atoms'}"),
            ],
        ),
        ("Space group", [*words.space_group_parts(group[1]), ("", f" ({group[0]})")] if group else [("", "not found")]),
    ]
    if not brief:
        rows += [
            ("a, b, c", [("", f"{lattice.a:.3f}, {lattice.b:.3f}, {lattice.c:.3f} Å")]),
            ("α, β, γ", [("", f"{lattice.alpha:.2f}, {lattice.beta:.2f}, {lattice.gamma:.2f}°")]),
            ("Volume", [("", f"{lattice.volume:.2f} Å³, {lattice.volume / count:.2f} an atom")]),
        ]
    chosen = str(structure.properties.get("chosen", ""))
    if chosen in words.CHOSEN and not brief:
        rows.append(("Decoded", [("", words.CHOSEN[chosen])]))
    rows += _entry(session)
    rows += _predicted(session, brief)
    if session.state.loaded is not None and (
        session.display.loaded_alone is not None or session.z is session.state.loaded.z
    ):
        rows.append(("Reconstruction", _match(session)))
    report = session.assessment.report
    if report is not None and session.display.loaded_alone is None and not brief:
        rows.append(("Own latent vector", [("", own_code(report))]))
    return rows


def facts_text(session: Session) -> dict[str, str]:
    """The rows as plain text."""
    return {name: "".join(text for _, text in parts) for name, parts in fact_rows(session)}


def _predicted(session: Session, brief: bool) -> list[Row]:
    """Predictions for what is shown, each with its interval and with what the atlas knows."""
    intervals, nonzero, known = session.state.point.intervals, session.state.point.nonzero, dict[str, float]()
    predicted = session.predicted
    if session.display.loaded_alone is not None:
        predicted = session.display.loaded_alone.predicted or {}
        if session.display.loaded_alone.z is not session.z:
            intervals, nonzero = {}, {}
    elif session.state.point.material_id is not None:
        record = session.atlas.table.iloc[session.atlas.row(session.state.point.material_id)]
        known = {n: float(record[n]) for n in predicted if n in record and record[n] == record[n]}
    judged = session.assessment.report is not None and session.display.loaded_alone is None
    own = session.points.achieved(session.state.point) if judged else {}
    rows: list[Row] = []
    usual = [name for name in _BRIEF if name in predicted] or list(predicted)[: len(_BRIEF)]
    for name, value in predicted.items():
        if brief and name not in usual:
            continue
        parts: Parts = [("", f"{value:.3f} {words.unit(name)}")]
        expected = True
        if name in intervals:
            low, high = intervals[name]
            parts.append(("small", f" (90 %: {low:.2f} to {high:.2f}{_zero(name, nonzero)})"))
            expected = low <= own.get(name, value) <= high
        if name in own and abs(own[name] - value) > _SAME.get(name, 0.05):
            # the decoder does not follow every move: the vector may promise what the crystal does not keep
            parts.append(("small" if expected else "no", f" but {own[name]:.3f} for this crystal, encoded again"))
        if name in known:
            parts.append(("small", f" (DFT {known[name]:.3f})"))
        rows.append((f"{words.title(name)}, predicted", parts))
    return [*rows, *_own(session)]


def _zero(name: str, nonzero: dict[str, float]) -> str:
    """The more probable of zero and not zero, where that is a question."""
    if name not in nonzero or name not in _SIDES:
        return ""
    probability, (zero, other) = nonzero[name], _SIDES[name]
    said = (other, probability) if probability > 0.5 else (zero, 1 - probability)
    return f"; {said[0]} {words.percent(said[1])}"


def _own(session: Session) -> list[Row]:
    """What the atlas knows of the crystal that is shown and the model does not predict."""
    if session.state.point.material_id is None or session.display.loaded_alone is not None:
        return []
    record = session.atlas.table.iloc[session.atlas.row(session.state.point.material_id)]
    predicted = session.predicted
    names = [name for name in session.atlas.properties if name not in predicted and record[name] == record[name]]
    return [
        (f"{words.title(name)}, known", [("", f"{float(record[name]):.4g} {words.unit(name)}".rstrip())])
        for name in names[:MOST_KNOWN]
    ]


def _entry(session: Session) -> list[Row]:
    """Which part of the data the known crystal that is shown is from, and what is doubtful about it."""
    if session.state.point.material_id is None or session.display.loaded_alone is not None:
        return []
    atlas = session.atlas
    row = atlas.row(session.state.point.material_id)
    parts: Parts = []
    if not atlas.in_train.all():
        parts.append(("", IN_TRAIN if atlas.in_train[row] else BEYOND))
    if flag := atlas.flag(row):
        parts.append(("no", f"{'; ' if parts else ''}{flag}"))
    return [("Entry", parts)] if parts else []


def _match(session: Session) -> Parts:
    loaded = session.state.loaded
    assert loaded is not None
    if loaded.reason:
        return [("", f"none: {loaded.name} cannot be encoded")]
    of = f"of the mirror image of {loaded.name}" if loaded.mirrored else f"of {loaded.name}"
    if loaded.rms is None:
        return [("", f"{of}: "), ("no", "no match"), ("", f" within {STOL} (V/N)"), ("sup", "1/3")]
    return [("", f"{of}: "), ("yes", "match"), ("", f", RMS {loaded.rms:.4f} (V/N)"), ("sup", "1/3")]


def _certainty(session: Session) -> dict[str, Any] | None:
    """How sure the decoder was, and what it nearly gave."""
    structure = session.structure
    sites = structure.site_properties
    group = structure.properties.get("space_group_probability")
    if group is None or "element_probability" not in sites:
        return None
    least = min(range(len(structure)), key=lambda k: sites["element_probability"][k])
    return {
        "summary": f"space group {words.percent(group)}, least sure element "
        f"{structure[least].specie.symbol} on {sites['wyckoff'][least]}: "
        f"{words.percent(sites['element_probability'][least])}",
        "alternatives": [
            {
                "kind": found.kind,
                "value": found.value,
                "orbit": found.orbit,
                "parts": words.space_group_parts(found.words) if found.kind == "group" else [("", found.words)],
                "p": words.percent(found.probability),
            }
            for found in session.assessment.alternatives()
        ],
    }
