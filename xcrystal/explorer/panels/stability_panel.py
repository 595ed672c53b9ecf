"""How stable the crystal is: energies above the hull and whose they are, the phase diagram, signals, and relaxing."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Any, ClassVar

import traitlets

from xcrystal.crystal.symmetry.groups import space_group
from xcrystal.energetics.formation import references
from xcrystal.energetics.hull_points import diagram
from xcrystal.energetics.potentials import POTENTIALS
from xcrystal.evaluation.energies.sample_stability import METASTABLE
from xcrystal.explorer import words
from xcrystal.explorer.drawing.svg_picture import thumbnail
from xcrystal.explorer.panel import Panel, script, style
from xcrystal.explorer.session.state import Point
from xcrystal.explorer.session.tabs.crystal_stability import MOST_ATOMS

if TYPE_CHECKING:
    from xcrystal.assessment.synthesis_signals import Signal, SynthesisSignals
    from xcrystal.energetics.hull import Hull, Phase
    from xcrystal.explorer.session.session import Session
    from xcrystal.explorer.session.tabs.crystal_stability import Relaxed, Standing
    from xcrystal.explorer.worker import Worker

THUMBNAIL = 128  # pixels
TESTED = {  # area under the ROC curve and its 95 % interval: xcrystal evaluate signals --data val.parquet --limit 150
    "hull distance": (0.56, 0.49, 0.62),
    "charge balance": (0.54, 0.49, 0.59),
    "SMACT": (0.52, 0.49, 0.56),
    "likelihood": (0.60, 0.53, 0.67),
    "distance to known crystals": (0.59, 0.52, 0.66),
}
_OF = "150 known crystals that the model has not seen, from 150 that were drawn from its prior"


class StabilityView(Panel):
    """Energies, phases, the phase diagram, signals, and the Relax button with its curves.

    Nothing is computed until the panel is seen. Relaxing runs in a process of its own, and a thread waits for it, so
    that no other act has to.

    Attributes
    ----------
    pictures
        The crystal before and after it was relaxed, SVG; apart from the state, so that they are sent once.
    """

    _esm = script("stability_panel")
    _css = style("stability_panel")
    events: ClassVar[frozenset[str]] = frozenset({"crystal", "shown", "settled", "stability"})
    pictures: traitlets.List[str] = traitlets.List().tag(sync=True)

    def __init__(self, session: Session, worker: Worker) -> None:
        self._awake = False
        self._potential = "chgnet"
        self._pictured: Relaxed | None = None
        self._drawing = threading.RLock()  # the thread that relaxes has steps drawn while others draw
        super().__init__(session, worker)
        self.add_class("xc-stability-panel")

    def describe(self) -> dict[str, Any]:
        """How the crystal stands, and what relaxing made of it."""
        session, service = self.session, self.session.stability
        described: dict[str, Any] = {"awake": self._awake, "standing": None, "relax": None, "idle": session.idle}
        if not self._awake:
            return described
        standing, running = service.standing if session.idle else None, service.running
        structure = service.subject.structure
        return {
            **described,
            "formula": words.formula_of(structure),
            "standing": None if standing is None else self._standing(standing),
            "relax": {
                "obstacle": service.obstacle(self._potential) if session.idle else "",
                "potential": self._potential,
                "potentials": [[name, one.title] for name, one in POTENTIALS.items()],
                "atoms": len(structure),
                "most": MOST_ATOMS,
                "running": None
                if running is None
                else {
                    "formula": running.formula,
                    "potential": POTENTIALS[running.potential].title,
                    "curves": _curves(running.energies, running.forces),
                },
                "result": None if service.last is None else _result(service.last),
                "shown": self._shows(service.last),
            },
        }

    def act(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Relax, stop, show, go to a phase."""
        session, service, action = self.session, self.session.stability, message["act"]
        if action == "awake":
            self._awake = bool(message.get("value"))
            self._ask()
        elif action == "relax":
            threading.Thread(target=self._relax, name="xcrystal-relax", daemon=True).start()
        elif action == "potential" and message.get("value") in POTENTIALS:
            self._potential = message["value"]
            self.refresh()
        elif action == "show":
            service.show_relaxed()
        elif action == "encode":
            service.go_to_relaxed()
        elif action == "pin" and service.go_to_relaxed():
            session.pin()
        elif action == "cif" and service.last is not None and (text := service.cif()):
            self.offer(f"{words.file_stem(service.last.name)}.cif", "chemical/x-cif", text.encode())
        elif action == "phase" and session.points.known(str(message.get("id"))):
            session.select(str(message["id"]))

    def refresh(self) -> None:
        """Draw anew."""
        with self._drawing:
            last = self.session.stability.last
            if last is not self._pictured:
                self._pictured = last
                found = [] if last is None else [last.before, *([last.after] if last.after is not None else [])]
                self.pictures = [thumbnail(structure, THUMBNAIL) for structure in found]
            super().refresh()

    # -- inside

    def _receive(self, _: Any, message: Any, buffers: Any) -> None:
        if isinstance(message, dict) and message.get("act") == "end":
            self.session.stability.stop()  # at once, whatever the worker does
            return
        super()._receive(_, message, buffers)

    def _on_event(self, event: str) -> None:
        if not self._awake:
            return
        super()._on_event(event)
        if event in ("crystal", "shown", "settled"):
            self._ask()

    def _ask(self) -> None:
        """Have the crystal compared, once nobody waits for anything else."""
        if self._awake and self.session.idle and self.session.stability.standing is None:
            self.worker.submit("stability", self._compare)

    def _compare(self) -> None:
        if self._awake and self.session.idle:
            self.session.stability.make()

    def _relax(self) -> None:
        try:
            self.session.stability.relax(self._potential)
        except Exception as error:  # noqa: BLE001  (nobody else would hear of it)
            self.session.report(f"The crystal could not be relaxed ({type(error).__name__}: {error}).")

    def _shows(self, last: Relaxed | None) -> bool:
        """Whether the relaxed crystal is among what is drawn."""
        state = self.session.state
        return last is not None and state.loaded is not None and state.loaded.structure is last.after

    def _standing(self, standing: Standing) -> dict[str, Any]:
        session, last, subject = self.session, self.session.stability.last, self.session.stability.subject
        relaxed = last if last is not None and last.is_of(subject) else None
        known = list(session.stability.opinions.values())
        opinions = known if any(one.is_of(subject) for one in known) else []
        made = standing.hull if relaxed is None or relaxed.hull is None else relaxed.hull
        return {
            "rows": [*_rows(session, standing), *_relaxed_rows(opinions)],
            "trouble": standing.trouble,
            "reaction": "" if made is None else made.reaction,
            "phases": [] if made is None else _phases(made),
            "entries": 0 if made is None else made.entries,
            "diagram": None if made is None else _diagram(made, "predicted" if made is standing.hull else "relaxed"),
            "signals": [] if standing.signals is None else _signals(standing.signals),
            "silence": standing.silence,
        }


