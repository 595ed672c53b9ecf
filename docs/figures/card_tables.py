"""The tables of the model card, in Markdown, from the figures of the reports that ``model_report.py`` keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from xcrystal.crystal.collections.tables import UNITS
from xcrystal.evaluation.generative.reconstruction import ORBIT_RANGES

Figures = Mapping[str, Any]  # of each report, by its name
_PROPERTIES = {
    "formation_energy_per_atom": "formation energy",
    "band_gap": "band gap",
    "e_above_hull": "energy above hull",
}
# aims of this version: match rates of up to 20 atoms by the fewest orbits of a range, with effort normal
_ORBIT_AIMS = {5: 0.93, 7: 0.85, 10: 0.70, 15: 0.50}
# of the version before, on all 1,000 crystals of a `val` that had chosen and calibrated it
_FORMER = {"match": 0.885, "rms": 0.0129, "volume": 0.001, "smact": 0.833, "others": 0.887, "energy": 0.901}
_METHODS = {"integrated_gradients": "integrated gradients", "shapley": "Shapley values", "random": "random scores"}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows as a table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def share(value: float | None, interval: Sequence[float] | None = None, digits: int = 1) -> str:
    """A share in percent, its interval in brackets."""
    if value is None:
        return ""
    ends = "" if interval is None else f" ({interval[0]:.{digits}%} to {interval[1]:.{digits}%})"
    return f"{value:z.{digits}%}{ends}"


def reconstruction(figures: Figures) -> str:
    """What comes back, by crystals and effort."""
    rows: list[tuple[str, ...]] = []
    for name, crystals in (("reconstruction", "up to 20 atoms"), ("large", "21 to 64 atoms")):
        for effort in ("fast", "normal", "thorough"):
            found = figures.get(name if effort == "normal" else f"{name}-{effort}")
            if found is not None:
                rows.append(
                    (
                        f"{crystals} ({found['crystals']})",
                        effort,
                        share(found["match_rate"], found["match_interval"]),
                        f"{found['mean_rms']:.4f}",
                        share(found["volume_error_median"]),
                        share(found["composition_rate"]),
                        share(found["space_group_rate"]),
                    )
                )
    if not rows:
        raise KeyError("reconstruction")
    head = ("crystals", "effort", "match (95 % interval)", "RMS", "volume error, median", "composition", "space group")
    return table(head, rows)


def orbits(figures: Figures) -> str:
    """What comes back, by the number of orbits, with effort normal."""
    sets = [{o["fewest"]: o for o in figures[name]["orbits"]} for name in ("reconstruction", "large")]
    rows: list[tuple[str, ...]] = []
    for fewest, most in ORBIT_RANGES:
        cells = [f"{o['match_rate']:.0%} of {o['crystals']}" if o else "" for o in (s.get(fewest) for s in sets)]
        if any(cells):
            aim = _ORBIT_AIMS.get(fewest)
            rows.append((f"{fewest} to {most}", cells[0], "" if aim is None else f"{aim:.0%}", cells[1]))
    return table(("orbits", "up to 20 atoms", "aim", "21 to 64 atoms"), rows)


def distances(figures: Figures) -> str:
    """How far off the own latent vectors of right and wrong reconstructions lie."""
    rows: list[tuple[str, ...]] = []
    for name, crystals in (("reconstruction", "up to 20 atoms"), ("large", "21 to 64 atoms")):
        found = figures[name].get("own_distances")
        if found is None:
            continue
        cells = [f"{q[1]:.3f} ({q[0]:.3f} to {q[2]:.3f})" for q in (found["right"], found["wrong"])]
        beyond = f"{share(found['caught'], digits=0)} beyond {found['threshold']:.3f}"
        rows.append((crystals, *cells, f"{found['auroc']:.3f}", beyond))
    head = ("distance, median (quartiles)", "right", "wrong", "AUROC", "wrong ones caught if 10 % of the right are")
    return table(head, rows)


def splits(figures: Figures) -> str:
    """What short runs make of what was held out, by what that was."""
    held = {"prototype": "prototypes", "chemical_system": "chemical systems", "composition": "formulas"}
    rows = []
    for run in figures["splits"]["runs"]:
        out = next(words for kind, words in held.items() if run["known"][kind] == 0)
        known = (f"{share(run['known'][kind], digits=0)}" for kind in ("chemical_system", "prototype"))
        rows.append(
            (
                f"{out} ({run['crystals']})",
                share(run["match_rate"], run["match_interval"]),
                f"{run['mean_rms']:.3f}",
                f"{run['mae']['formation_energy_per_atom']:.3f}",
                *known,
            )
        )
    head = ("held out", "match (95 % interval)", "RMS", "MAE of formation energy (eV/atom)",
            "of a known chemical system", "of a known prototype")  # fmt: skip
    return table(head, rows)


def worse(figures: Figures) -> str:
    """What got worse against the version before."""
    found, energy = figures["reconstruction"], figures["properties"]["properties"]["formation_energy_per_atom"]
    gap = figures["properties"]["properties"]["band_gap"]
    now = {
        "match": found["match_rate"],
        "rms": found["mean_rms"],
        "volume": found["volume_error_median"],
        "smact": figures["generation"]["samples"]["shares"]["smact"]["share"],
        "others": gap["coverage_others"]["inside"],
        "energy": energy["coverage"]["inside"],
    }
    words = {
        "rms": ("RMS of matches", "{:.4f}", 1),
        "volume": ("median volume error", "{:.1%}", 1),
        "smact": ("samples whose charges can balance", "{:.1%}", -1),
        "energy": ("energies in their intervals", "{:.1%}", -1),
        "others": ("gaps that are not zero in theirs", "{:.1%}", -1),
    }
    parts = [
        f"{name} {form} -> {form}".format(_FORMER[key], now[key])
        for key, (name, form, sign) in words.items()
        if sign * (now[key] - _FORMER[key]) > 0
    ]
    return f"match rate {_FORMER['match']:.1%} -> {now['match']:.1%}, but worse: {', '.join(parts) or 'nothing'}."


def glance(figures: Figures) -> str:
    """Three figures that speak for the model, and three that speak against it."""
    small, large = ([o for o in figures[name]["orbits"] if o] for name in ("reconstruction", "large"))

    def matched(found: Sequence[Mapping[str, Any]]) -> str:
        number = sum(o["crystals"] for o in found)
        return f"{share(sum(o['match_rate'] * o['crystals'] for o in found) / number, digits=0)} of {number}"

    energy = figures["properties"]["properties"]["formation_energy_per_atom"]
    diamond = next(c for c in figures["classics"]["classics"] if c["kind"] == "diamond" and c["formula"] == "C")
    few, some, many = (
        matched([o for o in small if fewest <= o["fewest"] and o["most"] <= most])
        for fewest, most in ((0, 4), (5, 6), (7, 10**6))
    )
    forest = figures["properties"]["comparisons"]["random_forest"]["formation_energy_per_atom"]
    constant = min(energy["mae_of_mean"], energy["mae_of_median"], energy["mae_of_zero"])
    lines = (
        ("good", f"Unseen crystals (formulas not learned) of up to 20 atoms: {matched(small)} are reconstructed, {few} "
         "with up to 4 orbits."),
        ("good", f"Their formation energies are off by {energy['mae']:.3f} eV/atom on average; a random forest that "
         f"knows the composition alone is off by {forest:.3f}, the best constant by {constant:.2f}."),
        ("good", f"One move of a slider takes {figures['benchmark']['move_ms']:.0f} ms on "
         f"{figures['benchmark']['threads']} CPU threads, decoding included."),
        ("bad", f"More orbits (symmetry-distinct sites): {some} with 5 to 6, {many} with 7 and more; of 21 to 64 atoms "
         f"{matched(large)}."),
        ("bad", f"Of {figures['generation']['samples']['crystals']} samples "
         f"{share(1 - figures['generation']['samples']['shares']['valid']['share'], digits=0)} are not valid: atoms "
         "overlap, or charges cannot balance."),
        ("bad", f"Diamond, which it has learned from: gap {diamond['value']:.1f} eV, with a 90 % interval of "
         f"{diamond['low']:.1f} to {diamond['high']:.1f} eV; PBE gives {diamond['pbe']:.1f} eV."),
    )  # fmt: skip
    return "\n".join(f"- **{verdict}**: {line}" for verdict, line in lines)


def properties(figures: Figures) -> str:
    """Errors, beside those of other predictors."""
    found = figures["properties"]
    names = {"nearest_neighbours": "nearest neighbours", "random_forest": "forest of compositions",
             "without_bottleneck": "without bottleneck"}  # fmt: skip
    others = {name: title for name, title in names.items() if name in found["comparisons"]}
    rows: list[tuple[str, ...]] = []
    for name, score in found["properties"].items():
        best = min(score["mae_of_mean"], score["mae_of_median"], score["mae_of_zero"])
        aim = {"formation_energy_per_atom": 0.06, "band_gap": 0.40 * best, "e_above_hull": 0.78 * best}[name]
        rows.append(
            (
                f"{_PROPERTIES[name]} ({UNITS[name]}, {score['crystals']})",
                f"**{score['mae']:.3f}**",
                f"{aim:.3f}",
                f"{best:.3f}",
                *(f"{found['comparisons'][other][name]:.3f}" for other in others),
                "" if score["auroc"] is None else f"{score['auroc']:.3f}",
            )
        )
    return table(("MAE of", "model", "aim", "best constant", *others.values(), "AUROC"), rows)


def intervals(figures: Figures) -> str:
    """What 90 % intervals hold, of zero and of other values apart."""

    def cell(found: Any, unit: str) -> str:
        if found is None:
            return ""
        return f"{share(found['inside'])} of {found['crystals']}, {found['width']:.2f} {unit}"

    rows = [
        (_PROPERTIES[name], *(cell(score[part], UNITS[name]) for part in
                              ("coverage_zero", "coverage_others", "coverage")))
        for name, score in figures["properties"]["properties"].items()
    ]  # fmt: skip
    return table(("90 % intervals: true values inside, median width", "zero", "others", "all"), rows)


def samples(figures: Figures) -> str:
    """Samples beside real crystals."""
    names = {
        "no_overlap": "no contact below 0.7 of the covalent radii",
        "smact": "charges can balance (SMACT)",
        "smact_without_alloys": "the same, alloys not counted",
        "valid": "valid: both, and no pair below 0.5 Å",
        "unique": "unique",
        "novel": "novel",
        "unique_novel_valid": "unique, novel and valid",
        "metals_only": "metals only",
        "p1": "space group P1",
    }
    normal, fast = figures["generation"], figures.get("generation-fast")

    def aim(name: str) -> str:
        least = {"no_overlap": 0.95, "smact": 0.88, "unique": 0.97, "novel": 0.60}.get(name)
        if least is not None:
            return f"{least:.0%}"
        return "within 5 points of `val`" if name in ("smact_without_alloys", "metals_only") else ""

    def of(found: Any, name: str) -> str:
        value = None if found is None else found["shares"].get(name)
        return "" if value is None else share(value["share"])

    rows: list[tuple[str, ...]] = [
        (words, of(normal["samples"], name), of(fast and fast["samples"], name), of(normal["reference"], name),
         aim(name))
        for name, words in names.items()
    ]  # fmt: skip
    for name, words in (
        ("density", "density, Wasserstein distance (g/cm3)"),
        ("space_group", "space groups, total variation"),
    ):
        cells = [found and found["distances"] and f"{found['distances'][name]:.2f}" for found in (normal, fast)]
        floor = normal["floor_of_draws"]
        real = f"{floor[name]:.2f} (training crystals)" if floor else ""
        rows.append((words, *(cell or "" for cell in cells), real, "0.2" if name == "density" else ""))
    number = normal["samples"]["crystals"]
    return table((f"{number} samples", "effort normal", "effort fast", "`val`", "aim"), rows)


def stability(figures: Figures) -> str:
    """Samples that are stable once they are relaxed."""
    found = figures["stability"]
    words = {
        "same_structure": "relaxed to what was generated",
        "stable": "stable: at most 0 eV/atom above the hull",
        "metastable": "metastable: below 0.1 eV/atom",
        "sun": "stable, unique and novel",
        "metastable_sun": "metastable, unique and novel",
    }
    shares = {name: found["shares"][name] for name in words}
    return table(
        [f"{found['crystals']} samples, relaxed by CHGNet", "share (95 % interval)"],
        [[words[name], share(s["share"], s["interval"])] for name, s in shares.items()],
    )


def paths(figures: Figures) -> str:
    """What lies between crystals."""
    kinds, fast = figures["interpolation"]["kinds"], figures["interpolation-fast"]["kinds"]
    rows = [
        ("no contact below 0.7, inner frames (aim 95%)",
         *(share(k["overlap_free_inner"], k["overlap_free_inner_interval"]) for k in kinds.values())),
        ("the same, effort fast (aim 85%)",
         *(share(fast[name]["overlap_free_inner"], fast[name]["overlap_free_inner_interval"]) for name in kinds)),
        ("crystals on a path of 16 frames, mean", *(f"{k['crystals_crossed']:.1f}" for k in kinds.values())),
        ("steps that change the composition", *(share(k["composition_changes"]) for k in kinds.values())),
        ("energy jump of decoded crystals, median (eV/atom)",
         *(f"{k['energy_jump_again'][1]:.3f}" for k in kinds.values())),
        ("detour of decoded crystals, median", *(f"{k['detour'][1]:.2f}" for k in kinds.values())),
        ("the same, effort fast", *(f"{fast[name]['detour'][1]:.2f}" for name in kinds)),
    ]  # fmt: skip
    return table(("between two crystals", *kinds), rows)


def sliders(figures: Figures) -> str:
    """What a step of a property's slider does, and what it promised."""
    by: dict[tuple[str, str], dict[str, Any]] = {}
    for f in figures["directions"]["figures"]:
        by.setdefault((f["target"], f["way"]), {})[f["direction"]] = f

    def cell(f: Any) -> str:
        if f is None:
            return ""
        kept = "nothing" if f["kept"] is None else share(f["kept"], digits=0)
        return f"{share(f['changed'], digits=0)}, {kept}"

    rows = [
        (f"{_PROPERTIES[target]}, {way}", cell(found.get("straight")), cell(found.get("verified path")))
        for (target, way), found in by.items()
    ]
    number = figures["directions"]["crystals"]
    return table(
        (f"from {number} crystals: share that changes, share kept (median)", "straight line", "verified path"), rows
    )


