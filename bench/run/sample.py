"""Pictures: what a method makes of the same inputs at several step counts."""

from __future__ import annotations

from dataclasses import replace

from ... import methods
from ...symmflow.errors import InputError
from ..tasks import MethodError
from .plan import plan
from .request import Request

GRID = (1, 5, 25)
"""Step counts where nobody names any."""


def sample_grid(request: Request, count: int) -> Picture:
    """PNG: a row for each of the first `count` samples; columns: the input, the output at each step count, the truth.

    Raises `InputError` for a request of more than one method, task, data set or seed.
    """
    if not 1 <= count <= 256:
        raise InputError(f"--count must lie in 1-256, not {count}.")
    import torch

    from ...reports import pictures
    from .evaluate import Evaluator

    read = all(name != "all" and methods.method(name).ready_made for name in request.methods)
    planned = plan(replace(request, limit=count, steps=request.steps or (() if read else GRID)))
    planned.require_all()
    if len(planned.jobs) > 1:
        raise InputError("a picture is of one method, task, data set and seed; name one of each.")
    job = planned.jobs[0]
    card, task = job.card, job.task
    if card.is_points:
        raise InputError(f"{card.name} has points, not pictures; choose a data set of images.")
    steps = tuple(cell.steps for cell in job.cells)
    try:
        opened = Evaluator.open(job, request.device, request.batch_size)
        batch = opened.data.batch(range(len(opened.data)))
        with torch.inference_mode():
            results = [task.array(result, opened.look.rounding) for result in opened.results(batch, steps).each()]
    except MethodError as error:
        raise InputError(f"{error}.") from error
    (first_name, first), (last_name, last) = task.ends(card, batch)
    columns = [first, *(task.tiles(result, card, len(batch.ids)) for result in results), last]
    named = ["–" if s is None else f"{s} step" + ("s" if s > 1 else "") for s in steps]
    rows = [[column[i] for column in columns] for i in range(len(batch.ids))]
    return Picture(pictures.png(pictures.grid(rows, columns=[first_name, *named, last_name])))


class Picture(bytes):
    """A PNG file, which a notebook shows."""

    def __repr__(self) -> str:
        return f"<PNG, {len(self):,} bytes>"

    def _repr_png_(self) -> bytes:
        return bytes(self)