def _rows(session: Session, standing: Standing) -> list[dict[str, str]]:
    """Energies above the hull, and whose each is."""
    subject = session.stability.subject
    rows = []
    if standing.hull is not None and standing.energy is not None:
        energy = f"{_signed(standing.energy)} eV/atom"
        rows.append(
            {
                "name": "Hull of the table, energy predicted",
                "value": f"{_signed(standing.hull.e_above_hull)} eV/atom",
                "note": f"the model predicts a formation energy of {energy}; the known crystals have those that ship "
                "(PBE, Materials Project)",
            }
        )
    direct = standing.signals["hull distance"].value if standing.signals is not None else None
    if direct is not None:
        rows.append(
            {
                "name": "Predicted as a property",
                "value": f"{_signed(float(direct))} eV/atom",
                "note": "by the network that learned energies above the hull, without looking at any phase",
            }
        )
    if isinstance(subject, Point) and subject.material_id is not None:
        record = session.atlas.table.iloc[session.atlas.row(subject.material_id)]
        known = {name: float(record.get(name, math.nan)) for name in ("e_above_hull", "formation_energy_per_atom")}
        if math.isfinite(known["e_above_hull"]):
            rows.append(
                {
                    "name": "In the table",
                    "value": f"{_signed(known['e_above_hull'])} eV/atom",
                    "note": f"of the known crystal {subject.material_id}, whose formation energy is "
                    f"{_signed(known['formation_energy_per_atom'])} eV/atom (PBE); the decode may differ from it",
                }
            )
    return rows


