"""Other families of generators than the autoencoder, small and trained on the same crystals, to compare with it."""
