"""Is it to be believed? What every method must keep, and what every installation must know."""
