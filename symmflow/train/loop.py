"""The trainer: one loop on Accelerate for any objective, resumable bit for bit.

Every draw is keyed by (seed, step, sample id), so a run that stops and resumes, on one process or many, sees the
same batches and the same noise.
"""

from __future__ import annotations

import csv
import io
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from ..checkpoint import Checkpoint, open_checkpoint, save_checkpoint
from ..errors import InputError
from ..networks import parameter_count
from ..noise import Draws, generator
from ..objective import Objective
from ..recipe import DataConfig, Recipe

STATE = "state.pt"


class TrainingSet(Protocol):
    """What the trainer needs of data: `batch(index)` has .ids, .images [B, C, ...] float32 and .labels int64."""

    def __len__(self) -> int: ...
    def batch(self, index: Sequence[int] | np.ndarray) -> Any: ...


@dataclass
class Progress:
    """What a training reports after every step."""

    step: int
    steps: int
    loss: float
    images_per_second: float


@dataclass
class Trainer:
    """Trains `network` with `objective` on `data` as the recipe says, into the folder `out`.

    `out/state.pt` holds what resuming needs and is written every `checkpoint_every` steps, at the end, and on Ctrl-C or
    SIGTERM. `out/checkpoint` is the finished `Checkpoint`. Calling `train` again goes on where the last one stopped.
    """

    recipe: Recipe
    network: nn.Module
    objective: Objective
    data: TrainingSet
    out: Path
    device: str = "auto"
    workers: int = 0
    trackers: tuple[str, ...] = ()
    report: Callable[[Progress], None] | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def train(self, max_steps: int | None = None, max_seconds: float | None = None) -> Checkpoint:
        """Run to `max_steps` (default: the whole schedule), or as long as `max_seconds` allow; save a checkpoint."""
        from accelerate import Accelerator
        from accelerate.state import AcceleratorState
        from accelerate.utils import set_seed
        from diffusers.training_utils import EMAModel

        recipe, config = self.recipe, self.recipe.train
        last = min(max_steps or recipe.schedule.steps, recipe.schedule.steps)
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot write to {self.out}: {error.strerror}; choose another --out.") from None
        AcceleratorState._reset_state()  # else a second training in this process keeps the precision of the first
        if self.device.startswith("cuda:"):
            torch.cuda.set_device(self.device)
        try:
            accelerator = Accelerator(
                mixed_precision={"fp32": "no"}.get(config.precision, config.precision),
                gradient_accumulation_steps=config.accumulate,
                cpu=self.device == "cpu",
                log_with=list(self.trackers) or None,
                project_dir=str(self.out),
            )
        except ValueError as error:  # an unknown tracker, or a precision that the device lacks
            raise InputError(f"cannot train like this: {str(error).splitlines()[0]}") from None
        if missing := set(self.trackers) - {
            tracker if isinstance(tracker, str) else tracker.value for tracker in accelerator.log_with
        }:
            raise InputError(
                f"tracker {', '.join(sorted(missing))} is not installed; pip install it, or drop --tracker."
            )
        if self.trackers:
            accelerator.init_trackers(recipe.name.replace("/", "-"))
        micro = _micro_batch(config.batch, config.accumulate, accelerator.num_processes, len(self.data))
        optimizer = torch.optim.AdamW(
            self.network.parameters(),
            lr=recipe.optimizer.lr,
            betas=recipe.optimizer.betas,
            weight_decay=recipe.optimizer.weight_decay,
        )
        schedule = learning_rate(recipe, optimizer)
        network, optimizer = accelerator.prepare(self.network, optimizer)
        bare = accelerator.unwrap_model(network)
        ema = EMAModel(bare.parameters(), decay=config.ema, foreach=True) if config.ema else None
        if ema:
            ema.to(accelerator.device)
        run = _Run(bare, optimizer, schedule, ema, accelerator.scaler)
        step = run.load(self.out / STATE, recipe) if (self.out / STATE).exists() else 0
        set_seed(config.seed)
        loader = DataLoader(
            _Steps(self.data, recipe, micro, config.accumulate, accelerator.process_index, accelerator.num_processes),
            batch_size=None,
            sampler=range(step * config.accumulate, last * config.accumulate),
            num_workers=self.workers,
        )
        network.train()
        clock, processor = time.perf_counter(), _processor_seconds()
        sums: dict[str, float] = {}
        seen, started, logged = 0, clock, step

        def save_state() -> None:
            nonlocal clock, processor
            now, cpu = time.perf_counter(), _processor_seconds()
            run.seconds, run.cpu_seconds = run.seconds + now - clock, run.cpu_seconds + cpu - processor
            clock, processor = now, cpu
            if accelerator.is_main_process:
                run.save(self.out / STATE, recipe, step)

        with _interruptible() as interrupted:
            batches = iter(loader)
            while step < last and not interrupted():
                if max_seconds is not None and step and time.perf_counter() - started > max_seconds:
                    last = step
                    break
                torch.manual_seed(int(generator("train", config.seed, step, accelerator.process_index).integers(2**62)))
                total = 0.0
                for _ in range(config.accumulate):
                    ids, images, labels = next(batches)
                    with accelerator.accumulate(network):
                        draws = Draws(config.seed, ids, scope=f"train/{step}")
                        with accelerator.autocast():
                            loss, parts = self.objective.loss(
                                network, images.to(accelerator.device), labels.to(accelerator.device), draws
                            )
                        accelerator.backward(loss)
                        if recipe.optimizer.clip and accelerator.sync_gradients:
                            accelerator.clip_grad_norm_(network.parameters(), recipe.optimizer.clip)
                        optimizer.step()
                        optimizer.zero_grad()
                    total += loss.item() / config.accumulate
                    for name, value in {"loss": loss.detach(), **parts}.items():
                        sums[name] = sums.get(name, 0.0) + float(value) / config.accumulate
                if not np.isfinite(total):
                    raise InputError(
                        f"the loss is {total} at step {step + 1}; lower optimizer.lr, or train with precision fp32."
                    )
                schedule.step()
                if ema:
                    ema.step(bare.parameters())
                step += 1
                seen += config.batch
                if step % config.log_every == 0 or step == last:
                    row = {"step": float(step), "lr": float(schedule.get_last_lr()[0])}
                    row |= {name: value / (step - logged) for name, value in sums.items()}
                    run.log.append(row)
                    accelerator.log(row, step=step)
                    sums, logged = {}, step
                if self.report:
                    self.report(Progress(step, last, total, seen / (time.perf_counter() - started)))
                if step % config.checkpoint_every == 0:
                    save_state()
        save_state()
        if step < last:
            accelerator.end_training()
            raise KeyboardInterrupt(f"stopped after step {step}; the same command goes on from there")
        weights = bare.state_dict()
        if ema:
            names = [name for name, _ in bare.named_parameters()]
            weights |= dict(zip(names, ema.shadow_params, strict=True))
        if accelerator.is_main_process:
            save_checkpoint(
                self.out / "checkpoint",
                weights,
                recipe,
                run.log_csv(),
                trained_steps=step,
                parameters=parameter_count(bare),
                training={
                    "wall_seconds": round(run.seconds, 1),
                    "cpu_seconds": round(run.cpu_seconds, 1),
                    "device": str(accelerator.device),
                    "processes": accelerator.num_processes,
                    "threads": torch.get_num_threads(),
                    "global_batch": config.batch,
                },
                **self.facts,
            )
        accelerator.wait_for_everyone()
        accelerator.end_training()
        return open_checkpoint(self.out / "checkpoint")


