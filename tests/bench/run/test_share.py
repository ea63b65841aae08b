"""What a process or part is told of itself: its shards, its device, its workers, who works beside it."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from symmbench.bench.run.share import Share


@pytest.mark.parametrize("share", [Share(world=3), Share(part=1, parts=4), Share(world=3, part=1, parts=2)])
def test_every_shard_is_owned_once(share: Share) -> None:
    """By the ranks of all parts together, and within a part by every so many-th."""
    each = [
        [n for n in range(50) if replace(share, rank=rank, part=part).owns(n)]
        for rank in range(share.world)
        for part in (range(1, share.parts + 1) if share.part else [0])
    ]
    assert sorted(n for own in each for n in own) == list(range(50))
    assert {b - a for own in each for a, b in pairwise(own)} == {share.world * share.parts}


@pytest.mark.parametrize("given", ["0/8", "9/8", "3", "3/0", "-1/2", "a/b", "1/99999999", "3/8/2", ""])
def test_what_is_no_part_is_refused(bench: Any, given: str) -> None:
    done = bench("run", f"--part={given}")
    assert done.returncode == 2
    assert done.stderr == f"error: --part is one of N parts, 1/N to N/N, such as 3/8; not {given!r}.\n"


@pytest.mark.parametrize("said", [("2", "2"), ("-1", "2"), ("x", "2"), ("0", "0"), ("0", "")])
def test_an_environment_of_no_launch_is_refused(bench: Any, said: tuple[str, str]) -> None:
    rank, world = said
    done = bench("run", RANK=rank, WORLD_SIZE=world)
    assert done.returncode == 2 and f"RANK={rank}, WORLD_SIZE={world} in the environment name no process" in done.stderr


def test_each_process_of_a_machine_takes_its_own_device(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    fourth = Share(rank=11, world=16, local_rank=3, local_world=8)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 8)
    assert [fourth.device(name) for name in ("auto", "cuda", "cuda:0", "cpu")] == ["cuda:3", "cuda:3", "cuda:0", "cpu"]
    assert Share().device("auto") == "auto" and Share(part=3, parts=8).device("cuda") == "cuda"
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)  # a launcher that shows each process its own alone
    assert fourth.device("cuda") == "cuda:0"
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert fourth.device("auto") == "auto"
    cores = len(os.sched_getaffinity(0))
    assert fourth.workers(None) == max(0, min(4, cores // 8 - 1)) and fourth.workers(2) == 2


def test_how_many_processes_share_a_machine_and_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    shares = [Share(rank=rank, world=6, local_rank=rank, local_world=6) for rank in range(6)]
    assert Share().beside("auto") == Share(part=1, parts=8).beside("auto") == {}
    assert shares[0].beside("cpu") == {"processes": 6}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert [share.beside("cuda")["processes_on_gpu"] for share in shares] == [2, 2, 1, 1, 2, 2]
    assert shares[2].beside("cuda:0") == {"processes": 6, "processes_on_gpu": 6}
    assert shares[2].beside("cpu") == {"processes": 6}
