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
