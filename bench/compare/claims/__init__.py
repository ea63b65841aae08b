"""The papers' qualitative claims."""
