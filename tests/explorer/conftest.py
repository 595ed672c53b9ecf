"""Atlases as users build them."""

from __future__ import annotations

import pytest

from xcrystal.latent.atlas import Atlas


@pytest.fixture
def bare_atlas(atlas: Atlas) -> Atlas:
    """An atlas of somebody's own crystals, of which no property is known."""
    table = atlas.table.iloc[:200][["formula", "space_group", "x", "y"]].copy()
    table.insert(0, "material_id", [f"<b>mine {i}</b>" for i in range(len(table))])
    return Atlas("mine", table, atlas.z[:200])
