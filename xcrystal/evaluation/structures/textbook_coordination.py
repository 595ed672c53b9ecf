"""Around what each atom of the classic structure types sits, as textbooks say.

After A. F. Wells, Structural Inorganic Chemistry (5th ed., 1984), and for metals and intermetallic phases W. B.
Pearson, The Crystal Chemistry and Physics of Metals and Alloys (1972). Where a shell is followed by a somewhat farther
one ("3 + 3"), and told with and without it, both are right here.
"""

from __future__ import annotations

from collections import Counter

_SHELLS = """
Po: 6 Po
Cu: 12 Cu
W: 8 W or 14 W
Mg: 12 Mg
C (diamond): 4 C
Sn (white): 6 Sn or 4 Sn
As: 3 As or 6 As
Se: 2 Se
C (graphite): 3 C | 3 C
P (black): 3 P
NaCl: 6 Cl | 6 Na
CsCl: 8 Cl | 8 Cs
ZnS (cubic): 4 S | 4 Zn
ZnS (hexagonal): 4 S | 4 Zn
NiAs: 6 As or 6 As + 2 Ni | 6 Ni
PbO: 4 Pb | 4 O
PtS: 4 S | 4 Pt
FeSi: 7 Fe | 7 Si
NaTl: 4 Na + 4 Tl or 4 Tl | 4 Na + 4 Tl
WC: 6 C | 6 W
BN: 3 N | 3 B
NbO: 4 O or 4 O + 8 Nb | 4 Nb
CuAu: 4 Au + 8 Cu | 8 Au + 4 Cu
CaF2: 8 F | 4 Ca
Li2O: 8 Li | 4 O
FeS2 (cubic): 6 S | 3 Fe + 1 S
Cu2O: 4 Cu | 2 O
TiO2 (rutile): 6 O | 3 Ti
TiO2 (anatase): 6 O | 3 Ti
CdI2: 6 I | 3 Cd
MoS2: 6 S | 3 Mo
SiO2: 4 O | 2 Si
MgCu2: 12 Cu + 4 Mg | 6 Mg + 6 Cu
MgZn2: 6 Mg + 6 Zn | 4 Mg + 12 Zn | 6 Mg + 6 Zn
FeS2 (orthorhombic): 6 S | 3 Fe + 1 S
CdCl2: 6 Cl | 3 Cd
AlB2: 12 B | 6 Al + 3 B
ReO3: 6 O | 2 Re
CoAs3: 6 As | 2 Co + 2 As
BiF3: 8 F or 14 F | 6 Bi | 4 Bi
TiAl3: 12 Al | 4 Ti + 8 Al | 4 Ti + 8 Al
Cr3Si: 12 Cr | 4 Si + 10 Cr
Cu3Au: 12 Cu | 4 Au + 8 Cu
CaCu5: 18 Cu or 18 Cu + 2 Ca | 3 Ca + 9 Cu | 4 Ca + 8 Cu
CaB6: 24 B | 4 Ca + 5 B or 5 B
Al2O3: 6 O | 4 Al
Bi2Te3: 6 Bi | 3 Bi | 6 Te
MgAgAs: 4 As or 4 As + 6 Mg | 4 As or 4 As + 6 Ag | 4 Ag + 4 Mg
PbFCl: 4 Pb | 4 F + 5 Cl or 4 F + 4 Cl | 5 Pb or 4 Pb
CuFeO2: 2 O | 6 O | 1 Cu + 3 Fe
NaCrS2: 6 S | 6 S | 3 Na + 3 Cr
CuFeS2: 4 S | 4 S | 2 Fe + 2 Cu
SrTiO3: 12 O | 6 O | 4 Sr + 2 Ti
CaTiO3: 6 O | 8 O | 2 Ti + 2 Ca | 2 Ti + 3 Ca
FeTiO3: 6 O | 6 O | 2 Fe + 2 Ti
CaCO3: 3 O | 6 O | 1 C + 2 Ca
MgAl2O4: 4 O | 6 O | 1 Mg + 3 Al
AlCu2Mn: 8 Cu or 8 Cu + 6 Al | 8 Cu or 8 Cu + 6 Mn | 4 Al + 4 Mn or 4 Al + 4 Mn + 6 Cu
K2NiF4: 6 F | 2 Ni + 4 K | 9 F | 1 Ni + 5 K
ThCr2Si2: 8 Si or 8 Si + 8 Cr | 4 Si or 4 Si + 4 Cr or 4 Si + 4 Cr + 4 Th | 4 Cr + 4 Th or 4 Cr + 4 Th + 1 Si
K2PtCl6: 6 Cl | 12 Cl | 1 Pt + 4 K
Y2Ti2O7: 4 Y | 6 O | 8 O | 2 Ti + 2 Y
Ca3Al2(SiO4)3: 6 O | 8 O | 4 O | 1 Al + 2 Ca + 1 Si
"""

Shell = Counter[str]


def textbook_shells() -> dict[str, list[list[Shell]]]:
    """By the prototype of a gallery entry, for each of its orbits: how many of which element are around an atom.

    Several shells of one orbit are all right.
    """
    found = {}
    for line in _SHELLS.strip().splitlines():
        name, _, orbits = line.partition(": ")
        found[name] = [[_shell(text) for text in orbit.split(" or ")] for orbit in orbits.split("|")]
    return found


def _shell(text: str) -> Shell:
    parts = (part.split() for part in text.split("+"))
    return Counter({element: int(count) for count, element in parts})
