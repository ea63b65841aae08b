"""Records side by side: rows, verdicts, the gate, fronts, spread, the papers' claims."""
