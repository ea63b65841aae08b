"""What all metrics have in common."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from symmbench.bench import metrics
from symmbench.bench.metrics import Groups, Subject, score
from symmbench.bench.protocols import DEFAULT, rules
from symmbench.bench.records import Evidence, Missing, Shard, write_shard


def test_the_interval_of_a_share_ends_at_0_and_1() -> None:
    wide = Groups.kept(0.5, [0.3, 0.7] * 10, [])
    share, distance = (metrics.metric(name).figure(wide) for name in ("ece", "fid"))
    assert (share.low, share.high) == (0, 1)
    assert distance.low is not None and distance.low < 0 and distance.high is not None and distance.high > 1


@pytest.mark.parametrize("masks", [True, False])
def test_without_judges_every_metric_of_synthesis_is_absent_with_the_reason(masks: bool, tmp_path: Path) -> None:
    """And nothing asks for what only a judge would have left: features, or what was seen in the images."""
    write_shard(tmp_path, 0, Shard({"samples": pd.DataFrame({"id": ["a", "b"], "draw": 0})}, []))
    missing = {role: Missing(f"no {role} here") for role in ("extractor", "lpips", "aligner")}
    subject, evidence = Subject(("x", "y"), masks, judges=missing), Evidence(tmp_path, 1)
    asked = metrics.of("sis", rules(DEFAULT), subject)
    found = score(asked, evidence, subject)
    assert found.absent == {metric.name: f"no {metric.judge} here" for metric in asked} and len(asked) >= 8
    assert not found.figures and not found.details
