"""Inverse design: crystals with wanted properties, elements and symmetry."""
