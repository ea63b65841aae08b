"""Golden checks of this installation: is what it prints still to be believed?

Each check has a known answer: from theory, from an independent implementation, or from an earlier machine.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from ... import datasets, methods
from ...datasets import Embedded
from ...symmflow.device import exact_kernels
from ...symmflow.errors import InputError
from ...symmflow.noise import Draws
from ...symmflow.pixels import to_uint8
from .. import judges
from ..judges import weights
from ..records.missing import Missing
from ..records.provenance import PACKAGES
from . import parity
from .parity import Parity

Array = np.ndarray
GOLDEN_DRAWS = "018126080430"
"""SHA-256, first digits, of the draws below: on every machine, in every process, at every batch size."""
GOLDEN = """
import hashlib
from symmbench.symmflow.noise import Draws
draws = Draws(7, ["test-00000", "test-00001"])
values = [draws.normal((3, 4, 4), "x").numpy().tobytes(), draws.uniform((5,), "dequantize", 2).numpy().tobytes()]
print(hashlib.sha256(b"".join(values)).hexdigest())
"""


@dataclass(frozen=True)
class Check:
    """One known answer. `ok` None: it could not be asked here, and `said` is why."""

    name: str
    ok: bool | None
    said: str


@dataclass(frozen=True)
class Examination:
    """What an installation answered."""

    machine: dict[str, str]
    checks: list[Check]

    def __repr__(self) -> str:
        wrong = sum(check.ok is False for check in self.checks)
        return f"<{len(self.checks)} answers, {wrong} wrong>"


def machine() -> dict[str, str]:
    """Versions and devices."""
    import platform

    import torch

    facts = {"python": platform.python_version(), "system": platform.platform()}
    for name in (*PACKAGES, "torchmetrics", "onedl-mmsegmentation", "transformers"):
        try:
            facts[name] = version(name)
        except PackageNotFoundError:
            facts[name] = "not installed"
    facts["threads"] = str(torch.get_num_threads())
    devices = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    facts["cuda"] = ", ".join(devices) or "no device"
    return facts


def examine() -> Iterator[Check]:
    """All checks; one that breaks is a failed one."""
    exact_kernels()
    others: list[Callable[[], Iterator[Check]]] = [_draws, _data, _checkpoints, _weights, _lpips, _batches, _cuda]
    asked = [(_named(question), partial(_answers, question)) for question in parity.QUESTIONS]
    for name, ask in [*asked, *((_named(own), partial(own)) for own in others)]:
        try:
            yield from ask()
        except Exception as error:  # whatever broke, the reader must see it beside the other answers
            yield Check(name, False, f"{type(error).__name__}: {error}")


def _answers(ask: Callable[[], Iterator[Parity]]) -> Iterator[Check]:
    """Of a question whose answer others know; one that is not installed cannot be asked."""
    try:
        yield from (Check(found.what, found.agrees, found.said) for found in ask())
    except ImportError as error:
        yield Check(_named(ask), None, f"{error.name} is not installed")


def _named(ask: Callable[..., Any]) -> str:
    return ask.__name__.strip("_").replace("_", " ")


def _draws() -> Iterator[Check]:
    done = subprocess.run([sys.executable, "-c", GOLDEN], capture_output=True, text=True, timeout=300)
    other = done.stdout.strip()[:12] or done.stderr.strip().rpartition("\n")[2]
    draws = Draws(7, ["test-00000", "test-00001"])
    values = [draws.normal((3, 4, 4), "x").numpy().tobytes(), draws.uniform((5,), "dequantize", 2).numpy().tobytes()]
    here = hashlib.sha256(b"".join(values)).hexdigest()[:12]
    yield Check("noise is the same as on every machine", here == GOLDEN_DRAWS, f"{here}, known {GOLDEN_DRAWS}")
    yield Check("noise is the same in another process", here == other, f"{here} and {other}")


def _data() -> Iterator[Check]:
    """Made anew and compared with the known hashes. A data set that cannot be imported is named, no wrong answer."""
    broken, count = [], 0
    for name in datasets.names():
        try:
            data = datasets.dataset(name)
        except InputError as error:
            yield Check(f"data set {name}", None, str(error))
            continue
        for split in data.card.splits if isinstance(data, Embedded) else ():
            count += 1
            try:
                datasets.load(name, split).verify()
            except InputError as error:
                broken.append(str(error))
    yield Check("embedded data is what it was", count > 0 and not broken, "; ".join(broken) or f"{count} splits")


def _checkpoints() -> Iterator[Check]:
    """Opening one compares the SHA-256 of its weights with its manifest."""
    broken, count = [], 0
    for dataset in datasets.names():
        for name in methods.bundled(dataset):
            count += 1
            try:
                methods.checkpoint(name, dataset)
            except InputError as error:
                broken.append(str(error))
    yield Check("bundled checkpoints are whole", count > 0 and not broken, "; ".join(broken) or f"{count} checkpoints")


def _weights() -> Iterator[Check]:
    for known in weights.KNOWN.values():
        name = f"weights of {known.name}"
        try:
            path = weights.find(known.name)
        except InputError as error:
            yield Check(name, False, str(error))
            continue
        missing = f"not on this machine (`bench data get {known.name}`)"
        yield Check(name, None if path is None else True, missing if path is None else f"{path}: SHA-256 as known")


def _lpips() -> Iterator[Check]:
    name = "LPIPS of an image with itself is 0, with another between 0 and 2, either way round"
    card = datasets.card("digit-scenes")
    found = judges.choose("lpips", card)
    if isinstance(found, Missing):
        yield Check(name, None, found.reason)
        return
    distance = judges.load(found, card, "cpu")
    images = to_uint8(datasets.load("digit-scenes", "test").batch(range(4)).images)
    same, there, back = (distance(*pair) for pair in ((images, images), (images, images[::-1]), (images[::-1], images)))
    ok = np.abs(same).max() < 1e-6 and there.min() > 0 and there.max() < 2 and np.allclose(there, back, atol=1e-6)
    yield Check(name, bool(ok), f"{same.max():.1e}; {there.min():.3f} to {there.max():.3f}")


def _outputs(device: str, size: int) -> Array:
    """Scores of the first 14 test digits by the bundled SymmFlow, `size` images at a time."""
    import torch

    card = datasets.card("digits")
    method = methods.method("symmflow").load(methods.checkpoint("symmflow", "digits"), card, device)
    data = datasets.load("digits", "test")
    made = []
    for start in range(0, 14, size):
        index = np.minimum(np.arange(start, start + size), 13)
        batch = data.batch(index)
        images = torch.from_numpy(batch.images).to(device)
        with torch.inference_mode():
            found = next(iter(method.classify(images, methods.Sampling(Draws(0, batch.ids), (2,), "euler"))))
        made.append(found.scores.float().cpu().numpy()[: 14 - start])
    return np.concatenate(made)


def _agree(name: str, a: Array, b: Array) -> Check:
    apart = float(np.abs(a - b).max() / np.abs(b).max())
    same = bool((a.argmax(axis=1) == b.argmax(axis=1)).all())
    return Check(name, same and apart < 1e-3, f"classes {'the same' if same else 'differ'}, scores {apart:.1e} apart")


def _batches() -> Iterator[Check]:
    yield _agree("a method gives the same one by one as in batches of seven", _outputs("cpu", 1), _outputs("cpu", 7))


def _cuda() -> Iterator[Check]:
    import torch

    name = "a method gives the same on CUDA as on the CPU"
    if not torch.cuda.is_available():
        yield Check(name, None, "no CUDA device")
        return
    yield _agree(name, _outputs("cuda", 7), _outputs("cpu", 7))
