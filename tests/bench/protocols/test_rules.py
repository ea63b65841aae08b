"""Named rules."""

from __future__ import annotations

import pytest

from symmbench.bench import metrics
from symmbench.bench.metrics import Subject
from symmbench.bench.protocols import all_rules, rules
from symmbench.bench.tasks import all_tasks
from symmbench.symmflow.errors import InputError


def test_every_metric_of_a_protocol_is_known_and_the_default_has_them_all() -> None:
    for named in all_rules().values():
        for task, names in (named.metrics or {}).items():
            assert all(task in metrics.metric(name).tasks for name in names), named.name
    everything = [
        metric.name
        for task in all_tasks()
        for masks in (True, False)
        for metric in metrics.of(task.name, rules("harness"), Subject((), masks))
    ]
    assert set(everything) == set(metrics.names())
    with pytest.raises(InputError, match="did you mean 'semflow-official'"):
        rules("semflow-oficial")
    with pytest.raises(InputError, match="does not say how to measure cls"):
        rules("sdm").require("cls")
