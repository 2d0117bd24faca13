"""Camera trials: designed, randomised, measured and reported, with an honest label on every number."""
