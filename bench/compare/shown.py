"""One record on a page: what was measured, its figures, and all that they stand on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...reports.block import Block, to_html
from ...symmflow.errors import InputError
from ..code import Installed
from ..protocols import Protocol
from ..records import Record, Stored, read_record, read_stored
from ..records.provenance import shared_by
from . import text
from .naming import identity
from .standing import other_code, other_libraries

LISTED = 6
"""Records that a refusal names."""
DIGITS = 16
"""Of a hash; in the JSON it is whole."""
GIB = 2**30
Row = tuple[str, object]


@dataclass(frozen=True, repr=False)
class Shown:
    """A record with its protocol and where it lies. A notebook shows it."""

    stored: Stored
    protocol: Protocol | None
    """None: the store lacks it."""

    @property
    def record(self) -> Record:
        return self.stored.record

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        real = self.stored.evidence.reference
        return {
            "record": self.record.model_dump(mode="json"),
            "protocol": self.protocol.model_dump(mode="json") if self.protocol else None,
            "folder": str(self.stored.folder),
            "whole": self.stored.finished,
            "evidence": dict(_files(self.stored.evidence.folder)),
            "real images": str(real.folder) if real and self.record.reference else None,
        }

    def blocks(self) -> list[Block]:
        parts = {
            identity(self.record): _cell(self.record),
            "checkpoint": _checkpoint(self.record),
            "protocol": _protocol(self.record, self.protocol),
            "cost": _cost(self.record),
            "provenance": _provenance(self.record),
            "evidence": _evidence(self.stored),
        }
        cell, *others = (_pairs(name, rows) for name, rows in parts.items())
        return [cell, *_figures(self.record), *others]

    def __repr__(self) -> str:
        return repr(self.record)

    def _repr_html_(self) -> str:
        return to_html(self.blocks())


def show(key: str, folders: Sequence[Path]) -> Shown:
    """The record of a folder, or the one whose key or checkpoint's fingerprint begins so."""
    stored = _found(key, folders)
    try:
        return Shown(stored, stored.store.protocol(stored.record))
    except InputError:
        return Shown(stored, None)


def _found(key: str, folders: Sequence[Path]) -> Stored:
    given = Path(key).absolute()
    if (file := given if given.is_file() else given / "record.json").is_file():
        return Stored(read_record(file), file.parent)
    cells = read_stored(folders)
    found = [c for c in cells if key and c.record.key.startswith(key)]
    found = found or [c for c in cells if key and c.record.checkpoint.fingerprint.startswith(key)]
    if not found:
        raise InputError(
            f"no record's key, checkpoint or folder begins with {key!r}; `bench list runs` lists the keys."
        )
    if len(found) > 1:
        named = "; ".join(f"{c.record.key[:10]} ({identity(c.record)})" for c in found[:LISTED])
        more = f"; and {len(found) - LISTED} more" if len(found) > LISTED else ""
        raise InputError(f"{len(found)} records begin with {key!r}: {named}{more}. Name one by its key.")
    return found[0]


def _pairs(name: str, rows: Sequence[Row]) -> Block:
    told = [(what, str(value)) for what, value in rows if value not in (None, "", (), [], {})]
    return Block("record", name, ["", ""], told, [], left=(0, 1))


def _cell(r: Record) -> list[Row]:
    return [
        ("key", r.key),
        ("status", r.status if r.status == "ok" else f"{r.status}: {r.failure}"),
        ("measured on", f"{r.dataset}, {r.split}: n = {r.n:,}{f' (the first {r.limit:,})' if r.limit else ''}"),
        ("samples a mask", r.samples_per_mask if r.samples_per_mask > 1 else None),
        ("method", f"{r.method}, version {r.version}"),
        ("steps", ", ".join(str(one) for one in (r.steps, r.solver) if one is not None)),
        ("options", _told(r.options)),
        ("precision", r.precision),
        ("noise", f"seed {r.seed} of {r.noise}"),
    ]


def _figures(r: Record) -> Iterator[Block]:
    if r.metrics:
        rows = [
            (f"{name} {'↑' if one.better == 'higher' else '↓'}", text.figure(one), one.covers)
            for name, one in r.metrics.items()
        ]
        said = ["percent where a figure is a share."]
        yield Block("record", "figures", ["metric", "95 % interval", "covers"], rows, [], said, left=(0, 2))
    if r.absent:
        yield Block("record", "absent", ["metric", "why"], list(r.absent.items()), [], left=(0, 1))