def steering(figures: Figures) -> str:
    """How far properties are steered."""
    rows = [
        (
            f"{_PROPERTIES[f['target']]}, {f['direction']}",
            "elements, space group" if f["held"] else "nothing",
            share(f["improved"], f["interval"], 0),
            f"{f['median_change']:+.3f} {UNITS[f['target']]}",
            share(f["elements_kept"], digits=0),
        )
        for f in figures["steering"]["figures"]
    ]
    return table(
        (
            f"from {figures['steering']['crystals']} crystals",
            "held",
            "improved (95 % interval)",
            "median change",
            "same elements",
        ),
        rows,
    )


def explanations(figures: Figures) -> str:
    """Two methods and random scores, where the answer is known."""
    rows = []
    for name, task in figures["explanations"]["tasks"].items():
        metric = {"binary": "auroc", "continuous": "tau"}.get(task["kind"])
        if metric is not None:
            cells = [f"{task['methods'][method][metric][0]:.2f}" for method in _METHODS]
            rows.append((name.replace("_", " "), {"auroc": "AUROC", "tau": "tau-b"}[metric], *cells))
    return table(("task", "measure", *_METHODS.values()), rows)


def speed(figures: Figures) -> str:
    """Times on the machine that measured."""
    found = figures["benchmark"]
    thorough = found.get("thorough_ms")
    longest = None if thorough is None else f"{thorough:.0f} ms (95th percentile {found['thorough_ms_95']:.0f} ms)"
    rows = [
        ("decode one latent vector", f"{found['decode_ms']:.0f} ms", "20 ms", missed(found["decode_ms"] > 20)),
        ("  95th percentile", f"{found['decode_ms_95']:.0f} ms", "80 ms", missed(found["decode_ms_95"] > 80)),
        ("decode, batches of 256", f"{found['decodes_per_second']:.0f} a second", "500 a second",
         missed(found["decodes_per_second"] < 500)),
        ("  effort fast", f"{found['most_probable_per_second']:.0f} a second", "", ""),
        ("  effort thorough, one latent vector", longest or "not measured yet", "1000 ms",
         "" if thorough is None else missed(thorough > 1000)),
        ("encode one crystal", f"{found['encode_ms']:.0f} ms", "", ""),
        ("explain one crystal", f"{found['attribution_ms']:.0f} ms", "", ""),
    ]  # fmt: skip
    if found["move_ms"] is not None:
        moved = f"{found['move_ms']:.0f} ms (95th percentile {found['move_ms_95']:.0f} ms)"
        rows.append(("one move of a slider", moved, "", ""))
    return table((f"{found['device']}, {found['threads']} threads", "median", "aim", ""), rows)


