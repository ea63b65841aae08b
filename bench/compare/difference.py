"""Is one better than the other? Differences of two rows of a table, paired by sample id, with a verdict."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ...symmflow.errors import InputError, unknown
from .. import statistics
from ..metrics.sample import Groups, Sample, Stored, Values, sample
from ..statistics import Difference

FLOORS = Path(__file__).parent / "floors.toml"


@dataclass(frozen=True)
class Verdict:
    """A difference of one metric and what it means."""

    metric: str
    difference: Difference
    """Ours minus the baseline's, in the units of the metric."""
    floor: float
    """Differences smaller than this do not matter."""
    p: float
    """Adjusted for all comparisons of the table (Holm)."""
    word: str
    """`better`, `worse`, `equivalent` or `inconclusive`."""
    reason: str
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Floor:
    """The smallest difference that matters: absolute, or a share of the baseline's value."""

    absolute: float | None = None
    relative: float | None = None

    def of(self, value: float) -> float:
        return self.absolute if self.absolute is not None else (self.relative or 0.0) * abs(value)


def read_floors(path: Path | None = None) -> dict[str, Floor]:
    """Floors by metric family, `accuracy` or `fid`; the file's own, over the defaults."""
    floors = _floors(FLOORS)
    if path is None:
        return floors
    own = _floors(path)
    for name in own.keys() - floors.keys():
        raise unknown("floor", name, floors)
    return floors | own


@lru_cache(maxsize=8)
def _floors(path: Path) -> dict[str, Floor]:
    try:
        tables = tomllib.loads(path.read_text())
    except OSError as error:
        raise InputError(f"{path} cannot be read as a file of floors: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a valid TOML file: {error}.") from None
    floors = {}
    for name, table in tables.items():
        right = isinstance(table, dict) and len(table) == 1 and set(table) <= {"absolute", "relative"}
        if not right or not all(isinstance(v, int | float) and v >= 0 for v in table.values()):
            raise InputError(f"{path}: {name} takes either absolute = X or relative = X, zero or more.")
        floors[name] = Floor(**{k: float(v) for k, v in table.items()})
    return floors


def verdict(
    metric: str, found: Difference, *, higher_is_better: bool, floor: float, p: float, seeds: Sequence[int] = ()
) -> Verdict:
    """What a difference means.

    Equivalent: the 90 % interval lies inside the floor (two one-sided tests at 5 %). Else better or worse: the 95 %
    interval excludes zero and the p value, adjusted for the whole table, is below 5 %. Else inconclusive.
    """
    shown = f"[{found.low:+.4g}, {found.high:+.4g}]"
    if found.within(floor):
        word, reason = "equivalent", f"the 90 % interval lies inside the floor of {floor:.3g}"
    elif (found.low > 0 or found.high < 0) and p < 0.05:
        word = "better" if (found.value > 0) == higher_is_better else "worse"
        reason = f"the 95 % interval {shown} excludes zero"
    elif found.low > 0 or found.high < 0:
        word, reason = (
            "inconclusive",
            f"the interval excludes zero, but not after correcting for the table (p = {p:.2g})",
        )
    else:
        word, reason = (
            "inconclusive",
            f"the 95 % interval {shown} holds zero and reaches beyond the floor of {floor:.3g}",
        )
    return Verdict(metric, found, floor, p, word, reason, tuple(seeds))


def difference(metric: str, ours: Sequence[Stored], base: Sequence[Stored]) -> Difference | str:
    """Ours minus the baseline's over the same ids, or why it cannot be told. Records of one row: one a seed.

    Seeds that both have are paired; where they share none, all seeds of each side are averaged. Where single images
    or groups of them are not known, three shared seeds or more give a t interval over seeds.
    """
    ours, base = shared_seeds(ours, base)
    if ours[0][0].protocol["hash"] != base[0][0].protocol["hash"]:
        return "different protocols"
    try:
        a, b = sample(metric, ours), sample(metric, base)
    except InputError as error:  # evidence that was pruned or is damaged: other metrics and rows can still be told
        return str(error)
    if not isinstance(a, str) and not isinstance(b, str):
        return between(a, b) if a.ids == b.ids else "the evidence is not of the same images"
    values = [{r.seed: r.metrics[metric].value for r, _ in side} for side in (ours, base)]
    if len(values[0]) > 2 and values[0].keys() == values[1].keys():  # without evidence of images there are the seeds
        return statistics.over_seed_pairs(list(values[0].values()), [values[1][seed] for seed in values[0]])
    return a if isinstance(a, str) else str(b)


def between(a: Sample, b: Sample) -> Difference:
    """The difference of a metric of two rows that were measured on the same images."""
    if isinstance(a, Groups) and isinstance(b, Groups):
        parts = (part.tolist() for part in (a.without, b.without, a.second, b.second))
        return statistics.paired_jackknife(a.whole - b.whole, *parts)
    if isinstance(a, Values) and isinstance(b, Values) and a.binary and b.binary:
        return statistics.paired_shares(a.values > 0, b.values > 0)
    return statistics.paired_bootstrap(lambda weights: a.at(weights) - b.at(weights), len(a.ids))


def shared_seeds(ours: Sequence[Stored], base: Sequence[Stored]) -> tuple[list[Stored], list[Stored]]:
    """The records of the seeds that both sides have; all where there is none, or where one side needs no seed."""
    both = {r.seed for r, _ in ours} & {r.seed for r, _ in base}
    once = any(r.steps is None and r.solver is None for r, _ in (*ours, *base))  # the same for every seed
    if not both or once:
        return list(ours), list(base)
    return [s for s in ours if s[0].seed in both], [s for s in base if s[0].seed in both]
