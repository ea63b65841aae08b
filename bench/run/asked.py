"""What the command line says of the fields of a request, beside their types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any


class Asked:
    """What the command line says of a field: its help, its flags where they are not its name, a least value.

    `of`: what kind of name it takes, for the shell to complete; `panel`: the part of the help where it stands.
    """

    def __init__(
        self, help: str, *flags: str, least: int | None = None, of: str | None = None, panel: str | None = None
    ) -> None:
        self.help, self.flags, self.least, self.of, self.panel = help, flags, least, of, panel


MEASURED, RESULTS, MACHINE = "How it is measured", "Results", "Machine and files"
CHECKPOINT = Asked("Folder, or hub:owner/name. Default: the bundled one.")
DATA_ROOT = Asked("Where the files of the data set lie.", panel=MACHINE)
Checkpoint = Annotated[str | None, CHECKPOINT]
DataRoot = Annotated[Path | None, DATA_ROOT]
Device = Annotated[
    str,
    Asked("cpu, cuda, cuda:1; auto takes CUDA where there is one, of several processes each its own.", panel=MACHINE),
]
Size = Annotated[
    str | None, Asked("Size at which images are seen: 256, or HEIGHTxWIDTH. Default: the data set's.", panel=MEASURED)
]
Crop = Annotated[
    str, Asked("Of images at --size: whole (stretched), center, or by-id (a place that the id draws).", panel=MEASURED)
]
Trust = Annotated[bool, Asked("Let configs and pickles from elsewhere run code.", panel=MACHINE)]
Names = Sequence[str]
Options = Mapping[str, Any]
BySeed = Annotated[bool, Asked("A row a seed, instead of the mean over seeds.")]
Sort = Annotated[str | None, Asked("Order rows by a metric, nfe or seconds; the best first.", of="metric")]
Columns = Annotated[Names | str, Asked("Only these columns of the tables, in this order: steps,miou,images/s.")]
Mixed = Annotated[bool, Asked("Put rows of different protocols into one table, stamped.", "--allow-protocol-diff")]
Baseline = Annotated[
    str | None,
    Asked("Judge every row against this method at equal steps, or against one row: symmflow@1; symmflow@5,heun."),
]
Pareto = Annotated[
    str | None, Asked("The front of this metric against NFE and seconds, and the cheapest row good enough.")
]
Within = Annotated[
    float | None, Asked("How much worse than the best is good enough for --pareto. Default: the metric's floor.")
]
Spread = Annotated[
    str | None, Asked("Split the chance in this metric by source: test images, generation seeds, training runs.")
]
Itself = Annotated[
    bool, Asked("Compare every row with itself: how often is a difference found that is none?", "--self")
]
Floors = Annotated[Path | str | None, Asked("TOML file of the smallest differences that matter.")]
JudgedBy = Annotated[str | None, Asked("Where the model lies that judged alignment. Default: as in the record.")]
CheckedOn = Annotated[
    str | None, Asked("Data set. Default: all for which it has a bundled checkpoint.", "--dataset", "-d")
]
Paper = Annotated[
    str | None,
    Asked("A paper's table with ours beside it, one of `bench list papers`: symmflow-table-2.", of="paper"),
]
