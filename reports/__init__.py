"""Records in, pages out: tables, grids, curves; the published figures as data."""
