"""The classic structure types of the gallery: space groups, lattice parameters and Wyckoff positions.

Most lattice parameters and coordinates are those that the AFLOW library lists for its prototype of the same label,
rounded to four digits; the tests hold them against pymatgen's copy of that library. The others say where they are from,
or that they are rounded values as textbooks give them, and no refinement.
"""

from __future__ import annotations

from xcrystal.crystal.gallery.entries import Entry, entry

_AFLOW = "M. J. Mehl et al., Comput. Mater. Sci. 136, S1 (2017), prototype "
_ROUNDED = "positions of the type; lattice parameters and coordinates are rounded textbook values, not one refinement"

_ELEMENTS = (
    ("simple cubic", "Po", "A_h", "Po", 221, (3.34,), "Po a", _AFLOW + "A_cP1_221_a"),
    ("face-centred cubic", "Cu", "A1", "Cu", 225, (3.6149,), "Cu a", _AFLOW + "A_cF4_225_a"),
    ("body-centred cubic", "W", "A2", "W", 229, (3.155,), "W a", _AFLOW + "A_cI2_229_a"),
    ("hexagonal close-packed", "Mg", "A3", "Mg", 194, (3.2093, 5.2106), "Mg c", _AFLOW + "A_hP2_194_c"),
    ("diamond", "C (diamond)", "A4", "C", 227, (3.55,), "C a", _AFLOW + "A_cF8_227_a"),
    ("white tin", "Sn (white)", "A5", "Sn", 141, (5.8318, 3.1819), "Sn a", _AFLOW + "A_tI4_141_a"),
    ("grey arsenic", "As", "A7", "As", 166, (3.7595, 10.4573), "As c 0.2275", _AFLOW + "A_hR2_166_c"),
    ("grey selenium", "Se", "A8", "Se", 152, (4.3662, 4.9536), "Se a 0.2254", _AFLOW + "A_hP3_152_a"),
    ("graphite", "C (graphite)", "A9", "C", 194, (2.464, 6.711), "C b, C c", _AFLOW + "A_hP4_194_bc"),
    ("black phosphorus", "P (black)", "A17", "P", 64, (3.3136, 10.478, 4.3763), "P f 0.1017 0.0806",
     _AFLOW + "A_oC8_64_f"),
)  # fmt: skip

_AB = (
    ("rock salt", "NaCl", "B1", "NaCl", 225, (5.6393,), "Na a, Cl b", _AFLOW + "AB_cF8_225_a_b"),
    ("caesium chloride", "CsCl", "B2", "CsCl", 221, (4.0793,), "Cs a, Cl b", _AFLOW + "AB_cP2_221_b_a"),
    ("zinc blende", "ZnS (cubic)", "B3", "ZnS", 216, (5.4093,), "Zn a, S c", _AFLOW + "AB_cF8_216_c_a"),
    ("wurtzite", "ZnS (hexagonal)", "B4", "ZnS", 186, (3.8227, 6.2607), "Zn b 0, S b 0.3748",
     _AFLOW + "AB_hP4_186_b_b"),
    ("nickel arsenide", "NiAs", "B8_1", "NiAs", 194, (3.619, 5.044), "Ni a, As c", _AFLOW + "AB_hP4_194_c_a"),
    ("litharge", "PbO", "B10", "PbO", 129, (3.9645, 4.9956), "O a, Pb c 0.2368", _AFLOW + "AB_tP4_129_a_c"),
    ("cooperite", "PtS", "B17", "PtS", 131, (4.9073, 6.1096), "Pt c, S e", _AFLOW + "AB_tP4_131_c_e"),
    ("iron silicide", "FeSi", "B20", "FeSi", 198, (4.4869,), "Si a 0.0924, Fe a 0.3865", _AFLOW + "AB_cP8_198_a_a"),
    ("sodium thallide", "NaTl", "B32", "NaTl", 227, (7.483,), "Na a, Tl b", _AFLOW + "AB_cF16_227_a_b"),
    ("tungsten carbide", "WC", "B_h", "WC", 187, (2.9065, 2.8366), "W a, C d", _AFLOW + "AB_hP2_187_d_a"),
    ("hexagonal boron nitride", "BN", "B_k", "BN", 194, (2.504, 6.6612), "B c, N d", _AFLOW + "AB_hP4_194_c_d"),
    ("niobium monoxide", "NbO", "", "NbO", 221, (4.2101,), "Nb c, O d", _AFLOW + "AB_cP6_221_c_d"),
    ("ordered copper-gold 1:1", "CuAu", "L1_0", "CuAu", 123, (2.8, 3.67), "Au a, Cu d", _AFLOW + "AB_tP2_123_a_d"),
)  # fmt: skip

