"""The crystals that people look for first are in the shipped atlas."""

from __future__ import annotations

from xcrystal.generator import CrystalModel
from xcrystal.latent.atlas import Atlas
from xcrystal.latent.searching import search

FORMULAS = """
    NaCl KCl LiF CsCl CaF2 MgO CaO NiO FeO CuO Cu2O ZnO Al2O3 Fe2O3 Fe3O4 Cr2O3 SiO2 TiO2 ZrO2 HfO2 SnO2 CeO2 VO2 V2O5
    WO3 MoO3 Y2O3 In2O3 Ga2O3 SrTiO3 BaTiO3 CaTiO3 PbTiO3 LaAlO3 LiNbO3 BiFeO3 CsPbI3 CsPbBr3 MgAl2O4 MgSiO3 LiCoO2
    LiMn2O4
    LiFePO4 CaCO3 YBa2Cu3O7 C Si Ge Fe Cu Al Au Ag W Mg GaAs GaN InP InSb AlN SiC BN ZnS CdS CdSe CdTe PbS PbTe Bi2Te3
    Bi2Se3 MoS2 WS2 FeS2 MgB2 TiN TiC Si3N4 NiTi CuInSe2 Cu2ZnSnS4 H2O
""".split()
LARGE = {"LiFePO4": 28}  # atoms in the smallest cell of a formula that takes more than 20


def test_formulas_that_everybody_knows_are_found(atlas: Atlas, model: CrystalModel) -> None:
    wanted = [formula for formula in FORMULAS if LARGE.get(formula, 0) <= model.network.config.max_atoms]
    assert [formula for formula in wanted if not len(search(atlas, formula))] == []


def test_what_is_like_known_crystals_is_judged_by_train_alone(atlas: Atlas) -> None:
    assert 18_000 < len(atlas.reference) < 20_000 < 28_000 < len(atlas)
    assert set(atlas.table["material_id"].duplicated()) == {False}
    doubtful = atlas.table["flag"] != ""
    assert 0 < doubtful.mean() < 0.05
    assert (atlas.table["e_above_hull"] > 1).sum() == atlas.table["flag"].str.contains("above the hull").sum() > 10
