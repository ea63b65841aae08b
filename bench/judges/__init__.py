"""The independent networks that look at outputs, pinned by the hash of their weights."""
