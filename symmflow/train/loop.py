"""The trainer: one loop on Accelerate for any objective, resumable bit for bit.

Every draw is keyed by (seed, step, sample id), so a run that stops and resumes, on one process or many, sees the
same batches and the same noise.
"""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
from .feed import Feed, MicroBatch, TrainingSet
from .latents import CachedLatents
from .memory import in_memory
from .schedule import adamw, learning_rate
from .state import State

if TYPE_CHECKING:
    from accelerate import Accelerator

STATE, CHECKPOINT, LOCK = "state.pt", "checkpoint", ".lock"


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
        with self._alone(accelerator):
            return self._train(accelerator, last, max_seconds)

    @contextmanager
    def _alone(self, accelerator: Accelerator) -> Iterator[None]:
        """Hold the folder's lock, so that no other training writes there."""
        if not accelerator.is_main_process:
            yield
            return
        if (lock := acquire(self.out / LOCK)) is None:
            raise Busy(f"{self.out} is being trained into by {holder(self.out / LOCK)}")
        with lock:
            remove_left(self.out)
            yield

    def _train(self, accelerator: Accelerator, last: int, max_seconds: float | None) -> Checkpoint:
        recipe, config = self.recipe, self.recipe.train

        # what a step sees, what changes, and where an earlier call stopped
        if isinstance(self.data, CachedLatents):
            self.data.fill(accelerator.device, accelerator.autocast, self.workers)
        feed = Feed(self.data, recipe, accelerator.process_index, accelerator.num_processes, self.mirrored)
        network, state = self._prepare(accelerator)
        if (self.out / STATE).exists():
            state.load(self.out / STATE, recipe)

        batches = feed.steps(state.step, last, self.workers, accelerator.device)
        network.train()
        began, first = time.perf_counter(), state.step
        with _interruptible() as interrupted:
            while state.step < last and not interrupted():
                if max_seconds is not None and state.step and time.perf_counter() - began > max_seconds:
                    last = state.step
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
                if state.step % config.checkpoint_every == 0 and accelerator.is_main_process:
                    finite_loss(state)
                    state.save(self.out / STATE, recipe)

        # stop, or finish
        if accelerator.is_main_process:
            finite_loss(state)
            state.save(self.out / STATE, recipe)
        if state.step < last:
            accelerator.end_training()
            raise KeyboardInterrupt(f"stopped after step {state.step}; started again, it goes on from there")
        if accelerator.is_main_process:
            self._save_checkpoint(accelerator, state)
        accelerator.wait_for_everyone()
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

    def _prepare(self, accelerator: Accelerator) -> tuple[nn.Module, State]:
        """The network as the loop calls it, and the state of a training that has not begun."""
        from diffusers.training_utils import EMAModel

        fused = accelerator.device.type == "cuda"
        optimizer: Any = adamw(self.network.parameters(), self.recipe.optimizer, fused=fused)
        schedule = learning_rate(self.recipe, optimizer)
        network, optimizer = accelerator.prepare(self.network, optimizer)
        bare = accelerator.unwrap_model(network)
        ema = None
        if self.recipe.train.ema:
            ema = EMAModel(bare.parameters(), decay=self.recipe.train.ema, foreach=True)
            ema.to(accelerator.device)
        return network, State(bare, optimizer, schedule, ema, accelerator.scaler)

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

    def _save_checkpoint(self, accelerator: Accelerator, state: State) -> None:
        save_checkpoint(
            self.out / CHECKPOINT,
            state.weights(),
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


def finite_loss(state: State) -> float:
    """The mean loss since the last row of the log, 0 for none. Raises `InputError` where a step's was not finite."""
    loss = state.means().get("loss", 0.0)
    if not math.isfinite(loss):
        steps = f"step {state.step}" if state.summed == 1 else f"steps {state.step - state.summed + 1}-{state.step}"
        raise InputError(f"the loss is {loss} at {steps}; lower optimizer.lr, or train with precision fp32.")
    return loss


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
