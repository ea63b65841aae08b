"""Records, the store that keeps them, the evidence beside them, and where they come from."""