def learning_rate(recipe: Recipe, optimizer: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LRScheduler:
    """The schedule of a recipe, one value an optimiser step."""
    from diffusers.optimization import get_scheduler

    schedule = recipe.schedule
    if schedule.kind == "one-cycle":
        warm = max(schedule.warmup, 1) / schedule.steps
        # one step more than is taken: the scheduler is advanced after the last step too
        return torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=recipe.optimizer.lr, total_steps=schedule.steps + 1, pct_start=warm, cycle_momentum=False
        )
    name = {"constant": "constant_with_warmup"}.get(schedule.kind, schedule.kind)
    return get_scheduler(name, optimizer, num_warmup_steps=schedule.warmup, num_training_steps=schedule.steps)


def augment(images: Tensor, labels: Tensor, config: DataConfig, draws: Draws) -> tuple[Tensor, Tensor]:
    """Random shift, rotation and scale, one affine map a sample: bilinear for images, nearest for masks."""
    if not (config.shift or config.rotate or config.scale):
        return images, labels
    if images.dim() != 4:
        raise InputError("[data] shifts, rotates and scales images; remove it from a recipe for points.")
    u = 2 * draws.uniform((4,), "augment") - 1  # [B, 4] in [-1, 1)
    angle = u[:, 0] * np.deg2rad(config.rotate)
    size = 1 + u[:, 1] * config.scale
    h, w = images.shape[-2:]
    cos, sin = angle.cos() / size, angle.sin() / size
    theta = torch.stack(
        [
            torch.stack([cos, -sin * h / w, u[:, 2] * config.shift * 2 / w], dim=1),
            torch.stack([sin * w / h, cos, u[:, 3] * config.shift * 2 / h], dim=1),
        ],
        dim=1,
    )  # [B, 2, 3]
    grid = nn.functional.affine_grid(theta, list(images.shape), align_corners=False)
    sample = nn.functional.grid_sample
    moved = sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    if labels.dim() == 3:
        mask = sample(labels[:, None].float(), grid, mode="nearest", padding_mode="border", align_corners=False)
        labels = mask[:, 0].long()
    return moved, labels


