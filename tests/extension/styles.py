"""CIF files written by hand in the styles of databases and programs, each with what makes it hard to read."""

from __future__ import annotations

# uncertainties in parentheses, oxidation states in type symbols, quoted operations, comments, CRLF line ends
ICSD = r"""#(C) hand-written, in the style of a database of inorganic crystals
data_1-ICSD
_database_code_ICSD                1
_chemical_name_systematic          'Titanium Dioxide'
_chemical_formula_structural       'Ti O2'
_chemical_formula_sum              'O2 Ti1'
_chemical_name_mineral             Rutile
_publ_section_title
;
A title with an 'apostrophe, a # and
_cell_length_a 9.99 within a block of text
;
loop_
_publ_author_name
'O''Neil, A.;Smith, B.'
_cell_length_a                     4.5941(1)
_cell_length_b                     4.5941(1)
_cell_length_c                     2.9589(1)
_cell_angle_alpha                  90.
_cell_angle_beta                   90.
_cell_angle_gamma                  90.
_symmetry_space_group_name_H-M     'P 42/m n m'
_symmetry_Int_Tables_number        136
loop_
_symmetry_equiv_pos_site_id
_symmetry_equiv_pos_as_xyz
  1  'y, x, -z'
  2  '-y, -x, -z'
  3  'y+1/2, -x+1/2, -z+1/2'
  4  '-y+1/2, x+1/2, -z+1/2'
  5  'x+1/2, -y+1/2, -z+1/2'
  6  '-x+1/2, y+1/2, -z+1/2'
  7  'x, y, -z'
  8  '-x, -y, -z'
  9  '-y, -x, z'
  10 'y, x, z'
  11 '-y+1/2, x+1/2, z+1/2'
  12 'y+1/2, -x+1/2, z+1/2'
  13 '-x+1/2, y+1/2, z+1/2'
  14 'x+1/2, -y+1/2, z+1/2'
  15 '-x, -y, z'
  16 'x, y, z'
loop_
_atom_type_symbol
_atom_type_oxidation_number
Ti4+ 4
O2-  -2
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_symmetry_multiplicity
_atom_site_Wyckoff_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_B_iso_or_equiv
_atom_site_occupancy
Ti1 Ti4+ 2 a 0. 0. 0. 0.42(1) 1.
O1  O2-  4 f 0.3057(7) 0.3057(7) 0. . 1.
#End of hand-written data
"""

# unquoted operations, "?" and ".", rounded thirds, new names of the dictionary, no type symbols
COD = r"""#------------------------------------------------------------------------------
#$Date: 2026-01-01 $
data_1000001
loop_
_publ_author_name
'Doe, J.'
"Roe, R."
_journal_volume ?
_cell_angle_alpha                90
_cell_angle_beta                 90
_cell_angle_gamma                120
_cell_length_a                   3.2094(2)
_cell_length_b                   3.2094(2)
_cell_length_c                   5.2107(5)
_space_group_name_H-M_alt        'P 63/m m c'
loop_
_space_group_symop_operation_xyz
x,y,z
-y,x-y,z
-x+y,-x,z
-x,-y,1/2+z
y,-x+y,1/2+z
x-y,x,1/2+z
y,x,-z
x-y,-y,-z
-x,-x+y,-z
-y,-x,1/2-z
-x+y,y,1/2-z
x,x-y,1/2-z
-x,-y,-z
y,-x+y,-z
x-y,x,-z
x,y,1/2-z
-y,x-y,1/2-z
-x+y,-x,1/2-z
-y,-x,z
-x+y,y,z
x,x-y,z
y,x,1/2+z
x-y,-y,1/2+z
-x,-x+y,1/2+z
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_U_iso_or_equiv
_atom_site_thermal_displace_type
_atom_site_occupancy
Mg1 0.3333 0.6667 0.25000 0.0066 Uani 1.0000
loop_
_atom_site_aniso_label
_atom_site_aniso_U_11
Mg1 0.0067
"""

# shared and partly empty sites, a label that is no element's name, isotopes, upper case symbols
MIXED = r"""data_mixed
_cell_length_a 8.40
_cell_length_b 8.40
_cell_length_c 8.40
_cell_angle_alpha 90.0
_cell_angle_beta 90.0
_cell_angle_gamma 90.0
_space_group_IT_number 1
loop_
_symmetry_equiv_pos_as_xyz
'x,y,z'
'-x,-y,-z'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
M1 FE 0.0 0.0 0.0 0.75
M1' MG 0.0 0.0 0.0 0.25
CLX Cl .25 0.1(2) -.3 0.5
D1 D 0.25 0.4 0.1 1
"""

# tabs, a P1 cell of a program, sites in another order of columns, data after the atoms
VESTA = (
    "\ndata_VESTA_phase_1\n\n_chemical_name_common\t'K V S3'\n_cell_length_a\t4.300000\n_cell_length_b\t5.200000\n"
    "_cell_length_c\t6.100000\n_cell_angle_alpha\t82.000000\n_cell_angle_beta\t97.000000\n_cell_angle_gamma\t105.0000\n"
    "_cell_volume\t128.6\n_space_group_name_H-M_alt\t'P 1'\n_space_group_IT_number\t1\n\nloop_\n"
    "_space_group_symop_operation_xyz\n   'x, y, z'\n\nloop_\n   _atom_site_label\n   _atom_site_occupancy\n"
    "   _atom_site_fract_x\n   _atom_site_fract_y\n   _atom_site_fract_z\n   _atom_site_adp_type\n"
    "   _atom_site_U_iso_or_equiv\n   _atom_site_type_symbol\n"
    "   K1\t1.0\t0.020000\t0.050000\t0.030000\tUiso\t0.0127\tK\n   V1\t1.0\t0.510000\t0.460000\t0.270000\tUiso\t?\tV\n"
    "   S1\t1.0\t0.220000\t0.710000\t0.550000\tUiso\t?\tS\n"
)

# the default of a large database of calculations: spaces before names, full precision
CALCULATED = """# generated, hand-written here
data_CsCl
_symmetry_space_group_name_H-M   'P 1'
_cell_length_a   4.11500000
_cell_length_b   4.11500000
_cell_length_c   4.11500000
_cell_angle_alpha   90.00000000
_cell_angle_beta   90.00000000
_cell_angle_gamma   90.00000000
_symmetry_Int_Tables_number   1
_chemical_formula_structural   CsCl
_chemical_formula_sum   'Cs1 Cl1'
_cell_volume   69.67935338
_cell_formula_units_Z   1
loop_
 _symmetry_equiv_pos_site_id
 _symmetry_equiv_pos_as_xyz
  1  'x, y, z'
loop_
 _atom_type_symbol
 _atom_type_oxidation_number
  Cs+  1.0
  Cl-  -1.0
loop_
 _atom_site_type_symbol
 _atom_site_label
 _atom_site_symmetry_multiplicity
 _atom_site_fract_x
 _atom_site_fract_y
 _atom_site_fract_z
 _atom_site_occupancy
  Cs+  Cs0  1  0.00000000  0.00000000  0.00000000  1
  Cl-  Cl1  1  0.50000000  0.50000000  0.50000000  1.0
"""

STYLES = {
    "icsd.cif": ICSD.replace("\n", "\r\n"),
    "cod.cif": COD,
    "mixed.cif": MIXED,
    "vesta.cif": VESTA,
    "calculated.cif": CALCULATED,
}
