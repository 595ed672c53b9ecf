"""How far energies can be trusted, and how many crystals of a generator are stable by them."""
