"""Methods by name, through the entry-point group `symmbench.methods`; recipes and bundled checkpoints by path."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from ..symmflow.checkpoint import Checkpoint, open_checkpoint
from ..symmflow.errors import InputError, unknown
from ..symmflow.recipe import Recipe, read_recipe
from .base import Method

GROUP = "symmbench.methods"
_HERE = Path(__file__).parent
RECIPES, CHECKPOINTS = _HERE / "recipes", _HERE / "checkpoints"


@lru_cache(maxsize=1)
def _registered() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def names() -> list[str]:
    return sorted(_registered())


def method(name: str) -> type[Method]:
    """The class of a registered method. `name[variant]` is the method `name` with another recipe."""
    base = name.partition("[")[0]
    if base not in _registered():
        raise unknown("method", base, names())
    point = _registered()[base]
    try:
        loaded = point.load()
    except ImportError as error:
        raise InputError(
            f"method {base!r} ({point.value}) cannot be imported: {error}; install what it needs."
        ) from error
    if not (isinstance(loaded, type) and issubclass(loaded, Method)):
        raise InputError(
            f"the entry point {base!r} ({point.value}) is not a Method; mend the package that registers it."
        )
    return loaded


def recipe_names() -> list[str]:
    return sorted(str(path.relative_to(RECIPES).with_suffix("")) for path in RECIPES.glob("*/*.toml"))


def recipe(name: str, overrides: dict[str, object] | None = None) -> Recipe:
    """A bundled recipe by name (`digits/symmflow`) or any by path (`my.toml`)."""
    path = Path(name)
    if path.suffix == ".toml":
        return read_recipe(path, overrides)
    if name not in recipe_names():
        raise unknown("recipe", name, recipe_names())
    return read_recipe(RECIPES / f"{name}.toml", overrides)


def bundled(dataset: str) -> dict[str, Path]:
    """Bundled checkpoints of a data set: method name (with variant) -> folder."""
    folder = CHECKPOINTS / dataset
    return {path.name: path for path in sorted(folder.iterdir()) if path.is_dir()} if folder.is_dir() else {}


def checkpoint(name: str, dataset: str, given: str | None = None) -> Checkpoint:
    """The checkpoint of a method for a data set: the given folder or hub id (`owner/name`), else the bundled one."""
    if given is None:
        found = bundled(dataset)
        if name not in found:
            have = f"bundled for {dataset}: {', '.join(found)}" if found else f"none is bundled for {dataset}"
            train = (
                f", or train one with `bench train --recipe {dataset}/{name}`"
                if f"{dataset}/{name}" in recipe_names()
                else ""
            )
            raise InputError(f"{name} has no checkpoint for {dataset} ({have}); give --checkpoint{train}.")
        return open_checkpoint(found[name])
    path = Path(given)
    if not path.exists() and given.count("/") == 1 and not given.startswith((".", "~")):
        path = _from_hub(given)
    elif (path / "checkpoint").is_dir():  # the output folder of a training
        path = path / "checkpoint"
    opened = open_checkpoint(path)
    wanted, made = name.partition("[")[0], opened.recipe.method
    if made != wanted:
        raise InputError(f"{given} is a checkpoint of {made}, not of {wanted}; run it with --method {made}.")
    return opened


def _from_hub(repository: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repository, allow_patterns=["*.safetensors", "checkpoint.json", "training.csv"]))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise InputError(
            f"there is no folder {repository!r} and the hub gives no repository of that id ({type(error).__name__}); "
            "check the name and the connection."
        ) from None
