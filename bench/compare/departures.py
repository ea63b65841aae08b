"""Where a cell is not the paper's own: what must be said beside its figure."""

from __future__ import annotations

from ... import methods
from ...reports.published import Published
from ...symmflow.errors import InputError
from ..records import Record


def departures(record: Record, p: Published | None = None) -> list[str]:
    """In what a cell is another than the one of which the paper tells; nothing where it is the paper's own.

    The paper's own: a whole split, the method's own options in full precision, and a finished training of the bundled
    recipe that carries a paper's name. Steps and solver are the figure's. `p`: the figure, which names the split
    and the method; default: the record does.
    """
    said = [f"the {record.split} split, not {p.split}"] if p and record.split != p.split else []
    if record.limit is not None:
        said.append(f"the first {record.limit:,} samples alone")
    if record.precision != "fp32":
        said.append(f"in {record.precision}")
    if not default_options(record):
        said.append(f"options {', '.join(f'{k}={v}' for k, v in record.chosen.items()) or 'that are not the method’s'}")
    return [*said, *_training(record, f"{record.dataset}/{p.method if p else record.method}")]


def _training(record: Record, name: str) -> list[str]:
    made = record.checkpoint
    if made.recipe is None:
        return ["weights of its authors' or another's, not of the paper's training"]
    if made.recipe != name:
        return [f"recipe {made.recipe}, not {name}"]
    if name not in methods.recipe_names():
        return [f"a recipe of one's own, {name}"]
    recipe = methods.recipe(name)
    said = [] if recipe.source else [f"recipe {name} follows no paper"]
    if made.recipe_hash != recipe.hash:
        said.append(f"hyper-parameters that are not those of {name}")
    elif made.trained_steps != recipe.schedule.steps:
        said.append(f"trained for {made.trained_steps or 0:,} of {recipe.schedule.steps:,} steps")
    return said


def base(method: str) -> str:
    """A method whatever its variant, `semflow` of `semflow[unperturbed]`: papers and records both write it so."""
    return method.partition("[")[0]


def papers_own(record: Record) -> bool:
    """Whether a cell may be put beside a paper's: see `departures`."""
    return not departures(record)


def default_options(record: Record, free: str | None = None) -> bool:
    """Whether the method ran with its own inference options; False where the method is not installed here.

    `free`: an option that may have any value.
    """
    try:
        defaults = methods.method(record.method).Inference().model_dump(mode="json")
    except InputError:
        return False
    return all(defaults.get(name) == value for name, value in record.options.items() if name != free)
