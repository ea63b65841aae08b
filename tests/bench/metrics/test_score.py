"""Figures from evidence: what no judge has looked at is absent with the reason, and breaks nothing."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from symmbench.bench import metrics
from symmbench.bench.metrics import Subject
from symmbench.bench.protocols import DEFAULT, rules
from symmbench.bench.records import Evidence, Missing, Shard, write_shard


def test_a_synthesis_that_nobody_could_judge_is_scored_all_the_same(tmp_path: Path) -> None:
    rows = {"id": ["a", "b", "c"], "draw": [0, 0, 0]}
    for folder in (tmp_path / "made", tmp_path / "real"):
        write_shard(folder, 0, Shard({"samples": pd.DataFrame(rows)}, []))
    reasons = {role: Missing(f"no {role} here") for role in ("extractor", "lpips", "aligner")}
    subject = Subject(("x", "y"), False, judges=reasons)
    asked = metrics.of("sis", rules(DEFAULT), subject)
    found = metrics.score(asked, Evidence(tmp_path / "made", 1, Evidence(tmp_path / "real", 1)), subject)
    assert not found.figures and found.absent["fid"] == "no extractor here"
    assert {"kid", "lpips_gt", "alignment_accuracy"} <= set(found.absent)
