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
OnlyTasks = Annotated[Names | str, Asked("Only these tasks.", "--task", "-t", of="task")]
OnlyDatasets = Annotated[Names | str, Asked("Only these data sets.", "--dataset", "-d", of="dataset")]
OnlyMethods = Annotated[Names | str, Asked("Only these methods.", "--method", "-m", of="method")]
OnlySteps = Annotated[Sequence[int] | int, Asked("Only these step counts.", "--steps", least=1)]
OnlyProtocol = Annotated[
    str, Asked("Only this protocol: its name or file, or the beginning of its hash.", of="protocol")
]
BySeed = Annotated[bool, Asked("A row a seed, instead of the mean over seeds.")]
Sort = Annotated[str | None, Asked("Order rows by a metric, nfe or seconds; the best first.", of="metric")]
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
Paper = Annotated[
    str | None,
    Asked("A paper's table with ours beside it, one of `bench list papers`: symmflow-table-2.", of="paper"),
]