def _checkpoint(r: Record) -> list[Row]:
    made, trained = r.checkpoint, r.checkpoint.trained_steps
    return [
        ("name", made.name),
        ("recipe", f"{made.recipe} ({made.recipe_hash})" if made.recipe else "made elsewhere"),
        ("parameters", None if made.parameters is None else f"{made.parameters:,}"),
        ("trained", None if trained is None else f"{trained:,} steps"),
        ("options", _told(made.options)),
        ("fingerprint", made.fingerprint[:DIGITS]),
        ("SHA-256", made.sha256[:DIGITS]),
    ]


def _protocol(r: Record, p: Protocol | None) -> list[Row]:
    named: list[Row] = [("name", r.protocol["name"]), ("hash", r.protocol["hash"]), ("rules", r.protocol.get("rules"))]
    if p is None:
        return [*named, ("the rest", "is not in the store; copy the folder protocols/ together with the records")]
    return [
        *named,
        *((name, ", ".join(value) if isinstance(value, list) else value) for name, value in p.policy.items()),
        *((role, judge and _short(judge)) for role, judge in p.judges.items()),
        ("judge", r.judge and r.judge.title),
        ("statistics", p.reference[:DIGITS]),
        ("ids", p.ids_sha256[:DIGITS]),
        ("content", p.content_sha256[:DIGITS]),
    ]


def _cost(r: Record) -> list[Row]:
    evaluations = None if r.nfe is None else f"{r.nfe:.4g} an image"
    if r.nfe is not None and r.nfe_executed not in (None, r.nfe):
        evaluations = f"{evaluations}, of which this run spent {r.nfe_executed:.4g}: it shared the others"
    if r.cost is None:
        return [("NFE", evaluations)]
    c = r.cost
    return [
        ("NFE", evaluations),
        ("images/s", text.number(c.images_per_second) if c.images_per_second else None),
        ("measured on", f"{c.timed_batches} batches of {c.batch_size} on {c.device}"),
        ("peak memory", c.peak_memory_bytes and f"{c.peak_memory_bytes / GIB:.2f} GiB"),
    ]


def _provenance(r: Record) -> list[Row]:
    p: Mapping[str, Any] = r.provenance
    at = p.get("commit") or {}
    return [
        ("created", r.created),
        ("command", p.get("command")),
        ("commit", at and f"{at.get('sha')}{' and changes' if at.get('dirty') else ''}"),
        ("code", f"{r.outputs.digest or 'not kept'} of outputs, {r.scoring.digest or 'not kept'} of figures"),
        ("since", "; ".join(said for said in (other_code(r, Installed()), other_libraries(r)) if said)),
        ("packages", _told(p.get("packages", {}), " ")),
        ("Python", p.get("python")),
        ("platform", p.get("platform")),
        ("machine", ", ".join([*(str(p[n]) for n in ("cpu", "gpu") if p.get(n)), *shared_by(p)])),
        ("threads", p.get("threads")),
        ("machines", _told(p.get("machines", {}), ": ")),
        ("shares", ", ".join(p.get("shares", []))),
        ("not repeatable", r.unrepeated),
    ]


def _evidence(stored: Stored) -> list[Row]:
    evidence, r = stored.evidence, stored.record
    real = evidence.reference.folder if evidence.reference and r.reference else None
    return [
        ("folder", stored.folder),
        ("evidence", evidence.folder.name),
        ("whole", "yes" if stored.finished else "no: figures cannot be computed again from it"),
        *((name, f"{count} files, {size:,} bytes") for name, (count, size) in _files(evidence.folder)),
        ("real images", real),
    ]


def _files(folder: Path) -> list[tuple[str, tuple[int, int]]]:
    """The tables that lie there: how many files each has, and their bytes."""
    counts, sizes = Counter[str](), Counter[str]()
    for path in sorted(folder.glob("*-*.parquet")):
        name = path.stem.rpartition("-")[0]
        counts[name] += 1
        sizes[name] += path.stat().st_size
    return [(name, (counts[name], sizes[name])) for name in counts]


def _short(judge: str) -> str:
    name, colon, digest = judge.rpartition(":")
    return f"{name}{colon}{digest[:DIGITS]}"


def _told(values: Mapping[str, Any], between: str = "=") -> str:
    return ", ".join(f"{name}{between}{value}" for name, value in values.items())
