"""Which cells are wanted, and whether they may stand in one table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ...symmflow.errors import InputError
from ..protocols import DEFAULT, fields_apart
from ..records import Stored
from ..tasks.wanted import Filter as Filter


def choose(cells: Sequence[Stored], wanted: Filter) -> list[Stored]:
    """The wanted cells, of which there must be some."""
    wanted.check([cell.record for cell in cells])
    chosen = [cell for cell in cells if wanted(cell.record)]
    if wanted.protocol:  # a hash is of one task and data set; it says nothing of the others
        of_hash = {_of(cell) for cell in chosen if cell.record.protocol["hash"].startswith(wanted.protocol)}
        if of_hash:
            rest = replace(wanted, protocol="")
            chosen += [cell for cell in cells if _of(cell) not in of_hash and rest(cell.record)]
    if not chosen:
        raise InputError(
            "no record matches; drop a filter (--task, --dataset, --method, --steps, --protocol), or run more cells."
        )
    return chosen


def check_protocols(cells: Iterable[Stored]) -> None:
    """Refuse cells of one task and data set that were measured under several protocols."""
    groups: dict[tuple[str, str], dict[str, list[Stored]]] = {}
    for cell in cells:
        if cell.record.status == "ok":
            groups.setdefault(_of(cell), {}).setdefault(cell.record.protocol["hash"], []).append(cell)
    for (dataset, of), found in groups.items():
        if len(found) > 1:
            each = []
            for hashed, members in found.items():
                first = members[0].record
                rules = first.protocol.get("rules", DEFAULT)
                each.append(f"{hashed[:8]} ({rules}, {first.split}, n = {first.n:,}, {len(members)} cells)")
            raise InputError(
                f"{dataset}/{of} was measured under {len(found)} protocols: {', '.join(each)}. They differ in "
                f"{apart([cell for members in found.values() for cell in members])}. Choose one with --protocol "
                f"{next(iter(found))[:8]}, or put them into one table, stamped, with --allow-protocol-diff."
            )


def apart(cells: Sequence[Stored]) -> str:
    """The fields in which the protocols of some cells differ."""
    first, *others = dict.fromkeys(cell.record.protocol["hash"] for cell in cells)
    stores = list(dict.fromkeys(cell.store.root for cell in cells))
    fields = dict.fromkeys(field for other in others for field in fields_apart(first, other, stores))
    return ", ".join(fields) or "fields that cannot be told, because the stores lack protocols/"


def _of(cell: Stored) -> tuple[str, str]:
    return cell.record.dataset, cell.record.task
