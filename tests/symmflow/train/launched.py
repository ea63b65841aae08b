"""Trainings on several processes, forked by Accelerate from one that has imported everything: the jobs in a file.

A job says how many processes, how many steps, whether the caller shards the network, and where to stop it. What each
process saw is written beside its folder, as `seen-RANK.json`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import diffusers.optimization  # noqa: F401  all that a training imports, before the forks
import torch
import torch.distributed as dist
import torch.distributed.checkpoint
from accelerate import debug_launcher
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin
from torch import Tensor, nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor
from torch.multiprocessing import start_processes

from symmbench.symmflow.errors import InputError
from symmbench.symmflow.train import Progress, Trainer

HERE = Path(__file__).parent


def module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found
    spec.loader.exec_module(found)
    return found


blobs, dying = module(HERE / "conftest.py"), module(HERE.parents[1] / "dying.py")


class Tiny(nn.Module):
    """Two convolutions, and the time between them."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.time, self.last = nn.Conv2d(4, 6, 3, padding=1), nn.Linear(1, 6), nn.Conv2d(6, 4, 3, padding=1)

    def forward(self, z: Tensor, t: Tensor) -> Tensor:
        time = torch.sin(1000 * t[:, None])  # would show a t that is rounded
        return self.last(torch.tanh(self.first(z) + self.time(time)[..., None, None]))


def told_to_shard(accelerator: Any) -> Any:
    """As `accelerate launch --config_file fsdp.yaml` makes it, which on a CPU makes DDP in silence."""
    accelerator.state.distributed_type = DistributedType.FSDP
    accelerator.state.fsdp_plugin = FullyShardedDataParallelPlugin(fsdp_version=2, auto_wrap_policy="NO_WRAP")
    if accelerator.mixed_precision != "no":
        accelerator.state.fsdp_plugin.set_mixed_precision(accelerator.mixed_precision)
    return accelerator


def train(job: dict[str, Any]) -> None:
    """In a process of its own."""
    AcceleratorState._reset_state(True)
    out, rank, seen = Path(job["out"]), dist.get_rank() if dist.is_initialized() else 0, dict[str, Any]()
    settings = {name: job[name] for name in ("precision", "accumulate") if name in job}
    recipe = blobs._recipe(checkpoint_every=3, log_every=3, **settings)
    schedule = recipe.schedule.model_copy(update={"steps": 6})
    optimizer = recipe.optimizer.model_copy(update={"clip": job.get("clip", recipe.optimizer.clip)})
    recipe = recipe.model_copy(update={"schedule": schedule, "optimizer": optimizer})
    torch.manual_seed(1)
    trainer = blobs._trainer(out, recipe, Tiny())
    if job.get("fsdp"):
        trainer._accelerator = lambda: told_to_shard(Trainer._accelerator(trainer))
    if job.get("shard"):
        sizes = {name: p.numel() for name, p in trainer.network.named_parameters()}
        for child in trainer.network.children():
            fully_shard(child)
        fully_shard(trainer.network)
        parameters = dict(trainer.network.named_parameters())
        seen["sharded"] = all(isinstance(p, DTensor) for p in parameters.values())
        seen["whole"], seen["here"] = sum(sizes.values()), sum(p.to_local().numel() for p in parameters.values())

    def report(now: Progress) -> None:
        seen["world"], seen["last"] = dist.get_world_size() if dist.is_initialized() else 1, now.step
        seen.setdefault("first", now.step)
        if job.get("stop") == [rank, now.step]:
            os.kill(os.getpid(), signal.SIGTERM)

    trainer.report = report
    try:
        if "die" in job and rank == job["die"][0]:
            with dying.Dying(out, job["die"][1], kill=True):
                trainer.train(job.get("steps"))
        else:
            trainer.train(job.get("steps"), job.get("seconds", [None] * job["world"])[rank])
    except KeyboardInterrupt as stopped:
        seen["stopped"] = str(stopped)
    except RuntimeError:
        if "die" in job:
            signal.pause()  # the launcher, which is to see the killed one first, ends this one
        raise
    except InputError as error:
        seen["refused"] = f"{type(error).__name__}: {error}"
    finally:
        seen["pieces"] = all(isinstance(p, DTensor) for p in trainer.network.parameters())
        out.with_name(f"{out.name}-seen-{rank}.json").write_text(json.dumps(seen))


def alone(number: int, job: dict[str, Any]) -> None:
    train(job)
    if job.get("before"):
        blobs._as_before(Path(job["out"]), [name for name, _ in Tiny().named_parameters()], 2)


for asked in json.loads(Path(sys.argv[1]).read_text()):
    try:
        if asked["world"] == 1:
            start_processes(alone, (asked,), nprocs=1, start_method="fork")
        else:
            debug_launcher(train, (asked,), asked["world"])
    except Exception as ended:
        print(f"{asked['out']}: {ended}")
