"""How often designed crystals keep what was asked for, judged by predictors that had no part in designing them."""
