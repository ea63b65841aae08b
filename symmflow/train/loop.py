"""The trainer: one loop on Accelerate for any objective, resumable bit for bit.

Every draw is keyed by (seed, step, sample id), so a run that stops and resumes, on one process or many, sees the
same batches and the same noise.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..checkpoint import Checkpoint, open_checkpoint, save_checkpoint
from ..device import resolve_device
from ..errors import Busy, InputError, Unwritable
from ..files import remove_left
from ..locks import acquire, holder
from ..networks import checkpoint_gradients, parameter_count
from ..noise import generator
from ..objective import Objective
from ..recipe import Recipe
from .average import MovingAverage
from .feed import Feed, MicroBatch, TrainingSet
from .interrupts import interruptible
from .latents import CachedLatents
from .memory import in_memory
from .processes import Processes
from .saved import load_state, save_state
from .schedule import adamw, learning_rate
from .sharded import is_sharded, local, shard_as_told
from .state import State

if TYPE_CHECKING:
    from accelerate import Accelerator

CHECKPOINT, LOCK = "checkpoint", ".lock"
LATE, INTERRUPTED = 1, 2


@dataclass
class Progress:
    """What a training reports after every step.

    Loss and speed are read from the device after the first step of a call and at every row of the log, and stand until
    then: the mean loss since the row before, and images a second since the call began.
    """

    step: int
    steps: int
    loss: float
    images_per_second: float


@dataclass
class Trainer:
    """Trains `network` with `objective` on `data` as the recipe says, into the folder `out`.

    `out/state` holds what resuming needs and is written every `checkpoint_every` steps, at the end, and on Ctrl-C or
    SIGTERM. `out/checkpoint` is the finished `Checkpoint`. Calling `train` again goes on where the last one stopped, on
    as many processes or on others. On several, all call it, and `out` is a folder that all see.

    A network whose parameters are sharded (`fully_shard`) is trained as it is; another is wrapped as Accelerate was
    told to by its launcher: DDP, FSDP2, or not at all.
    """

    recipe: Recipe
    network: nn.Module
    objective: Objective
    data: TrainingSet
    out: Path
    device: str = "auto"
    workers: int = 0
    mirrored: tuple[int, ...] | None = None
    """What each class id becomes in a flipped image; None: itself."""
    trackers: tuple[str, ...] = ()
    report: Callable[[Progress], None] | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    """What else the checkpoint's manifest is to say."""

    @in_memory
    def train(self, max_steps: int | None = None, max_seconds: float | None = None) -> Checkpoint:
        """Run to `max_steps` (default: the whole schedule), or as long as `max_seconds` allow; save a checkpoint."""
        steps = self.recipe.schedule.steps
        last = min(max_steps or steps, steps)
        if self.recipe.train.gradient_checkpointing:
            checkpoint_gradients(self.network)

        # where it is computed and kept
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unwritable(self.out, error) from None
        accelerator = self._accelerator()
        processes = Processes.here()
        with self._alone(processes):
            return self._train(accelerator, processes, last, max_seconds)

    @contextmanager
    def _alone(self, processes: Processes) -> Iterator[None]:
        """Hold the folder's lock, so that no other training writes there."""

        def lock() -> None:
            if (held := acquire(self.out / LOCK)) is None:
                raise Busy(f"{self.out} is being trained into by {holder(self.out / LOCK)}")
            locked.enter_context(held)
            remove_left(self.out)

        with ExitStack() as locked:
            processes.first(lock)
            yield

    def _train(
        self, accelerator: Accelerator, processes: Processes, last: int, max_seconds: float | None
    ) -> Checkpoint:
        recipe, config = self.recipe, self.recipe.train

        # what a step sees, what changes, and where an earlier call stopped
        entered = time.perf_counter()
        if isinstance(self.data, CachedLatents):
            self.data.fill(accelerator.device, accelerator.autocast, self.workers)
        feed = Feed(self.data, recipe, processes.rank, processes.world, self.mirrored)
        network, state = self._prepare(accelerator, processes)
        load_state(self.out, state, recipe)

        batches = feed.steps(state.step, last, self.workers, accelerator.device)
        network.train()
        began, first = time.perf_counter(), state.step
        with interruptible(processes.world > 1) as interrupted:
            while state.step < last:
                late = max_seconds is not None and state.step and time.perf_counter() - entered > max_seconds
                asked = processes.largest(INTERRUPTED if interrupted() else LATE if late else 0)  # all stop, or none
                if asked == LATE:
                    last = state.step
                if asked:
                    break

                # forward, backward, update
                state.advance(self._step(accelerator, network, state, batches))

                # say how it goes; nothing else waits for the device
                row = state.step % config.log_every == 0 or state.step == last
                if row or state.step == first + 1:
                    loss = finite_loss(state)
                    rate = (state.step - first) * config.batch / (time.perf_counter() - began)
                if row:
                    accelerator.log(state.log_row(), step=state.step)
                if self.report:
                    self.report(Progress(state.step, last, loss, rate))

                # keep it
                if state.step % config.checkpoint_every == 0:
                    check_finite(state)
                    save_state(self.out, state, recipe)

        # stop, or finish
        check_finite(state)
        save_state(self.out, state, recipe)
        if state.step < last:
            accelerator.end_training()
            raise KeyboardInterrupt(f"stopped after step {state.step}; started again, it goes on from there")
        weights = state.weights()
        processes.first(lambda: self._save_checkpoint(accelerator, state, weights))
        accelerator.end_training()
        return open_checkpoint(self.out / CHECKPOINT)

    def _accelerator(self) -> Accelerator:
        """Processes, device, precision and trackers."""
        from accelerate import Accelerator
        from accelerate.state import AcceleratorState
        from accelerate.utils import set_seed

        device, config = resolve_device(self.device), self.recipe.train
        AcceleratorState._reset_state()  # else a second training in this process keeps the precision of the first
        if device.startswith("cuda:"):
            torch.cuda.set_device(device)
        try:
            accelerator = Accelerator(
                mixed_precision={"fp32": "no"}.get(config.precision, config.precision),
                gradient_accumulation_steps=config.accumulate,
                cpu=device == "cpu",
                log_with=list(self.trackers) or None,
                project_dir=str(self.out),
            )
        except ValueError as error:  # an unknown tracker, or a precision that the device lacks
            raise InputError(f"cannot train like this: {str(error).splitlines()[0]}") from None
        installed = {t if isinstance(t, str) else t.value for t in accelerator.log_with}
        if missing := set(self.trackers) - installed:
            raise InputError(f"tracker {', '.join(sorted(missing))} is not installed; pip install it.")
        if self.trackers:
            accelerator.init_trackers(self.recipe.name.replace("/", "-"))
        set_seed(config.seed)
        return accelerator

    def _prepare(self, accelerator: Accelerator, processes: Processes) -> tuple[nn.Module, State]:
        """The network as the loop calls it, and the state of a training that has not begun."""
        plugin = getattr(accelerator.state, "fsdp_plugin", None)
        if plugin and not any(map(is_sharded, self.network.parameters())):
            shard_as_told(self.network, plugin, accelerator.device)
        sharded = any(map(is_sharded, self.network.parameters()))  # by us, or by the caller
        fused = accelerator.device.type == "cuda"
        optimizer: Any = adamw(self.network.parameters(), self.recipe.optimizer, fused=fused)
        schedule = learning_rate(self.recipe, optimizer)
        if sharded:
            network, optimizer = self.network, accelerator.prepare_optimizer(optimizer)
        else:
            network, optimizer = accelerator.prepare(self.network, optimizer)
        bare = accelerator.unwrap_model(network)
        average = MovingAverage(bare, self.recipe.train.ema) if self.recipe.train.ema else None
        return network, State(bare, optimizer, schedule, average, accelerator.scaler, processes)

    def _step(
        self, accelerator: Accelerator, network: nn.Module, state: State, batches: Iterator[MicroBatch]
    ) -> dict[str, Tensor]:
        """One update of the weights from `accumulate` micro-batches; the means of the loss and its parts over them.

        They stay where they were computed: to read one would make the host wait for the device in every step.
        """
        config = self.recipe.train
        means: dict[str, Tensor] = {}
        # what the network draws itself (dropout) is to depend on the step alone, too
        address = ("train", config.seed, state.step, accelerator.process_index)
        torch.manual_seed(int(generator(*address).integers(2**62)))
        for _ in range(config.accumulate):
            batch = next(batches)
            with accelerator.accumulate(network):
                with accelerator.autocast():
                    loss, parts = self.objective.loss(network, batch.images, batch.labels, batch.draws)
                accelerator.backward(loss)
                if self.recipe.optimizer.clip and accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(network.parameters(), self.recipe.optimizer.clip)
                state.optimizer.step()
                state.optimizer.zero_grad()
            for name, value in {"loss": loss, **parts}.items():
                share = value.detach().double() / config.accumulate
                means[name] = means[name] + share if name in means else share
        return means

    def _save_checkpoint(self, accelerator: Accelerator, state: State, weights: dict[str, Tensor]) -> None:
        save_checkpoint(
            self.out / CHECKPOINT,
            weights,
            self.recipe,
            state.log_csv(),
            trained_steps=state.step,
            parameters=parameter_count(state.network),
            training={
                "wall_seconds": round(state.seconds, 1),
                "cpu_seconds": round(state.cpu_seconds, 1),
                "device": str(accelerator.device),
                "processes": accelerator.num_processes,
                "threads": torch.get_num_threads(),
                "global_batch": self.recipe.train.batch,
            },
            **self.facts,
        )


def check_finite(state: State) -> None:
    """Raise `InputError` before a state is kept that cannot be gone on from: a loss or a weight that is not finite."""
    finite_loss(state)
    with torch.no_grad():
        sizes = [local(parameter).abs().max() for parameter in state.network.parameters() if local(parameter).numel()]
        broken = bool(sizes) and not bool(torch.stack(sizes).isfinite().all())
    if state.processes.largest(int(broken)):
        raise InputError(
            f"weights are not finite after step {state.step}; lower optimizer.lr, set optimizer.clip, or train with "
            "precision fp32."
        )


def finite_loss(state: State) -> float:
    """The mean loss since the last row of the log, 0 for none. Raises `InputError` where a step's was not finite."""
    loss = state.means().get("loss", 0.0)
    if not math.isfinite(loss):
        steps = f"step {state.step}" if state.summed == 1 else f"steps {state.step - state.summed + 1}-{state.step}"
        raise InputError(f"the loss is {loss} at {steps}; lower optimizer.lr, or train with precision fp32.")
    return loss
