"""Sliders of properties: from the present crystal to others that have more of it or less, each of them verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xcrystal.errors import XCrystalError, check_one_of
from xcrystal.explorer import words
from xcrystal.explorer.session.commands import SetProperty
from xcrystal.explorer.session.points import Points
from xcrystal.explorer.session.sliders import Sliders
from xcrystal.explorer.session.store import Store
from xcrystal.wrapping import differentiable

if TYPE_CHECKING:
    from xcrystal.explorer.session.state import Point
    from xcrystal.latent.property_path import PropertyPath

_KEPT = 32  # paths; the oldest are forgotten


class PropertySliders:
    """Acts along the path of a property."""

    def __init__(self, store: Store, points: Points, sliders: Sliders) -> None:
        self._store, self._points, self._sliders = store, points, sliders
        # by property and first latent vector: where a path begins, and the path
        self._paths: dict[tuple[str, bytes], tuple[Point, PropertyPath]] = {}

    def path(self, target: str) -> PropertyPath | None:
        """What has been found so far of the path of a property that the present latent vector is on.

        ``look_ahead`` and ``set`` look for it. None before they have begun, and where there is none.
        """
        found = self._path_of(target, self._store.state.point)
        return None if found is None else found[1]

    def set(self, target: str, value: float, *, moving: bool = False) -> None:
        """Go to the crystal of a property's path that comes nearest to a value of the property.

        Parameters
        ----------
        target
            One of the properties that the model predicts.
        value
            In its unit. What counts is what is predicted at the own latent vector of a stop's decoded crystal.
        moving
            During a drag: of what was found so far, and what is slow follows with ``settle``. Otherwise the path
            is searched to its ends, which takes seconds.
        """
        check_one_of(target, self._points.model.properties, "property to set")
        if not self._store.allow(self._points.model.lacks("gradients")):
            return
        try:
            path = self.path(target) if moving else self._searched_path(target)
        except XCrystalError as error:
            self._store.report(str(error))
            return
        with self._store.lock:
            here = self._store.state.point
            found = self._path_of(target, here)
            if path is None or found is None or not np.isfinite(value):
                self._store.report(f"There is no path to other values of the {words.title(target).lower()} from here.")
                return
            origin = here if np.array_equal(path.start.z, here.z) else found[0]
            self._keep(target, origin, path)
            stop = path.at(float(value))
            point, command = origin, SetProperty(target, float(f"{stop.value:.6g}"))
            if stop is not path.start:
                label, commands = command.label(origin.label), (*origin.commands, command)
                point = self._points.of(stop.z[None], [stop.structure], [label], [commands])[0]
            self._store.commit(
                command,
                gesture=("property", target),
                settle=not moving,
                point=point,
                shown="decoded",
            )

    def look_ahead(self) -> bool:
        """Do one piece of what the sliders of properties will need, if they are shown and nothing is dragged.

        Returns
        -------
        bool
            Whether there was something to do.
        """
        with self._store.lock:  # for one piece only
            if not self._store.idle or self._store.state.family != "property" or self._points.model.lacks("gradients"):
                return False
            targets = [axis.target for axis in self._sliders.axes if axis.target in self._points.model.properties]
            try:
                paths = [self._begun(target) for target in targets if target is not None]
            except XCrystalError:  # its crystal cannot be encoded
                return False
            paths = [path for path in paths if not path.complete]
            if not paths:
                return False
            min(paths, key=lambda path: len(path.stops)).extend()
            self._store.emit("reach")
            return True

    # -- inside

    def _path_of(self, target: str, point: Point) -> tuple[Point, PropertyPath] | None:
        kept = [found for (name, _), found in self._paths.items() if name == target]
        on = (found for found in reversed(kept) if any(np.array_equal(stop.z, point.z) for stop in found[1].stops))
        return next(on, None)

    def _begun(self, target: str) -> PropertyPath:
        from xcrystal.latent.property_path import PropertyPath

        point = self._store.state.point
        found = self._path_of(target, point)
        if found is None:
            found = point, PropertyPath(differentiable(self._points.model), self._points.atlas, point.z, target)
            self._keep(target, *found)
        return found[1]

    def _searched_path(self, target: str) -> PropertyPath:
        with self._store.lock:
            path = self._begun(target)
            while path.extend():
                pass
            return path

    def _keep(self, target: str, origin: Point, path: PropertyPath) -> None:
        kept = self._paths
        kept[target, path.start.z.tobytes()] = origin, path
        while len(kept) > _KEPT:
            del kept[next(iter(kept))]