def missed(is_missed: bool) -> str:
    """Whether an aim was missed."""
    return "missed" if is_missed else "reached"


def others(figures: Figures) -> str:
    """What fits in a line each; of the reports that are there."""
    lines: dict[str, Callable[[Any], tuple[str, str]]] = {
        "gallery": lambda f: ("classic structure types that come back", f"{f['matched']} of {f['encoded']}"),
        "classics": lambda f: (
            "gaps of classic crystals within 0.6 eV of PBE", f"{share(f['within_0.6_eV'])} of {f['crystals']}"
        ),
        "latent": lambda f: (
            "active dimensions; match rate with shuffled latent vectors",
            f"{f['active']} of {f['latent_dim']}; {share(f['match_rate_shuffled'])}",
        ),
        "invariance": lambda f: (
            "writings of a crystal that have its latent vector, within 0.001",
            f"{f['share']:.2%} of {4 * f['crystals']}"
        ),
        "map": lambda f: (
            "how far off a place of the map is decoded, median of its width: among crystals, where there are none",
            ", ".join(share(p["median"]) for p in f["at_places"] if p["way"] == f["at_places"][0]["way"]),
        ),
        "proposals": lambda f: (
            f"one of {f['count']} structures for a new formula is right: search, elements exchanged without a model",
            ", ".join(share(f[who]["any"], f[who]["any_interval"], 0) for who in ("proposed", "substituted")),
        ),
        "counterfactuals": lambda f: (
            "effects of a substitution on the formation energy with the right sign",
            next(
                f"{share(p['share'], p['interval'], 0)} of {p['pairs']}"
                for p in f["figures"]
                if p["target"] == "formation_energy_per_atom"
            ),
        ),
    }  # fmt: skip
    rows = [line(figures[name]) for name, line in lines.items() if name in figures]
    if not rows:
        raise KeyError("gallery")
    return table(("", ""), rows)


TABLES: dict[str, Callable[[Figures], str]] = {
    function.__name__: function
    for function in (
        reconstruction, orbits, distances, splits, worse, glance, properties, intervals, samples, stability, paths,
        sliders, steering, explanations, speed, others,
    )
}  # fmt: skip