_AB2 = (
    ("fluorite", "CaF2", "C1", "CaF2", 225, (5.4631,), "Ca a, F c", _AFLOW + "AB2_cF12_225_a_c"),
    ("antifluorite", "Li2O", "C1", "Li2O", 225, (4.62,), "O a, Li c", _ROUNDED),
    ("pyrite", "FeS2 (cubic)", "C2", "FeS2", 205, (5.417,), "Fe a, S c 0.3851", _AFLOW + "AB2_cP12_205_a_c"),
    ("cuprite", "Cu2O", "C3", "Cu2O", 224, (4.267,), "O a, Cu b", _AFLOW + "A2B_cP6_224_b_a"),
    ("rutile", "TiO2 (rutile)", "C4", "TiO2", 136, (4.5922, 2.9574), "Ti a, O f 0.305", _AFLOW + "A2B_tP6_136_f_a"),
    ("anatase", "TiO2 (anatase)", "C5", "TiO2", 141, (3.7845, 9.5143), "Ti a, O e 0.2081",
     "C. J. Howard, T. M. Sabine and F. Dickson, Acta Cryst. B 47, 462 (1991)"),
    ("cadmium iodide", "CdI2", "C6", "CdI2", 164, (4.24, 6.84), "Cd a, I d 0.252", _AFLOW + "AB2_hP3_164_a_d"),
    ("molybdenite", "MoS2", "C7", "MoS2", 194, (3.161, 12.295), "Mo c, S f 0.6275", _AFLOW + "AB2_hP6_194_c_f"),
    ("quartz", "SiO2", "", "SiO2", 152, (4.914, 5.406), "Si a 0.4699, O c 0.1462 0.7332 0.4527",
     _AFLOW + "A2B_hP9_152_c_a"),
    ("cubic Laves phase", "MgCu2", "C15", "MgCu2", 227, (7.02,), "Mg a, Cu d", _AFLOW + "A2B_cF24_227_d_a"),
    ("hexagonal Laves phase", "MgZn2", "C14", "MgZn2", 194, (5.223, 8.566), "Zn a, Mg f 0.0629, Zn h 0.8305",
     _AFLOW + "AB2_hP12_194_f_ah"),
    ("marcasite", "FeS2 (orthorhombic)", "C18", "FeS2", 58, (4.4446, 5.4246, 3.3864), "Fe a, S g 0.2004 0.3787",
     _AFLOW + "AB2_oP6_58_a_g"),
    ("cadmium chloride", "CdCl2", "C19", "CdCl2", 166, (3.85, 17.46), "Cd a, Cl c 0.252", _ROUNDED),
    ("aluminium diboride", "AlB2", "C32", "AlB2", 191, (3.005, 3.2537), "Al a, B d", _AFLOW + "AB2_hP3_191_a_d"),
)  # fmt: skip

_OTHER_BINARIES = (
    ("rhenium trioxide", "ReO3", "D0_9", "ReO3", 221, (3.734,), "Re a, O d", _AFLOW + "A3B_cP4_221_d_a"),
    ("skutterudite", "CoAs3", "D0_2", "CoAs3", 204, (7.58,), "Co c, As g 0.1503 0.3431", _AFLOW + "A3B_cI32_204_g_c"),
    ("bismuth trifluoride", "BiF3", "D0_3", "BiF3", 225, (5.853,), "Bi a, F b, F c", _AFLOW + "AB3_cF16_225_a_bc"),
    ("titanium trialuminide", "TiAl3", "D0_22", "TiAl3", 139, (3.8537, 8.5839), "Ti a, Al b, Al d",
     _AFLOW + "A3B_tI8_139_bd_a"),
    ("A15 phase", "Cr3Si", "A15", "Cr3Si", 223, (4.556,), "Si a, Cr c", _AFLOW + "A3B_cP8_223_c_a"),
    ("ordered copper-gold 3:1", "Cu3Au", "L1_2", "Cu3Au", 221, (3.7402,), "Au a, Cu c", _AFLOW + "AB3_cP4_221_a_c"),
    ("calcium copper five", "CaCu5", "D2_d", "CaCu5", 191, (5.405, 4.183), "Ca a, Cu c, Cu g",
     _AFLOW + "AB5_hP6_191_a_cg"),
    ("calcium hexaboride", "CaB6", "D2_1", "CaB6", 221, (4.145,), "Ca a, B f 0.2117", _AFLOW + "A6B_cP7_221_f_a"),
    ("corundum", "Al2O3", "D5_1", "Al2O3", 167, (4.7607, 12.9947), "Al c 0.3522, O e 0.3061",
     _AFLOW + "A2B3_hR10_167_c_e"),
    ("tetradymite", "Bi2Te3", "C33", "Bi2Te3", 166, (4.3691, 30.4229), "Te a, Te c 0.208, Bi c 0.399",
     _AFLOW + "A2B3_hR5_166_c_ac"),
)  # fmt: skip