class _Steps(Dataset):
    """The micro-batches of this process, addressed by number: what a step sees is a function of the step alone."""

    def __init__(self, data: TrainingSet, recipe: Recipe, micro: int, accumulate: int, rank: int, world: int) -> None:
        self.data, self.recipe, self.micro, self.accumulate = data, recipe, micro, accumulate
        self.rank, self.world = rank, world
        self.epoch, self.order = -1, np.empty(0, dtype=np.int64)

    def __getitem__(self, number: int) -> tuple[list[str], Tensor, Tensor]:
        first = (number * self.world + self.rank) * self.micro
        index = np.array([self._sample(first + i) for i in range(self.micro)])
        batch = self.data.batch(index)
        images, labels = torch.from_numpy(batch.images), torch.from_numpy(batch.labels)
        draws = Draws(self.recipe.train.seed, batch.ids, scope=f"train/{number // self.accumulate}")
        return (list(batch.ids), *augment(images, labels, self.recipe.data, draws))

    def _sample(self, position: int) -> int:
        epoch, place = divmod(position, len(self.data))
        if epoch != self.epoch:
            self.epoch, self.order = (
                epoch,
                generator("order", self.recipe.train.seed, epoch).permutation(len(self.data)),
            )
        return int(self.order[place])


@dataclass
class _Run:
    """Everything that changes while training, saved and loaded together."""

    network: nn.Module
    optimizer: Any
    schedule: Any
    ema: Any
    scaler: Any
    log: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def save(self, path: Path, recipe: Recipe, step: int) -> None:
        state = {
            "step": step,
            "recipe": recipe.model_dump_json(),
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "ema": self.ema.state_dict() if self.ema else None,
            "scaler": self.scaler.state_dict() if self.scaler else None,
            "log": self.log,
            "seconds": self.seconds,
            "cpu_seconds": self.cpu_seconds,
        }
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            torch.save(state, aside)
            aside.replace(path)
        except (OSError, RuntimeError) as error:
            aside.unlink(missing_ok=True)
            raise InputError(
                f"cannot save the training state to {path} ({error}); free space or choose another --out."
            ) from None

    def load(self, path: Path, recipe: Recipe) -> int:
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            if Recipe.model_validate_json(state["recipe"]) != recipe:
                raise InputError(f"{path} was trained with another recipe; choose another --out, or remove it.")
            self.network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.schedule.load_state_dict(state["schedule"])
            if self.ema:
                self.ema.load_state_dict(state["ema"])
                self.ema.to(next(self.network.parameters()).device)
            if self.scaler and state["scaler"]:
                self.scaler.load_state_dict(state["scaler"])
        except InputError:
            raise
        except Exception as error:  # a truncated or foreign file can fail in any layer of the loader
            raise InputError(
                f"{path} cannot be resumed from ({type(error).__name__}); remove it to start again."
            ) from error
        self.log, self.seconds, self.cpu_seconds = state["log"], state["seconds"], state["cpu_seconds"]
        return int(state["step"])

    def log_csv(self) -> str:
        text = io.StringIO()
        if self.log:
            writer = csv.DictWriter(text, fieldnames=list(self.log[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows({k: f"{v:.6g}" for k, v in row.items()} for row in self.log)
        return text.getvalue()


def _micro_batch(batch: int, accumulate: int, processes: int, samples: int) -> int:
    micro, rest = divmod(batch, accumulate * processes)
    if rest:
        raise InputError(
            f"train.batch = {batch} does not divide into {processes} processes x {accumulate} micro-batches; "
            "change one."
        )
    if samples < 1:
        raise InputError("the training split is empty; check --data-root.")
    return micro


def _processor_seconds() -> float:
    times = os.times()
    return times.user + times.system


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C or SIGTERM into a flag that the loop reads between steps; a second one stops at once."""
    hit = False

    def stop(number: int, frame: object) -> None:
        nonlocal hit
        if hit:
            raise KeyboardInterrupt
        hit = True

    try:
        before = {s: signal.signal(s, stop) for s in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread, where Python delivers no signals
        before = {}
    try:
        yield lambda: hit
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
