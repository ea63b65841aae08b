"""The method of a job, loaded and told what it will be asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import methods
from ...symmflow.errors import InputError
from ...symmflow.guests import Guest, said
from ..tasks import MethodError

if TYPE_CHECKING:
    from ...methods import Foreign, Method
    from ...symmflow.checkpoint import Checkpoint
    from .job import Job


class Unusable(InputError):
    """A method that cannot be loaded: a missing package, weights that do not fit."""


def load(job: Job, opened: Checkpoint | Foreign, device: str) -> Method:
    try:
        with Guest():
            method = methods.method(job.method).load(opened, job.card, device, job.options)
            len(method.networks)  # it is a method, whose cost can be counted
            job.prepare(method)
    except InputError as error:
        raise Unusable(str(error)) from error
    except Exception as error:
        raise MethodError(f"{job.method} cannot be loaded: it breaks with {said(error)}") from error
    return method
