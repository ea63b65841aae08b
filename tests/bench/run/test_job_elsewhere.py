"""A job says nothing that is true of one folder or one machine alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from symmbench import datasets
from symmbench.bench import judges
from symmbench.bench.run.evaluate import Evaluator
from symmbench.bench.run.job import Job
from symmbench.bench.run.plan import plan
from symmbench.bench.run.request import Request
from symmbench.symmflow.errors import InputError


def test_paths_are_meant_from_every_folder(
    untrained_scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(untrained_scenes.parent)
    asked = Request(tasks=["ss"], steps=[1], limit=2, checkpoint=untrained_scenes.name)
    (job,) = plan(asked).jobs
    monkeypatch.chdir(tmp_path)
    opened = Evaluator.open(Job.model_validate_json(job.model_dump_json()), "cpu")
    assert opened.job.checkpoint == str(untrained_scenes)


def test_a_judge_is_looked_up_where_the_job_is_opened(tmp_path: Path) -> None:
    card = datasets.card("digits")
    found = judges.choose("aligner", card)
    assert isinstance(found, judges.Found)
    elsewhere = replace(found, path=tmp_path / "of" / "another" / "machine")
    assert callable(judges.load(elsewhere, card, "cpu"))
    with pytest.raises(InputError, match=r"judge cnn is here digits/cnn:.*, not digits/cnn:0; start again"):
        judges.load(replace(found, identity="digits/cnn:0"), card, "cpu")
