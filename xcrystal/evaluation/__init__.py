"""How good a model is, measured through its public face: reconstruction, invariance, speed."""
