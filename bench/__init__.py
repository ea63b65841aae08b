"""The harness: protocols, sweeps, metrics, records. From a notebook: `run`, `train`, `compare`, `load`."""

from .api import compare, load, run, train

__all__ = ["compare", "load", "run", "train"]
