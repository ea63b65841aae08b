"""`bench compare` of what `bench run` made."""

from __future__ import annotations

import json
from typing import Any

RUN = ("run", "-t", "cls", "-d", "two-spirals")


def test_compare_prints_the_papers_row(bench: Any) -> None:
    bench(*RUN, "--steps", "1,50")
    done = bench("compare", "--format", "md")
    rows = [line for line in done.stdout.splitlines() if line.startswith("| symmflow")]
    assert "| 100.0 |" in rows[0] and "| 82.0 |" in rows[1]


def test_the_papers_rows_stand_beside_ours_with_caveats(bench: Any) -> None:
    assert bench("run", "-t", "cls", "-d", "two-spirals", "--steps", "1,5").returncode == 0
    done = bench("compare", "--against", "published", "--json")
    rows = json.loads(done.stdout)["published"]
    assert [r["steps"] for r in rows] == [1, 2, 5, 10, 20, 50]
    assert rows[0]["value"] == 1.0 and rows[0]["ours"]["value"] > 0.9 and rows[1]["ours"] is None
    shown = bench("compare", "--against", "published").stdout
    assert "as published" in shown and "no difference is tested" in shown


def test_compare_refuses_mixed_protocols_unless_told(bench: Any) -> None:
    for limit in ("40", "80"):
        assert bench("run", "-t", "cls", "-d", "digits", "--steps", "1", "--limit", limit).returncode == 0
    refused = bench("compare")
    assert refused.returncode == 2 and "They differ in n, ids_sha256" in refused.stderr
    assert "content_sha256" not in refused.stderr  # a limit takes other samples of the same content
    assert bench("compare", "--protocol", refused.stderr.partition("--protocol ")[2].split(",")[0]).returncode == 0
    stamped = bench("compare", "--allow-protocol-diff")
    assert stamped.returncode == 0 and "NOT COMPARABLE" in stamped.stdout
