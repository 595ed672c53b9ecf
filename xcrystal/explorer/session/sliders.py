"""Sliders: the axes of latent space that a session moves along."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from xcrystal.errors import TargetError, check_one_of
from xcrystal.explorer.session.commands import ShowAxes, ShowLatent
from xcrystal.explorer.session.points import Points
from xcrystal.explorer.session.store import Store
from xcrystal.latent.axes import FAMILIES, LATENTS, Axes, Axis, coordinates
from xcrystal.latent.axis_descriptions import AxisDescriptions, descriptions_over


class Sliders:
    """Which axes there are, and which family of them is shown."""

    def __init__(self, store: Store, points: Points) -> None:
        self._store, self._points = store, points

    @cached_property
    def families(self) -> Axes:
        """All axes of the atlas and the model, made as they are asked for."""
        return Axes(self._points.atlas, self._points.model)

    @cached_property
    def descriptions(self) -> AxisDescriptions:
        """What grows along axes, by the crystals of the atlas."""
        return descriptions_over(self._points.atlas)

    def show_axes(self, family: str) -> None:
        """Let the sliders move along another family of axes: "principal", "latent", "property" or "concept".

        Raises
        ------
        TargetError
            If there is no such family.
        """
        with self._store.lock:
            check_one_of(family, FAMILIES, "family of axes")
            if family != self._store.state.family:
                self._store.commit(ShowAxes(family), family=family)

    def show_latent(self, number: int) -> None:
        """Add the slider of one latent dimension, and show that family."""
        with self._store.lock:
            try:
                axis = self.families.latent_axis(int(number))
            except (TargetError, TypeError, ValueError) as error:
                self._store.report(str(error))
                return
            known = self._store.state.latents
            if axis not in self.families.latent[:LATENTS] and int(number) not in known:
                known = (*known, int(number))
            if (known, self._store.state.family) != (self._store.state.latents, "latent"):
                self._store.commit(ShowLatent(int(number)), latents=known, family="latent")

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes of the family that is shown."""
        family = self._store.state.family
        if family == "latent":
            added = tuple(self.families.latent_axis(number) for number in self._store.state.latents)
            return (*self.families.latent[:LATENTS], *added)
        if family == "concept":
            return self._store.state.concepts
        return self.families.principal if family == "principal" else self.families.property

    @property
    def coordinates(self) -> np.ndarray:
        """(k,) coordinates of ``z`` along ``axes``, in standard deviations of the atlas."""
        return coordinates(self.axes, self._store.state.point.z)

    def axis(self, axis: int | str) -> Axis:
        """An axis by its number among ``axes``, or by name whatever family it is of.

        Raises
        ------
        TargetError
            If there is no such axis.
        """
        shown = self.axes
        if not isinstance(axis, str):
            if not 0 <= int(axis) < len(shown):
                raise TargetError(f"There is no axis {axis}; the sliders show {len(shown)}, and the first is 0.")
            return shown[int(axis)]
        named = axis.removeprefix("latent ")
        if named != axis and named.isdecimal():
            return self.families.latent_axis(int(named))
        # property axes take a moment to be made, so they come last
        for family in (shown, self._store.state.concepts, self.families.principal):
            found = next((one for one in family if one.name == axis), None)
            if found is not None:
                return found
        found = next((one for one in self.families.property if one.name == axis), None)
        if found is None:
            raise TargetError(f"There is no axis {axis!r}; the sliders show: {', '.join(one.name for one in shown)}.")
        return found