def _relaxed_rows(opinions: list[Relaxed]) -> list[dict[str, str]]:
    """What the potentials say of the relaxed crystal, and whether they agree."""
    above: dict[str, float] = {}
    rows = []
    for one in opinions:
        if one.hull is None:
            continue
        known = references(one.relaxation.potential)
        above[one.title] = one.hull.e_above_hull
        rows.append(
            {
                "name": f"Hull of the table, relaxed by {one.title}",
                "value": f"{_signed(one.hull.e_above_hull)} eV/atom",
                "note": f"{one.title}'s energy of the relaxed crystal, with reference energies that are "
                f"{known.mean_error:.3f} eV/atom off in the mean over {known.crystals:,} known crystals; negative is "
                "below the hull",
            }
        )
    return rows if len(above) < 2 else [*rows, _agreement(above)]


def _agreement(above: dict[str, float]) -> dict[str, str]:
    """Whether potentials agree on what lies below 0.1 eV/atom above the hull."""
    low = [title for title, energy in above.items() if energy < METASTABLE]
    agreed = f"agree: both {'below' if low else 'above'} {METASTABLE} eV/atom"
    return {
        "name": "The two potentials",
        "value": f"disagree: {low[0]} alone below {METASTABLE} eV/atom" if len(low) == 1 else agreed,
        "note": f"their energies above the hull are {max(above.values()) - min(above.values()):.3f} eV/atom apart; "
        "both have learned from the same calculations, so that they may also be wrong together",
    }


def _phases(made: Hull) -> list[dict[str, Any]]:
    """What it decomposes into, then what else competes, those of all its elements first."""
    from pymatgen.core import Composition

    into = {(phase.material_id, phase.formula) for phase in made.decomposition}
    others = [phase for phase in made.competing if (phase.material_id, phase.formula) not in into]
    others.sort(key=lambda phase: -len(Composition(phase.formula)))  # those of all elements are nearest in composition
    return [*(_phase(phase) for phase in made.decomposition), *(_phase(phase) for phase in others)]


def _phase(phase: Phase) -> dict[str, Any]:
    return {
        "formula": phase.formula,
        "id": phase.material_id,
        "energy": _signed(phase.formation_energy_per_atom),
        "above": f"{abs(phase.e_above_hull):.3f}",
        "share": words.percent(phase.amount) if 0 < phase.amount < 0.995 else "100 %" if phase.amount else "",
    }


def _diagram(made: Hull, source: str) -> dict[str, Any] | None:
    found = diagram(made)
    if found is None:
        return None
    known = math.isfinite(made.formation_energy_per_atom)
    return {
        "elements": list(found.elements),
        "points": [
            [
                p.formula,
                p.material_id,
                *map(_short, p.place),
                _short(p.formation_energy_per_atom),
                _short(p.e_above_hull),
            ]
            for p in found.points
        ],
        "edges": [list(edge) for edge in found.edges],
        "own": {
            "formula": made.formula,
            "source": source,
            "place": [*map(_short, found.own)],
            "energy": _short(made.formation_energy_per_atom) if known else None,
            "above": _short(made.e_above_hull) if known else None,
        },
    }