_TERNARIES = (
    ("half-Heusler", "MgAgAs", "C1_b", "MgAgAs", 216, (6.24,), "Ag a, Mg b, As c", _AFLOW + "ABC_cF12_216_b_c_a"),
    ("matlockite", "PbFCl", "E0_1", "PbFCl", 129, (4.11, 7.246), "F a, Pb c 0.2058, Cl c 0.6497",
     _AFLOW + "ABC_tP6_129_c_a_c"),
    ("delafossite", "CuFeO2", "", "CuFeO2", 166, (3.035, 17.16), "Cu a, Fe b, O c 0.1066", _ROUNDED),
    ("layered rock salt", "NaCrS2", "F5_1", "NaCrS2", 166, (3.5561, 19.365), "Na a, Cr b, S c 0.2333",
     _AFLOW + "ABC2_hR4_166_a_b_c"),
    ("chalcopyrite", "CuFeS2", "E1_1", "CuFeS2", 122, (5.289, 10.423), "Fe a, Cu b, S d 0.2426",
     _AFLOW + "ABC2_tI16_122_a_b_d"),
    ("cubic perovskite", "SrTiO3", "E2_1", "SrTiO3", 221, (3.905,), "Sr a, Ti b, O c", _ROUNDED),
    ("orthorhombic perovskite", "CaTiO3", "", "CaTiO3", 62, (5.4224, 7.651, 5.4043),
     "Ti a, Ca c 0.0123 0.4916, O c 0.4687 0.5586, O d 0.212 0.537 0.713", _AFLOW + "AB3C_oP20_62_c_cd_a"),
    ("ilmenite", "FeTiO3", "", "FeTiO3", 148, (5.0884, 14.0855), "Fe c 0.1446, Ti c 0.3536, O f 0.0233 0.3174 0.2549",
     _AFLOW + "AB3C_hR10_148_c_f_c"),
    ("calcite", "CaCO3", "G0_1", "CaCO3", 167, (4.988, 17.061), "C a, Ca b, O e 0.2567",
     _AFLOW + "ABC3_hR10_167_a_b_e"),
    ("spinel", "MgAl2O4", "H1_1", "MgAl2O4", 227, (8.0832,), "Mg a, Al d, O e 0.3874", _AFLOW + "A2BC4_cF56_227_d_a_e"),
    ("Heusler", "AlCu2Mn", "L2_1", "AlCu2Mn", 225, (5.95,), "Mn a, Al b, Cu c", _AFLOW + "AB2C_cF16_225_a_c_b"),
    ("Ruddlesden-Popper", "K2NiF4", "", "K2NiF4", 139, (4.006, 13.076), "Ni a, F c, K e 0.352, F e 0.151", _ROUNDED),
    ("thorium chromium silicide", "ThCr2Si2", "", "ThCr2Si2", 139, (4.043, 10.577), "Th a, Cr d, Si e 0.374", _ROUNDED),
    ("potassium hexachloroplatinate", "K2PtCl6", "J1_1", "K2PtCl6", 225, (9.755,), "Pt a, K c, Cl e 0.24", _ROUNDED),
)  # fmt: skip

# their primitive cells hold more than 20 atoms, which is more than small models read
_LARGE = (
    ("pyrochlore", "Y2Ti2O7", "", "Y2Ti2O7", 227, (10.09,), "O b, Ti c, Y d, O f 0.203", _ROUNDED),
    ("garnet", "Ca3Al2(SiO4)3", "", "Ca3Al2(SiO4)3", 230, (11.845,), "Al a, Ca c, Si d, O h 0.0381 0.0449 0.6514",
     "G. A. Novak and G. V. Gibbs, Am. Mineral. 56, 791 (1971), grossular, rounded"),
)  # fmt: skip


_ALL = (*_ELEMENTS, *_AB, *_AB2, *_OTHER_BINARIES, *_TERNARIES, *_LARGE)


def entries() -> list[Entry]:
    """All entries of the gallery, built anew: elements first, then binary and ternary compounds."""
    return [entry(*row) for row in _ALL]


def titles() -> list[tuple[str, str, int]]:
    """Name, formula and space group of each entry, without building its crystal."""
    return [(name, formula, number) for name, _, _, formula, number, *_ in _ALL]
