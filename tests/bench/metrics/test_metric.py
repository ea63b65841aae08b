"""What all metrics have in common."""

from __future__ import annotations

from symmbench.bench import metrics
from symmbench.bench.metrics import Groups


def test_the_interval_of_a_share_ends_at_0_and_1() -> None:
    wide = Groups.kept(0.5, [0.3, 0.7] * 10, [])
    share, distance = (metrics.metric(name).figure(wide) for name in ("ece", "fid"))
    assert (share.low, share.high) == (0, 1)
    assert distance.low is not None and distance.low < 0 and distance.high is not None and distance.high > 1
