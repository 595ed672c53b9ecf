"""Curves of a run while it trains: parts of the loss and the share of crystals that are reconstructed."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from xcrystal.explorer.drawing.plotly_adapter import complete_figure_class, import_plotly
from xcrystal.training.curves import PARTS, curves, read_metrics

if TYPE_CHECKING:
    from xcrystal.training.recipes import RecipeRun

HEIGHT = 320
REDRAW = 0.5  # seconds between two drawings of the same curves
LOOK = 2.0  # seconds between two looks into the folder of a run of another process


class TrainingCurves(widgets.VBox):
    """Two plots side by side and a line of text: losses left, match rate right."""

    def __init__(self) -> None:
        self.figure = _figure()
        self.message = widgets.HTML("Nothing has been measured yet.")
        super().__init__([self.figure, self.message])

    def show(self, records: Sequence[Mapping[str, Any]], note: str = "") -> None:
        """Draw the records of a run, and say where it stands."""
        if not records:
            self.message.value = escape(note)
            return
        found = curves(records)
        with self.figure.batch_update():
            for trace, name in zip(self.figure.data, PARTS, strict=False):
                trace.x, trace.y = found.steps, found.parts[name]
            self.figure.data[-1].x, self.figure.data[-1].y = found.scored_steps, 100 * found.match_rate
        text = f"{found.steps[-1]:,} steps in {60 * found.minutes[-1]:,.0f} s"
        if len(found.match_rate):
            text += f", match rate {100 * found.match_rate[-1]:.0f} %"
        self.message.value = escape(f"{text}. {note}".strip())


class LiveTraining(widgets.VBox):
    """A run that trains in the background of a notebook, with its curves and a button that ends it early.

    The kernel stays free: other cells run meanwhile. A run that was ended can be resumed; nothing is lost.
    """

    def __init__(self, run: RecipeRun) -> None:
        self.run = run
        self.curves = TrainingCurves()
        self.button = widgets.Button(description="Stop", icon="stop", tooltip="End after this epoch; can be resumed")
        self.button.on_click(lambda _: self.stop())
        super().__init__([self.curves, self.button])
        self._records = read_metrics(run.out)
        self._stop = threading.Event()
        self._closed = threading.Event()
        self._drawn = 0.0
        self._result: dict[str, float] | None = None
        self._error: Exception | None = None
        self.curves.show(self._records, "Training.")
        self._thread = threading.Thread(target=self._train, name="xcrystal-training", daemon=True)
        self._thread.start()

    @property
    def records(self) -> list[dict[str, Any]]:
        """What was measured so far, one record an epoch."""
        return list(self._records)

    def stop(self) -> None:
        """Ask the run to end after this epoch."""
        self.button.disabled = True
        self._stop.set()

    def wait(self) -> dict[str, float]:
        """Wait until the run has ended; interrupting this ends the run early.

        Returns
        -------
        dict
            What ``RecipeRun.result`` says of the best model.

        Raises
        ------
        Exception
            What ended the training, if it did not end by itself.
        """
        try:
            self._thread.join()
        except KeyboardInterrupt:
            self.stop()
            self._thread.join()
        if self._error:
            raise self._error
        assert self._result is not None
        return self._result

    def close(self) -> None:
        """End the run, too."""
        self._closed.set()
        self._stop.set()
        super().close()

    def _train(self) -> None:
        try:
            self.run.train(self._report, self._stop.is_set)
            self._show("Reconstructing all validation crystals.")
            self._result = self.run.result()
            note = (
                f"{'Stopped' if self.run.training.progress < 1 else 'Done'}: the best model reconstructs "
                f"{100 * self._result['match_rate']:.1f} % of {self._result['crystals']} crystals that it never saw; "
                f"it is in {self.run.out / 'best'}."
            )
        except Exception as error:  # noqa: BLE001  (told here, raised by wait)
            self._error, note = error, f"Training ended with an error: {error}"
        try:
            self._show(note)
            self.button.disabled = True
        except Exception as error:  # noqa: BLE001  (a thread can raise to nobody; wait does)
            self._error = self._error or error

    def _show(self, note: str) -> None:
        """Draw the records, unless the view is closed."""
        try:
            if not self._closed.is_set():
                self.curves.show(self._records, note)
        except Exception:
            if not self._closed.is_set():  # else it was closed while it drew, and the run shall end in peace
                raise

    def _report(self, record: dict[str, Any]) -> None:
        self._records.append(record)
        now = time.monotonic()
        if "match_rate" in record or now - self._drawn >= REDRAW:
            self._drawn = now
            self._show(f"Training, {100 * self.run.training.progress:.0f} % of the time.")


class WatchedRun(TrainingCurves):
    """Curves of a run of another process, looked up in its folder until it has ended or the view is closed."""

    def __init__(self, folder: str | Path) -> None:
        super().__init__()
        self.folder = Path(folder)
        self._closed = threading.Event()
        self._seen = (0, 0, False)
        self.look()
        self._thread = threading.Thread(target=self._follow, name="xcrystal-curves", daemon=True)
        self._thread.start()

    def look(self) -> bool:
        """Draw what has been written since the last look; whether the run has ended, so that no more is to come."""
        metrics = self.folder / "metrics.jsonl"
        try:
            state = metrics.stat()
        except OSError:
            self.show([], f"There are no metrics in {self.folder} yet.")
            return False
        ended = self._ended(state.st_mtime_ns)
        if (seen := (state.st_size, state.st_mtime_ns, ended)) != self._seen:
            self.show(read_metrics(self.folder), "The run has ended." if ended else "")
            self._seen = seen
        return ended

    def close(self) -> None:
        """Stop looking."""
        self._closed.set()
        super().close()

    def _follow(self) -> None:
        while not self._closed.wait(LOOK):
            try:
                if self.look():
                    return
            except Exception as error:  # noqa: BLE001  (told; a file that is being written may be whole at the next look)
                if not self._closed.is_set():
                    self.message.value = escape(f"The metrics in {self.folder} cannot be drawn: {error}")

    def _ended(self, measured: int) -> bool:
        """Whether the result is there, and not from before the run was resumed."""
        try:
            return (self.folder / "result.json").stat().st_mtime_ns >= measured
        except OSError:
            return False


def train_live(
    recipe: str,
    data: str | Path,
    out: str | Path,
    minutes: float | None = None,
    seed: int = 0,
    device: str = "auto",
    resume: bool = False,
) -> LiveTraining:
    """Begin to train in the background, and return what shows it; the arguments are those of ``run_recipe``.

    Canonicalizing comes first, before this returns.

    Raises
    ------
    TargetError, DatasetError
        As ``run_recipe`` does.
    """
    from xcrystal.training.recipes import open_run

    return LiveTraining(open_run(recipe, Path(data), Path(out), minutes, seed, device, resume))


def _figure() -> Any:
    figure = complete_figure_class()(import_plotly().Figure())
    for name in PARTS:
        figure.add_scatter(x=[], y=[], name=name, mode="lines", line={"width": 2})
    figure.add_scatter(
        x=[], y=[], name="match rate", mode="lines+markers", xaxis="x2", yaxis="y2", showlegend=False,
        line={"width": 3, "color": "#1976d2"}, hovertemplate="%{x} steps: %{y:.0f} %<extra></extra>",
    )  # fmt: skip
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 50, "r": 10, "t": 40, "b": 40},
        template="plotly_white",
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        xaxis={"domain": [0, 0.45], "title": "optimizer steps", "rangemode": "tozero"},
        yaxis={"type": "log", "title": "parts of the loss"},
        xaxis2={"domain": [0.55, 1], "anchor": "y2", "title": "optimizer steps", "rangemode": "tozero"},
        yaxis2={"anchor": "x2", "title": "crystals reconstructed (%)", "range": [0, 100]},
    )
    figure.introduce()
    return figure
