"""Sample grids: what a method makes of the same inputs at several step counts."""

from __future__ import annotations

import numpy as np

from ... import methods
from ...symmflow.errors import InputError
from ...symmflow.noise import Draws
from .plan import Request, plan
from .sweep import exact_kernels, resolve_device


def sample_grid(request: Request) -> bytes:
    """PNG: a row a sample; columns: the input, the output at each step count, the truth."""
    import torch

    from ...reports.pictures import grid, label_tile, png, to_tile

    planned = plan(request)
    if planned.unsupported:
        cell = planned.unsupported[0]
        raise InputError(f"{cell.method} cannot do {cell.task} at {cell.steps} steps: {cell.reason}; drop them.")
    job = planned.jobs[0]
    card, task = job.data.card, job.task
    if task not in methods.TASKS:
        raise InputError(f"{task} has no picture; choose one of {', '.join(methods.TASKS)}.")
    if card.is_points:
        raise InputError(f"{card.name} has points, not pictures; choose a data set of images.")
    device = resolve_device(request.device)
    exact_kernels()
    method = job.method.load(job.checkpoint, card, device, job.cells[0].options)
    batch = job.data.batch(np.arange(len(job.data)))
    steps = tuple(cell.steps for cell in job.cells)
    noise = Draws(request.seeds[0], batch.ids)
    solver = job.cells[0].solver or "none"
    images = torch.from_numpy(batch.images).to(device)
    labels = torch.from_numpy(batch.labels).to(device)
    with torch.inference_mode():
        if task == "sis":
            samples = [x.cpu().numpy() for x in method.synthesize(labels, steps=steps, solver=solver, noise=noise)]
            made = [[to_tile(image, card) for image in sample] for sample in samples]
        else:
            call = method.segment if task == "ss" else method.classify
            classes = [r.classes.cpu().numpy() for r in call(images, steps=steps, solver=solver, noise=noise)]
            made = [[label_tile(value, card) for value in column] for column in classes]
    real = [to_tile(image, card) for image in batch.images]
    truth = [label_tile(value, card) for value in batch.labels]
    first, last = (truth, real) if task == "sis" else (real, truth)
    names = ["–" if s is None else f"{s} step" + ("s" if s > 1 else "") for s in steps]
    ends = ("label", "real") if task == "sis" else ("image", "truth")
    columns = [first, *made, last]
    rows = [[column[i] for column in columns] for i in range(len(real))]
    return png(grid(rows, columns=[ends[0], *names, ends[1]]))
