"""All that a request needs from elsewhere: data sets, judges' weights, checkpoints of a hub; fetched before the run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ... import datasets, methods
from ...datasets.download import Report, Unreachable
from ...datasets.obtain import ByHand
from ...methods.parts import published
from ...methods.parts.latents import codec_folder
from ...symmflow.checkpoint import Checkpoint
from ...symmflow.errors import InputError, Screen, unknown
from .. import judges, metrics, tasks
from ..judges import weights
from ..metrics import Subject
from ..protocols import Rules, rules
from .plan import plan, roles
from .request import Request


@dataclass(frozen=True)
class Need:
    """Something that a run needs, and where it lies on this machine."""

    kind: str
    """data set, weights or checkpoint."""
    name: str
    path: Path | None
    """None: the code that is here makes it."""


def get(name: str, root: Path | None = None, report: Report | None = None) -> Path | None:
    """A data set (in `root`, if given) or weights by name; None for a data set that code makes."""
    known = [*weights.KNOWN, *published.served()]
    if name in known:
        if root is not None:
            raise InputError(f"{name} are weights; drop --data-root, $SYMMBENCH_WEIGHTS says where they are kept.")
        return weights.get(name, report) if name in weights.KNOWN else published.get(name, report)
    if ":" not in name and name.partition("@")[0] not in datasets.names():
        raise unknown("data set or weights", name, [*datasets.names(), *known])
    return datasets.get(name, root, report)


def get_for(request: Request, report: Report | None = None) -> Iterator[Need]:
    """What a request needs, fetched; in the end its plan is made, as `bench run` will make it without a network.

    What can be had is had, before an `InputError` says what cannot.
    """
    refused: list[str] = []
    known = []
    """Data sets whose card says which judges suit them."""
    for name in request.datasets or dict.fromkeys(task.dataset for task in _asked(request)):
        try:
            yield Need("data set", name, datasets.get(name, request.data_root, report))
            known.append(name)
        except (ByHand, Unreachable) as error:
            refused.append(str(error))
            known.append(name)
        except InputError as error:
            refused.append(str(error))
    for name in dict.fromkeys(_weights(replace(request, datasets=known))) if known else ():
        try:
            yield Need("weights", name, weights.get(name, report))
        except InputError as error:
            refused.append(str(error))
    if refused:
        raise Screen("\n".join(refused))
    yield from _checkpoints(request)


def _asked(request: Request) -> list[tasks.Task]:
    return [tasks.task(name) for name in request.tasks] or [one for one in tasks.all_tasks() if one.by_default]


def _weights(request: Request) -> Iterator[str]:
    """Names of the weights that its judges lack here."""
    named = request.protocol if isinstance(request.protocol, Rules) else rules(request.protocol)
    for task, dataset in request.wanted():
        if not named.measures(task.name):
            continue
        card = datasets.card(dataset, request.data_root)
        asked = metrics.of(task.name, named, Subject(card.classes, card.has_masks))
        for role, by_name in roles(asked, request, named).items():
            if (name := judges.to_fetch(role, card, by_name)) is not None:
                yield name


def _checkpoints(request: Request) -> Iterator[Need]:
    """Checkpoints that are not bundled, opened as the run opens them, which fetches those of a hub; autoencoders."""
    opened, codecs = {}, {}
    for job in plan(replace(request, device="cpu")).jobs:
        name, dataset = job.method, job.cells[0].dataset
        if job.checkpoint or ":" in name:
            found = methods.checkpoint(name, dataset, job.checkpoint, request.trust)
            opened[job.checkpoint or name] = found.path
            if isinstance(found, Checkpoint) and (folder := codec_folder(found.recipe)):
                codecs[str(found.recipe.latents.weights)] = folder
        opened |= {judge.name: judge.path for judge in job.judges.values() if judge.named}
    for name, path in opened.items():
        yield Need("checkpoint", name, path)
    for name, path in codecs.items():
        yield Need("weights", name, path)
