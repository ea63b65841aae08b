"""Plain values in, pages out: blocks, curves, pictures, a gate's checks; the published figures as data."""
