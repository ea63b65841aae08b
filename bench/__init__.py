"""The harness: protocols, sweeps, metrics, records. From a notebook: a function for every command, and `load`."""

# two rooms have the names of functions: imported first, lest a later import put them in the place of these
from . import compare as _compare  # noqa: F401
from . import run as _run  # noqa: F401
from .api import (
    check,
    compare,
    coverage,
    doctor,
    export_checkpoint,
    gate,
    get,
    get_for,
    import_checkpoint,
    init,
    inventory,
    load,
    prepare,
    reproduce,
    rescore,
    roundtrip,
    run,
    sample,
    save_baseline,
    show,
    train,
    verify,
)

__all__ = [
    "check",
    "compare",
    "coverage",
    "doctor",
    "export_checkpoint",
    "gate",
    "get",
    "get_for",
    "import_checkpoint",
    "init",
    "inventory",
    "load",
    "prepare",
    "reproduce",
    "rescore",
    "roundtrip",
    "run",
    "sample",
    "save_baseline",
    "show",
    "train",
    "verify",
]
