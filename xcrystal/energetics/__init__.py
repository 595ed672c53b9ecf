"""Energies of crystals: relaxing them with a potential, formation energies, and the convex hull."""
