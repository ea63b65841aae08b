"""Golden checks of this installation: is what it prints still to be believed?

Each check has a known answer: from theory, from an independent implementation, or from an earlier machine.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from ... import datasets, methods
from ...symmflow.errors import InputError
from ...symmflow.noise import Draws
from ..judges import perceptual, weights
from ..metrics.confusion import IGNORE, Areas, sparse_confusion
from ..metrics.frechet import frechet_distance
from ..records.provenance import PACKAGES
from ..run.sweep import exact_kernels

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
    for ask in (
        _frechet_of_itself,
        _frechet_parity,
        _kernel_parity,
        _segmentation_by_hand,
        _segmentation_parity,
        _mmseg_parity,
        _draws,
        _checkpoints,
        _weights,
        _lpips,
        _batches,
        _cuda,
    ):
        try:
            yield from ask()
        except Exception as error:  # whatever broke, the reader must see it beside the other answers
            yield Check(ask.__name__.strip("_").replace("_", " "), False, f"{type(error).__name__}: {error}")


def _gaussian(seed: int, d: int = 64, n: int = 500) -> tuple[Array, Array]:
    """Mean and covariance of features with correlated dimensions."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(n, d)) @ random.normal(size=(d, d)) / np.sqrt(d) + 0.1 * seed
    return features.mean(axis=0), np.cov(features, rowvar=False)


def _near(name: str, ours: float, theirs: float, tolerance: float) -> Check:
    apart = abs(ours - theirs) / max(abs(theirs), 1e-12)
    return Check(name, apart <= tolerance, f"{ours:.9g} and {theirs:.9g}: {apart:.1e} apart, allowed {tolerance:.0e}")


def _frechet_of_itself() -> Iterator[Check]:
    mean, covariance = _gaussian(0)
    value = frechet_distance(mean, covariance, mean, covariance)
    yield Check("Fréchet distance of a set with itself is 0", abs(value) < 1e-9, f"{value:.1e}")


def _frechet_parity() -> Iterator[Check]:
    import torch
    from cleanfid.fid import frechet_distance as clean_fid
    from scipy.linalg import sqrtm
    from torchmetrics.image.fid import _compute_fid

    a, b = _gaussian(0), _gaussian(1)
    ours = frechet_distance(*a, *b)
    root = np.real(sqrtm(a[1] @ b[1]))
    yield _near(
        "Fréchet distance equals that by scipy's sqrtm",
        ours,
        float(np.square(a[0] - b[0]).sum() + np.trace(a[1] + b[1] - 2 * root)),
        1e-6,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of an argument that it passes to scipy
        yield _near("Fréchet distance equals clean-fid's", ours, float(clean_fid(*a, *b)), 1e-6)
    oracle = _compute_fid(*(torch.from_numpy(v) for v in (*a, *b)))
    yield _near("Fréchet distance equals torchmetrics'", ours, float(oracle), 1e-6)


def _kernel_parity() -> Iterator[Check]:
    import torch
    from torchmetrics.image.kid import poly_mmd

    from ..metrics.frechet import kernel_distance, whole

    random = np.random.default_rng(0)
    a, b = random.normal(size=(300, 32)), random.normal(size=(300, 32)) + 0.2
    ids = [f"s{i}" for i in range(300)]
    ours = kernel_distance(whole(a, ids), whole(b, ids)).interval.value
    yield _near(
        "kernel distance equals torchmetrics'", ours, float(poly_mmd(torch.from_numpy(a), torch.from_numpy(b))), 1e-6
    )


def _areas(truth: Any, predicted: Any, classes: int) -> Areas:
    t, p = np.asarray(truth)[None], np.asarray(predicted)[None]
    return Areas.from_sparse(*sparse_confusion(t, p, classes), 1, classes)


def _segmentation_by_hand() -> Iterator[Check]:
    found = _areas([[0, 0, 1, 1]], [[0, 1, 1, 1]], 3)
    yield _near("mIoU leaves an absent class out", found.miou().value, (1 / 2 + 2 / 3) / 2, 1e-12)
    spoilt = _areas([[0, 0, 1, 1]], [[0, 2, 1, 1]], 3)
    yield _near("a false class costs its pixel and enters no mean", spoilt.miou().value, (1 / 2 + 1) / 2, 1e-12)
    void = _areas([[IGNORE, 0, IGNORE, 1]], [[1, 0, 0, 1]], 2)
    yield _near("void pixels do not count", void.miou().value, 1.0, 1e-12)
    empty = _areas([[IGNORE, IGNORE]], [[0, 1]], 2)
    yield Check(
        "a truth without a valid pixel has no class", not empty.present.any(), f"{int(empty.present.sum())} present"
    )


def _masks() -> tuple[Array, Array]:
    random = np.random.default_rng(0)
    truth = random.integers(0, 11, (6, 32, 32))
    predicted = np.where(random.random(truth.shape) < 0.7, truth, random.integers(0, 11, truth.shape))
    truth[:, :3] = IGNORE
    return truth, predicted


def _miou(truth: Array, predicted: Array) -> float:
    return Areas.from_sparse(*sparse_confusion(truth, predicted, 11), len(truth), 11).miou().value


def _segmentation_parity() -> Iterator[Check]:
    import torch
    from torchmetrics.classification import MulticlassJaccardIndex

    truth, predicted = _masks()
    oracle = MulticlassJaccardIndex(11, ignore_index=IGNORE)(torch.from_numpy(predicted), torch.from_numpy(truth))
    yield _near("mIoU equals torchmetrics'", _miou(truth, predicted), float(oracle), 1e-6)


def _mmseg_parity() -> Iterator[Check]:
    name = "mIoU equals mmsegmentation's"
    try:
        from mmseg.evaluation.metrics import IoUMetric
    except ImportError:
        yield Check(name, None, "mmsegmentation is not installed (pip install 'symmbench[mmseg]')")
        return
    import torch

    truth, predicted = _masks()
    theirs = IoUMetric(ignore_index=IGNORE, iou_metrics=["mIoU"], prefix="miou")
    parts = [
        IoUMetric.intersect_and_union(torch.from_numpy(p), torch.from_numpy(t), 11, IGNORE)
        for t, p in zip(truth, predicted, strict=True)
    ]
    totals = [sum(part[i] for part in parts) for i in range(4)]
    reported = theirs.total_area_to_metrics(*totals, ["mIoU"])
    yield _near(name, _miou(truth, predicted), float(np.nanmean(reported["IoU"])), 1e-6)


def _draws() -> Iterator[Check]:
    done = subprocess.run([sys.executable, "-c", GOLDEN], capture_output=True, text=True, timeout=300)
    other = done.stdout.strip()[:12] or done.stderr.strip().rpartition("\n")[2]
    draws = Draws(7, ["test-00000", "test-00001"])
    values = [draws.normal((3, 4, 4), "x").numpy().tobytes(), draws.uniform((5,), "dequantize", 2).numpy().tobytes()]
    here = hashlib.sha256(b"".join(values)).hexdigest()[:12]
    yield Check("noise is the same as on every machine", here == GOLDEN_DRAWS, f"{here}, known {GOLDEN_DRAWS}")
    yield Check("noise is the same in another process", here == other, f"{here} and {other}")


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
    backbone = perceptual.plan(datasets.card("digit-scenes"))
    if isinstance(backbone, str):
        yield Check(name, None, backbone)
        return
    distance = perceptual.load(backbone, "cpu")
    images = datasets.load("digit-scenes", "test").images[:4]
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
            found = next(iter(method.classify(images, steps=(2,), solver="euler", noise=Draws(0, batch.ids))))
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