def _signals(found: SynthesisSignals) -> list[dict[str, str]]:
    return [
        {
            "name": signal.name,
            "value": _value(signal),
            "figures": f"{signal.meaning[:1].upper()}{signal.meaning[1:]}. {_tested(signal.name)}",
        }
        for signal in found.signals
    ]


def _tested(name: str) -> str:
    if name not in TESTED:
        return "Not tested on anything."
    area, low, high = TESTED[name]
    return (
        f"Never tested on syntheses. Tells {_OF}, with an area under the ROC curve of {area:.2f} ({low:.2f} to "
        f"{high:.2f}); 0.5 is chance."
    )


def _value(signal: Signal) -> str:
    if signal.value is None:
        return "not known"
    if isinstance(signal.value, bool):
        return "yes" if signal.value else "no"
    return f"{_signed(float(signal.value))} {signal.unit}".rstrip() if signal.unit != "share" else f"{signal.value:.2f}"


def _curves(energies: list[float], forces: list[float]) -> dict[str, list[float]]:
    return {"energies": [round(x, 6) for x in energies], "forces": [round(x, 5) for x in forces]}


def _result(last: Relaxed) -> dict[str, Any]:
    found = last.relaxation
    curves = _curves(found.energies.tolist(), found.forces.tolist())
    result = {
        "name": last.name,
        "error": found.error,
        "curves": curves,
        "rows": [],
        "said": "",
        "trouble": last.trouble,
    }
    if last.after is None:
        return result
    volumes = [structure.volume / len(structure) for structure in (last.before, last.after)]
    energies = [found.formation_energy_at(step) for step in (0, -1)]
    hulls = [None if made is None else made.e_above_hull for made in (last.hull_before, last.hull)]
    what = "the decode" if isinstance(last.subject, Point) else "the loaded crystal"
    match = (
        f"still matches {what}, RMS {found.rms:.3f} of (V / N)^(1/3)"
        if found.rms is not None
        else f"no longer matches {what}"
    )
    ended = (
        f"relaxed in {found.steps} steps" if found.converged else f"not relaxed to the end after {found.steps} steps"
    )
    known = references(found.potential)
    missing = sorted({site.specie.symbol for site in last.after} - known.elements.keys())
    trouble = f"{last.title} has no reference energy of {', '.join(missing)}, so there is no formation energy."
    return {
        **result,
        "said": f"{words.formula_of(last.after)}: {ended}; {match}.",
        "trouble": trouble if missing else last.trouble,
        "rows": [
            ["Space group", "", *(_group(number) for number in (found.space_group_before, found.space_group))],
            ["Volume an atom", "Å³", *(f"{volume:.2f}" for volume in volumes)],
            [f"Energy ({last.title})", "eV/atom", *(f"{found.energies[k]:.4f}".replace("-", "−") for k in (0, -1))],
            ["Largest force", "eV/Å", *(f"{found.forces[k]:.3f}" for k in (0, -1))],
            ["Formation energy", "eV/atom", *(_signed(energy) for energy in energies)],
            ["Above the hull", "eV/atom", *(_signed(above) for above in hulls)],
        ],
        "figures": f"{last.title}'s energies become formation energies by reference energies of the elements, "
        f"{known.mean_error:.3f} eV/atom off in the mean ({known.median_error:.3f} in the median) over "
        f"{known.crystals:,} known crystals; expect more of crystals that nobody has computed. Forces keep the "
        "symmetry that a crystal begins with, so it may still be a saddle point.",
    }


def _group(number: int) -> str:
    return f"{words.space_group_text(space_group(number).symbol)} ({number})" if number else "not found"


def _signed(value: float | None) -> str:
    """Three digits with a real minus; a dash for what is not known."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{round(value, 3) + 0.0:.3f}".replace("-", "−")


def _short(value: float) -> float:
    return round(value, 4) + 0.0
