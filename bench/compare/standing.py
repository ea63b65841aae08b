"""Whether figures are of the code that is installed: what tables stamp, and what a gate refuses."""

from __future__ import annotations

from collections.abc import Sequence

from ...symmflow.errors import InputError
from ..code import Installed
from ..records import Record, Stored, provenance
from .gate import by_name, counterpart
from .naming import identity


def other_code(record: Record, installed: Installed) -> str:
    """In what the code that made a record is another one than is installed; empty where it is not."""
    changes = (code.changed(installed.again(code)) for code in (record.outputs, record.scoring))
    return next(filter(None, changes), "")


def other_libraries(record: Record) -> str:
    """The libraries that have another version than when a record was made."""
    return ", ".join(provenance.moved(record.provenance))


def refuse(baseline: Sequence[Stored], results: Sequence[Stored]) -> None:
    """Refuse what says nothing of the code that is installed: results of other code, or the baseline's own records.

    A baseline may be of other code, unless its evidence would be scored by this one.
    """
    installed, named = Installed(), by_name(results)
    found = [(base.record, ours.record) for base in baseline if (ours := counterpart(base, named))]
    pairs = [(base, record) for base, record in found if record.status == "ok"]
    old = [(record, why) for _, record in pairs if (why := other_code(record, installed))]
    if old:
        record, why = old[0]
        others = f", as are {len(old) - 1} more cells" if len(old) > 1 else ""
        raise InputError(
            f"'{identity(record)}' is of other code than is installed ({why}){others}; `bench run` evaluates it again."
        )
    if pairs and all(record.is_same(base) for base, record in pairs):
        raise InputError(
            "the results are the baseline's own records, which say nothing new; evaluate again with "
            "`bench run --force`, or into another folder with --out."
        )
    remedy = "keep a baseline as a file, saved with the code of its figures"
    for base in baseline:
        if base.record.status == "ok" and base.evidence.folder.is_dir():
            refuse_other_scoring(base.record, installed, remedy)


def refuse_other_scoring(record: Record, installed: Installed, remedy: str) -> None:
    """Refuse a record whose figures are not what the installed code makes of its evidence."""
    if why := record.scoring.changed(installed.again(record.scoring)):
        raise InputError(
            f"the figures of '{identity(record)}' are of other code than is installed ({why}), which would read the "
            f"evidence otherwise; {remedy}."
        )
