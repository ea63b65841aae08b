"""The costly terms of the metrics against their peers, in turns in one process; and what evidence costs.

python tests/benchmarks/metrics.py speed      # Fréchet distance, confusion counts: ratios with intervals
python tests/benchmarks/metrics.py size       # evidence of 5,000 segmentations of 171 classes, on disk
python tests/benchmarks/metrics.py memory     # resident memory while 50,000 features are written and scored
python tests/benchmarks/metrics.py compare    # `bench compare` of two folders: 5 methods, 3 tasks, 6 step counts each
python tests/benchmarks/metrics.py intervals  # paired mIoU intervals of 10 rows, 5,000 images, 171 classes

Each ends with exit code 1 if a promise is broken; what was measured last stands in reports/measurements.md.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from symmbench.bench.checks.parity import areas, miou
from symmbench.bench.metrics.areas import Areas
from symmbench.bench.metrics.confusion import sparse_confusion
from symmbench.bench.metrics.frechet import frechet, frechet_distance, kernel_distance
from symmbench.bench.metrics.segmentation import MeanIoU
from symmbench.bench.records import (
    SHARD,
    CheckpointFacts,
    Cost,
    Evidence,
    Figure,
    Record,
    Shard,
    shard_count,
    write_shard,
)
from symmbench.bench.records.evidence import mask_png

CLASSES = 171
BENCH = [sys.executable, "-m", "symmbench.bench"]


def ratio(name: str, peer: Callable[[], object], ours: Callable[[], object], rounds: int, least: float) -> None:
    """How many times as long the peer takes, at least `least`; one round of each goes uncounted."""
    logs = []
    for number in range(rounds + 1):
        seconds = []
        for call in (peer, ours):
            start = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - start)
        if number:
            logs.append(float(np.log(seconds[0] / seconds[1])))
    low, high = np.exp(stats.ttest_1samp(logs, 0).confidence_interval())
    value = float(np.exp(np.mean(logs)))
    print(f"{name} takes {value:.2f} [{low:.2f}, {high:.2f}] times as long ({rounds} rounds)", flush=True)
    assert value >= least, f"less than {least} times"


def speed(rounds: int) -> None:
    import torch
    from cleanfid.fid import frechet_distance as clean_fid
    from scipy.linalg import sqrtm
    from torchmetrics.classification import MulticlassConfusionMatrix

    random = np.random.default_rng(0)
    moments = []
    for shift in (0.0, 0.1):
        features = random.normal(size=(5000, 2048)) * np.linspace(1.5, 0.1, 2048) + shift
        moments += [features.mean(axis=0), np.cov(features, rowvar=False)]

    def by_clean_fid() -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return float(clean_fid(*moments))

    def by_sqrtm() -> float:
        root = np.real(sqrtm(moments[1] @ moments[3]))
        return float(np.square(moments[0] - moments[2]).sum() + np.trace(moments[1] + moments[3] - 2 * root))

    ours = frechet_distance(*moments)
    for other in (by_clean_fid(), by_sqrtm()):
        assert abs(ours - other) <= 1e-6 * abs(other), (ours, other)
    print(f"Fréchet distance of 5,000 features of 2,048 dimensions: {ours:.9g}, equal to 1e-6")
    ratio("clean-fid's term", by_clean_fid, lambda: frechet_distance(*moments), rounds, 2.0)

    truth, predicted = segmentations(random, 16)
    stored = torch.from_numpy(truth), torch.from_numpy(predicted)
    matrix = MulticlassConfusionMatrix(CLASSES, ignore_index=255)
    ratio(
        "torchmetrics' confusion matrix of 16 masks, 512x512, 171 classes",
        lambda: matrix.update(stored[1], stored[0]),
        lambda: sparse_confusion(truth, predicted, CLASSES),
        rounds,
        1.0,
    )
    try:
        from mmseg.evaluation.metrics import IoUMetric
    except ImportError:
        print("mmsegmentation is not installed")
        return
    ratio(
        "mmsegmentation's intersections and unions of the same",
        lambda: [IoUMetric.intersect_and_union(p, t, CLASSES, 255) for t, p in zip(*stored, strict=True)],
        lambda: sparse_confusion(truth, predicted, CLASSES),
        rounds,
        1.0,
    )


def segmentations(random: np.random.Generator, count: int, side: int = 512) -> tuple[np.ndarray, np.ndarray]:
    """Truth: regions around eight points of random classes, 2 % of it void. Prediction: the same points, moved, some
    of another class, and specks, as a generative segmenter leaves them."""
    rows, columns = np.mgrid[:side, :side]
    made: list[list[np.ndarray]] = [[], []]
    for _ in range(count):
        points, classes = random.uniform(0, side, size=(8, 2)), random.integers(CLASSES, size=8)
        moved = points + random.normal(scale=side / 50, size=(8, 2))
        seen = np.where(random.random(8) < 0.7, classes, random.integers(CLASSES, size=8))
        for where, names, out in ((points, classes, made[0]), (moved, seen, made[1])):
            nearest = np.stack([(rows - r) ** 2 + (columns - c) ** 2 for r, c in where]).argmin(axis=0)
            out.append(names[nearest].astype(np.int64))
        made[0][-1][: side // 50] = 255
        specks = random.random((side, side)) < 0.002
        made[1][-1][specks] = random.integers(CLASSES, size=int(specks.sum()))
    return np.stack(made[0]), np.stack(made[1])


def size() -> None:
    """Also counts what goes into a baseline file: the same without the masks."""
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        kinds: dict[str, float] = {}
        for number in range(2):  # of 20 shards: images are alike, so two tell
            tables: dict[str, list[pd.DataFrame]] = {"confusion": [], "samples": []}
            for first in range(0, 256, 32):
                ids = np.array([f"val-{number * 256 + first + i:06d}" for i in range(32)])
                truth, predicted = segmentations(random, 32)
                image, t, p, count = sparse_confusion(truth, predicted, CLASSES)
                columns = {"truth": t.astype(np.int16), "prediction": p.astype(np.int16), "pixels": count}
                tables["confusion"].append(pd.DataFrame({"id": ids[image], **columns}))
                tables["samples"].append(pd.DataFrame({"id": ids, "png": list(map(mask_png, predicted))}))
            joined = {name: pd.concat(parts, ignore_index=True) for name, parts in tables.items()}
            write_shard(Path(folder), number, Shard(joined, []))
        for path in Path(folder).rglob("*.parquet"):
            kinds[path.name.rpartition("-")[0]] = kinds.get(path.name.rpartition("-")[0], 0) + path.stat().st_size
        each = {name: total / 512 * 5000 / 1e6 for name, total in kinds.items()}
        parts = ", ".join(f"{name} {mega:.1f} MB" for name, mega in each.items())
        print(f"5,000 images of 171 classes, 512x512: {sum(each.values()):.1f} MB ({parts})")
        assert sum(each.values()) < 60


def memory() -> None:
    """Each size in a process of its own; the peak of resident memory is the process's."""
    peaks = []
    for n in (5_000, 50_000):
        done = subprocess.run([sys.executable, __file__, "one", str(n)], capture_output=True, text=True, check=True)
        print(done.stdout.strip(), flush=True)
        peaks.append(float(done.stdout.split(" MB after scoring")[0].split()[-1].replace(",", "")))
    assert peaks[1] < 1.1 * peaks[0], "memory grows with the samples"


