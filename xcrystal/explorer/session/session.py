"""The explorer without its looks: one object that holds all state and says when it changes.

Views subscribe and read; whatever a user does becomes one call of a method here. Nothing in it knows of widgets, so
that everything the explorer does can also be done, and tested, without a browser.
"""

from __future__ import annotations

from xcrystal.explorer.session.group_explanations import ExplainingGroups
from xcrystal.explorer.session.judgement import Judging
from xcrystal.explorer.session.modifications import Changing
from xcrystal.explorer.session.overlay import Overlaying
from xcrystal.explorer.session.property_slider import PropertySliders
from xcrystal.explorer.session.property_steering import Steering
from xcrystal.explorer.session.saving import Keeping


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
