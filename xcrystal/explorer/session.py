"""The explorer without its looks: one object that holds all state and says when it changes.

Views subscribe and read; whatever a user does becomes one call of a method here. Nothing in it knows of widgets, so
that everything the explorer does can also be done, and tested, without a browser.
"""

from __future__ import annotations

from xcrystal.explorer.changing import Changing
from xcrystal.explorer.explaining_groups import ExplainingGroups
from xcrystal.explorer.judging import Judging
from xcrystal.explorer.keeping import Keeping
from xcrystal.explorer.overlaying import Overlaying
from xcrystal.explorer.property_acts import PropertySliders
from xcrystal.explorer.steering_acts import Steering


class Session(Keeping, Judging, Overlaying, Steering, PropertySliders, Changing, ExplainingGroups):
    """State of one explorer, and all that can be done in it.

    Parameters
    ----------
    model
        Encodes, decodes, predicts.
    atlas
        Known crystals, their codes and places.

    Notes
    -----
    Methods may be called from any thread. Bad input never raises here: it becomes ``message``, and the rest of the
    state stays as it was. A target, colour or axis that does not exist is the caller's mistake and raises. Each act is
    one step of ``undo``; what a hand drags is one step until it rests.
    """
