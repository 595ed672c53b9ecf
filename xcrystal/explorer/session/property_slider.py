"""Moving along a property: from the present crystal to others that have more of it or less, each of them verified."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from xcrystal.errors import XCrystalError
from xcrystal.explorer import words
from xcrystal.explorer.session.navigation import Going

if TYPE_CHECKING:
    from xcrystal.explorer.session.state import Point
    from xcrystal.latent.property_path import PropertyPath

_KEPT = 32  # paths; the oldest are forgotten


class PropertySliders(Going):
    """Acts along the path of a property."""

    def property_path(self, target: str) -> PropertyPath | None:
        """What has been found so far of the path of a property that the present latent vector is on.

        ``look_ahead`` and ``set_property`` look for it. None before they have begun, and where there is none.
        """
        found = self._path_of(target, self.state.point)
        return None if found is None else found[1]

    def set_property(self, target: str, value: float, *, moving: bool = False) -> None:
        """Go to the crystal of a property's path that comes nearest to a value of the property.

        Parameters
        ----------
        target
            One of the properties that the model predicts.
        value
            In its unit. What counts is what is predicted at the own code of a stop's decoded crystal.
        moving
            While a hand drags: of what was found so far, and what is slow follows with ``settle``. Otherwise the path
            is searched to its ends, which takes seconds.
        """
        self._one_of(target, tuple(self.model.properties), "property to set")
        if not self.able("gradients"):
            return
        try:
            path = self.property_path(target) if moving else self._searched_path(target)
        except XCrystalError as error:
            self.report(str(error))
            return
        with self._lock:
            here = self.state.point
            found = self._path_of(target, here)
            if path is None or found is None or not np.isfinite(value):
                self.report(f"There is no path to other values of the {words.title(target).lower()} from here.")
                return
            origin = here if np.array_equal(path.start.z, here.z) else found[0]
            self._keep(target, origin, path)
            stop = path.at(float(value))
            point = origin
            if stop is not path.start:
                amount = f"{stop.value:.4g} {words.unit(target)}".rstrip()
                label = f"{words.title(target).lower()} {amount}, from the {origin.label}"
                line = f"session.set_property({target!r}, {stop.value:.6g})"
                point = self._known_of(stop.z[None], [stop.structure], [label], [(*origin.code, line)])[0]
            self._commit(
                f"changed the {words.title(target).lower()}",
                gesture=("property", target),
                settle=not moving,
                point=point,
                shown="decoded",
            )

    def look_ahead(self) -> bool:
        """Do one piece of what the sliders of properties will need, if they are shown and the hand rests.

        Returns
        -------
        bool
            Whether there was something to do.
        """
        with self._lock:  # for one piece only
            if not self.at_rest or self.state.family != "property" or self.model.lacks("gradients"):
                return False
            targets = [axis.target for axis in self.axes if axis.target in self.model.properties]
            try:
                paths = [self._begun(target) for target in targets if target is not None]
            except XCrystalError:  # its crystal cannot be encoded
                return False
            paths = [path for path in paths if not path.complete]
            if not paths:
                return False
            min(paths, key=lambda path: len(path.stops)).extend()
            self._emit("reach")
            return True

    # -- inside --------------------------------------------------------------------------------------------------

    @cached_property
    def _property_paths(self) -> dict[tuple[str, bytes], tuple[Point, PropertyPath]]:
        """By property and first latent vector: where a path begins, and the path."""
        return {}

    def _path_of(self, target: str, point: Point) -> tuple[Point, PropertyPath] | None:
        kept = [found for (name, _), found in self._property_paths.items() if name == target]
        on = (found for found in reversed(kept) if any(np.array_equal(stop.z, point.z) for stop in found[1].stops))
        return next(on, None)

    def _begun(self, target: str) -> PropertyPath:
        from xcrystal.latent.property_path import PropertyPath

        point = self.state.point
        found = self._path_of(target, point)
        if found is None:
            found = point, PropertyPath(self.model, self.atlas, point.z, target)
            self._keep(target, *found)
        return found[1]

    def _searched_path(self, target: str) -> PropertyPath:
        with self._lock:
            path = self._begun(target)
            while path.extend():
                pass
            return path

    def _keep(self, target: str, origin: Point, path: PropertyPath) -> None:
        kept = self._property_paths
        kept[target, path.start.z.tobytes()] = origin, path
        while len(kept) > _KEPT:
            del kept[next(iter(kept))]
