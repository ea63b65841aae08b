"""What reaches a terminal is what was meant."""

from __future__ import annotations

import io

from symmbench.bench.cli.terminal import Console


def test_a_name_between_colons_is_no_picture() -> None:
    shown = io.StringIO()
    Console(file=shown, width=80).print("folder:cat: 12 images", highlight=False, markup=False)
    assert shown.getvalue() == "folder:cat: 12 images\n"