def one(n: int, d: int = 512) -> None:
    """Write and score n features of d dimensions against as many."""
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        sides = [Path(folder) / name for name in ("made", "real")]
        for side, shift in zip(sides, (0.1, 0.0), strict=True):
            for number in range(shard_count(n)):
                ids = [f"test-{i:06d}" for i in range(number * SHARD, min((number + 1) * SHARD, n))]
                features = (random.normal(size=(len(ids), d)) + shift).astype(np.float32)
                table = pd.DataFrame({"id": ids, "features": list(features)})
                write_shard(side, number, Shard({"samples": table}, []))
        written = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        made, real = (Evidence(side, shard_count(n)) for side in sides)
        value = frechet(made.features, real.features).interval.value
        kernel_distance(made.features, real.features)
        scored = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{n:,} features of {d}: peak {written:,.0f} MB after writing, {scored:,.0f} MB after scoring ({value:.3f})")


def compare() -> None:
    """Two stores of 5 methods x 3 tasks x 6 step counts with evidence of 1,000 samples, a seed each, and a baseline."""
    random = np.random.default_rng(0)
    ids = [f"test-{i:05d}" for i in range(1000)]
    with tempfile.TemporaryDirectory() as name:
        number = 0
        rivals = ("symmflow", "semflow", "fm", "dsm", "diffusion-classifier")
        cells = product((0, 1), rivals, ("cls", "ss", "sis"), (1, 2, 5, 10, 20, 25))
        for seed, method, task, steps in cells:
            write_cell(Path(name) / f"results{seed}", number, seed, method, task, steps, ids, random)
            number += 1
        start = time.perf_counter()
        command = [*BENCH, "compare", "results0", "results1", "--baseline", "symmflow", "--pareto", "miou"]
        done = subprocess.run(command, cwd=name, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        taken = time.perf_counter() - start
        start = time.perf_counter()
        subprocess.run([*BENCH, "--help"], cwd=name, capture_output=True, check=True)
        bare = time.perf_counter() - start
        print(f"{number} cells compared in {taken:.1f} s here, {taken / bare:.0f} times `bench --help`")
        assert taken / bare < 60


def intervals(rows: int = 10, n: int = 5000) -> None:
    """`bench compare` of the sparse counts of all rows, each against the first: time and peak of one process."""
    ids = [f"val-{i:06d}" for i in range(n)]
    with tempfile.TemporaryDirectory() as name:
        for number in range(rows):
            write_counts(Path(name) / "results" / "made-up" / "ss" / str(number), number, ids)
        start = time.perf_counter()
        done = subprocess.run(
            [*BENCH, "compare", "results", "--baseline", "m0", "--json"], cwd=name, capture_output=True, text=True
        )
        taken = time.perf_counter() - start
    assert done.returncode == 0, done.stderr
    told = done.stdout.count('"inner_low"')
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(
        f"{told} paired intervals of {rows} rows, {n:,} images, {CLASSES} classes: {taken:.1f} s, peak {peak:,.0f} MB"
    )
    assert told == rows - 1 and taken < 60 and peak < 2048


def write_counts(folder: Path, number: int, ids: list[str]) -> None:
    """Eight regions an image, of which seven in ten are called by their class, and specks of any: all rows see the same
    regions."""
    random, found = np.random.default_rng(number), []
    for shard in range(shard_count(len(ids))):
        mine, shared = np.array(ids[shard * SHARD : (shard + 1) * SHARD]), np.random.default_rng([99, shard])
        truth = shared.permuted(np.tile(np.arange(CLASSES), (len(mine), 1)), axis=1)[:, :8].ravel()
        area = np.ceil(shared.dirichlet(np.ones(8), size=len(mine)).ravel() * 512**2).astype(np.int64)
        seen = np.where(random.random(len(truth)) < 0.7, truth, random.integers(CLASSES, size=len(truth)))
        specks = random.binomial(area, 0.002)
        at = np.concatenate([np.arange(len(truth)), np.repeat(np.arange(len(truth)), specks)])
        called = np.concatenate([seen, random.integers(CLASSES, size=int(specks.sum()))])
        pixels = np.concatenate([area - specks, np.ones(int(specks.sum()), dtype=np.int64)])
        keys, place = np.unique(at * CLASSES + called, return_inverse=True)
        counts = np.bincount(place, pixels).astype(np.int64)
        region, prediction = keys // CLASSES, keys % CLASSES
        columns = {"truth": truth[region].astype(np.int16), "prediction": prediction.astype(np.int16), "pixels": counts}
        confusion = pd.DataFrame({"id": mine[region // 8], **columns})
        found.append((region // 8 + shard * SHARD, truth[region], prediction, counts))
        write_shard(
            folder / "evidence", shard, Shard({"samples": pd.DataFrame({"id": mine}), "confusion": confusion}, [])
        )
    joined = [np.concatenate(parts) for parts in zip(*found, strict=True)]
    sample = MeanIoU(tuple(ids), Areas.from_sparse(*joined, n=len(ids), num_classes=CLASSES))
    details = {"classes": [str(k) for k in range(CLASSES)], "ignored_classes": []}
    write_record(folder, number, 0, f"m{number}", "ss", 1, len(ids), {"miou": Figure(value=sample.value)}, details)


def write_cell(
    root: Path, number: int, seed: int, method: str, task: str, steps: int, ids: list[str], random: np.random.Generator
) -> None:
    folder = root / "made-up" / task / str(number)
    n, details = len(ids), {}
    if task == "cls":
        right = random.random(n) < 0.9
        frame = {"id": ids, "label": 0, "prediction": np.where(right, 0, 1), "scale": "logit"}
        tables = {"samples": pd.DataFrame(frame)}
        metrics = {"accuracy": Figure(value=float(right.mean()))}
    elif task == "ss":
        truth = np.random.default_rng(0).integers(11, size=(n, 8, 8))  # the same to all
        predicted = random.integers(11, size=truth.shape)
        predicted = np.where(random.random(truth.shape) < 0.7, truth, predicted)
        image, t, p, count = sparse_confusion(truth, predicted, 11)
        tables = {
            "confusion": pd.DataFrame({"id": np.array(ids)[image], "truth": t, "prediction": p, "pixels": count}),
            "samples": pd.DataFrame({"id": ids, "png": list(map(mask_png, predicted))}),
        }
        metrics = {"miou": Figure(value=miou(areas(truth, predicted, 11)))}
        details = {"classes": [str(k) for k in range(11)], "ignored_classes": []}
    else:
        tables = {"samples": pd.DataFrame({"id": ids, "draw": 0})}
        value = float(random.normal(10, 1))
        metrics = {"fid": Figure(value=value, unit="distance", better="lower")}
        without = (value + random.normal(scale=0.02, size=20)).tolist()
        details = {"jackknife": {"fid": {"without": without, "second": []}}}
    for shard in range(shard_count(n)):
        mine = ids[shard * SHARD : (shard + 1) * SHARD]
        parts = {name: table[table["id"].isin(mine)] for name, table in tables.items()}
        write_shard(folder / "evidence", shard, Shard(parts, []))
    write_record(folder, number, seed, method, task, steps, n, metrics, details)


def write_record(
    folder: Path, number: int, seed: int, method: str, task: str, steps: int, n: int,
    metrics: dict[str, Figure], details: dict[str, object],
) -> None:  # fmt: skip
    record = Record(
        key=str(number), status="ok", method=method, task=task, dataset="made-up", split="test", steps=steps,
        checkpoint=CheckpointFacts(name=method, sha256="", fingerprint=method, recipe=method, parameters=1),
        solver="euler", precision="fp32", seed=seed, limit=None, samples_per_mask=1, noise="philox", n=n, nfe=steps,
        metrics=metrics, details=details, cost=Cost(batch_size=64, device="cpu", images_per_second=100 / steps),
        protocol={"name": "p", "hash": f"p-{task}", "rules": "harness"},
    )  # fmt: skip
    (folder / "record.json").write_text(record.model_dump_json())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "size", "memory", "compare", "intervals", "one"])
    parser.add_argument("n", type=int, nargs="?", default=5000, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=6)
    arguments = parser.parse_args()
    if arguments.what == "speed":
        speed(arguments.rounds)
    elif arguments.what == "one":
        one(arguments.n)
    else:
        {"size": size, "memory": memory, "compare": compare, "intervals": intervals}[arguments.what]()


if __name__ == "__main__":
    main()
