"""Methods by name, through the entry-point group `symmbench.methods`; recipes and bundled checkpoints by path."""

from __future__ import annotations

from pathlib import Path

from ..symmflow.checkpoint import Checkpoint, open_checkpoint
from ..symmflow.errors import InputError, NoCheckpoint, unknown
from ..symmflow.names import check_name
from ..symmflow.plugins import Plugins
from ..symmflow.recipe import Recipe, read_recipe
from .base import Foreign, Method
from .does import Does
from .parts.hub import from_hub, hub_id, missing

GROUP = "symmbench.methods"


def _fault(kind: type[Method]) -> str:
    return "" if all(isinstance(does, Does) for does in kind.tasks) else "has tasks that are no Classify, Segment, ..."


_METHODS: Plugins[type[Method]] = Plugins(
    "method", GROUP, Method, classes=True, parts={"title": str, "tasks": tuple}, fault=_fault
)
_HERE = Path(__file__).parent
RECIPES, CHECKPOINTS = _HERE / "recipes", _HERE / "checkpoints"


def names() -> list[str]:
    """All that are registered, whether or not they can be imported here."""
    return _METHODS.names()


def method(name: str) -> type[Method]:
    """The class of a registered method. Raises `InputError` where it is none or cannot be imported.

    `name[variant]` is the method `name` with another recipe, `name:argument` with something made elsewhere.
    """
    return _METHODS.get(base(name))


def base(name: str) -> str:
    """The registered name in `name[variant]` and `name:argument`."""
    return name.partition(":")[0].partition("[")[0]


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


def checkpoint(name: str, dataset: str, given: str | None = None, trust: bool = False) -> Checkpoint | Foreign:
    """The checkpoint of a method for a data set: the given folder or hub id (`owner/name`), else the bundled one.

    A method of another project's models opens its own (`hf:owner/name`). Nothing in a checkpoint may run code unless
    `trust`.
    """
    kind, argument = method(name), name.partition(":")[2]
    if (foreign := kind.open(argument, dataset, given, trust)) is not None:
        return foreign
    opened = own_checkpoint(name, dataset, given)
    kind.vet(opened.recipe, trust)
    return opened


def label(name: str, opened: Checkpoint | Foreign, called: str | None = None) -> str:
    """What a method with this checkpoint is called: the variant is the checkpoint's own, a path only its last part.

    `called`: the user's own name of what was made elsewhere, `outputs:spade`.
    """
    if isinstance(opened, Foreign) and called:
        return f"{base(name)}:{called}"
    if isinstance(opened, Foreign):
        own = Path(opened.name.rstrip("/")).name.removesuffix(".py")
        return f"{base(name)}:{check_name('model', own)}"
    own = opened.recipe.name.rpartition("/")[2]
    if base(own) != base(name):
        return name
    if name not in (base(name), own):
        raise InputError(f"the checkpoint is one of {own}, not of {name}; run it with --method '{own}'.")
    return own if own.startswith(f"{base(name)}[") else base(name)


def own_checkpoint(name: str, dataset: str, given: str | None = None) -> Checkpoint:
    """`checkpoint`, for those that symmbench trained."""
    if given is None:
        found = bundled(dataset)
        if name not in found:
            have = f"bundled for {dataset}: {', '.join(found)}" if found else f"none is bundled for {dataset}"
            of_variants = [r for r in recipe_names() if r.startswith(f"{dataset}/{name}[")]
            recipes = [f"{dataset}/{name}"] if f"{dataset}/{name}" in recipe_names() else of_variants
            others = f" (or {', '.join(recipes[1:])})" if recipes[1:] else ""
            train = f", or train one with `bench train --recipe {recipes[0]}`{others}" if recipes else ""
            raise InputError(f"{name} has no checkpoint for {dataset} ({have}); give --checkpoint{train}.")
        return open_checkpoint(found[name])
    path = Path(given)
    if (repository := hub_id(given)) is not None:
        path = from_hub(repository)
    elif not path.exists():
        raise NoCheckpoint(missing(given))
    elif (path / "checkpoint").is_dir():  # the output folder of a training
        path = path / "checkpoint"
    opened = open_checkpoint(path)
    wanted, made = base(name), opened.recipe.method
    if made != wanted:
        raise InputError(f"{given} is a checkpoint of {made}, not of {wanted}; run it with --method {made}.")
    return opened
