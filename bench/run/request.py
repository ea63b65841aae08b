"""What a user asks for. Imported by every command line, so it imports little."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from ...symmflow.errors import InputError, unknown
from ...symmflow.guests import Guest, said
from ..protocols import DEFAULT, Rules
from .asked import MACHINE, MEASURED, RESULTS, Asked, Checkpoint, Crop, DataRoot, Device, Names, Options, Size, Trust
from .batches import AUTO, FIRST, first_size

if TYPE_CHECKING:
    from ... import methods
    from ...methods import Method
    from ..tasks import Task

MOST_STEPS, MOST_SEED, MOST_SAMPLES, MOST_WORKERS = 10**6, 2**63 - 1, 10**4, 256
KEPT, MOST_KEPT = 24, 256
"""Samples of which pictures are kept, unless somebody says how many; at most."""
PRECISIONS = ("fp32", "bf16", "fp16")
STEPS = (25,)
"""Where nobody names any."""
SCORED_AT = ("view", "original")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be evaluated; empty means the default."""

    methods: Annotated[
        Names, Asked("Methods, comma separated; 'all' = every bundled one.", "--method", "-m", of="method")
    ] = ("symmflow",)
    tasks: Annotated[
        Names,
        Asked("cls, ss, sis (classify, segment, synthesize). Default: these. Also: cycle.", "--task", "-t", of="task"),
    ] = ()
    datasets: Annotated[
        Names, Asked("Data sets. Default: digits for cls, digit-scenes else.", "--dataset", "-d", of="dataset")
    ] = ()
    steps: Annotated[
        Sequence[int],
        Asked(
            "Inference steps, comma separated. Default: 25, of a picture 1,5,25, of outputs:PATH none.",
            "--steps",
            least=1,
        ),
    ] = ()
    solver: Annotated[
        str | None,
        Asked(
            "Flows: euler, midpoint, heun, rk4, or dopri5 (adaptive: no steps). Diffusion: ddim, ddpm. "
            "Default: the method's first."
        ),
    ] = None
    seeds: Annotated[Sequence[int], Asked("Generation seeds, comma separated.", "--seeds", least=0)] = (0,)
    options: Annotated[Options, Asked("An inference option of a method: --set beta=3", "--set")] = field(
        default_factory=dict
    )
    checkpoint: Checkpoint = None
    name: Annotated[str | None, Asked("What a method made elsewhere is called in tables: outputs:NAME.")] = None
    unpaired: Annotated[
        bool, Asked("The syntheses of outputs:PATH are of no certain labels: metrics of whole sets alone.")
    ] = False
    reference: Annotated[
        Path | None,
        Asked("Statistics that syntheses are held against: an NPZ of mu and sigma. A protocol of its own."),
    ] = None
    precision: Annotated[str, Asked("fp32, bf16 or fp16 (autocast).")] = "fp32"
    protocol: Annotated[
        str | Rules, Asked("One of `bench list protocols`, or a TOML file of your own.", of="protocol", panel=MEASURED)
    ] = DEFAULT
    split: Annotated[
        str | None, Asked("Split of the data set. Default: the protocol's, or test (validation).", panel=MEASURED)
    ] = None
    limit: Annotated[
        int | None, Asked("Only the first N samples: another protocol than all of them.", panel=MEASURED)
    ] = None
    samples_per_mask: Annotated[
        int | None, Asked("Syntheses a label; lpips_diversity needs two. Default: 1.", panel=MEASURED)
    ] = None
    extractor: Annotated[
        str | None,
        Asked(
            "One of `bench list judges`, or auto, the default: the first of the data set's that is on this machine.",
            panel=MEASURED,
        ),
    ] = None
    judge: Annotated[
        str | None,
        Asked(
            "Who sees whether syntheses follow their labels: a segmenter as --method takes it (hf:FOLDER, "
            "hf:OWNER/NAME, mmseg:CONFIG), or one of `bench list judges`. Default: the data set's.",
            panel=MEASURED,
        ),
    ] = None
    judge_checkpoint: Annotated[
        str | None,
        Asked(
            "Weights of --judge, as --checkpoint takes them: FILE.pth of mmseg:CONFIG; a "
            "training here, of cnn and unet.",
            panel=MEASURED,
        ),
    ] = None
    judge_options: Annotated[
        Options, Asked("An inference option of --judge: --judge-set window=512", "--judge-set", panel=MEASURED)
    ] = field(default_factory=dict)
    data_root: DataRoot = None
    size: Size = None
    crop: Crop = "whole"
    scored_at: Annotated[
        str | None,
        Asked(
            "Score masks at the size of the view, or the original one. Default: the protocol's, or view.",
            panel=MEASURED,
        ),
    ] = None
    workers: Annotated[
        int | None,
        Asked("Processes that decode images, 0 = none. Default: the other cores, at most 4.", least=0, panel=MACHINE),
    ] = None
    batch_size: Annotated[
        str | int,
        Asked(
            f"Images a batch, 1-256, or {AUTO}: {FIRST}. Halved where memory is short. Figures agree to rounding.",
            panel=MACHINE,
        ),
    ] = AUTO
    device: Device = "auto"
    out: Annotated[Path, Asked("Folder of the records.", "--out", "-o", panel=RESULTS)] = Path("results")
    force: Annotated[bool, Asked("Evaluate again what is already there.", panel=RESULTS)] = False
    fresh: Annotated[
        bool, Asked("Evaluate again what other versions of libraries (torch, ...) made.", panel=RESULTS)
    ] = False
    keep_old: Annotated[
        bool, Asked("Take what is there although other code made it; tables say so.", panel=RESULTS)
    ] = False
    part: Annotated[
        str | None,
        Asked(
            "Make the K-th of N parts of the samples alone, K/N: 1/8 to 8/8. A run without it then scores all.",
            panel=MACHINE,
        ),
    ] = None
    keep_images: Annotated[
        int,
        Asked(
            f"Samples of which pictures are kept for reports, 0-{MOST_KEPT}: label, output, a way there, and the real "
            "image where its licence lets it be passed on.",
            least=0,
            panel=RESULTS,
        ),
    ] = KEPT
    trust: Trust = False

    def check(self) -> None:
        """Refuse values that no cell can have."""
        from ... import methods
        from ...symmflow.solvers import SOLVERS

        kinds = [methods.method(name) for name in (_bundled() if "all" in self.methods else self.methods)]
        facts = [_facts(kind) for kind in kinds]
        known = dict.fromkeys([*SOLVERS, *(solver for solvers, _ in facts for solver in solvers)])
        if self.solver and self.solver not in known:
            raise unknown("solver", self.solver, known)
        fields = dict.fromkeys(f for _, own in facts for f in own)
        for name in self.options:
            if name not in fields:
                none = InputError(f"--set {name}: no method given has options.")
                raise unknown("option", name, fields) if fields else none
        for kind in kinds:
            options_of(kind, self.options)
        if self.precision not in PRECISIONS:
            raise unknown("precision", self.precision, PRECISIONS)
        if self.limit is not None and not 1 <= self.limit < 2**63:
            raise InputError(f"--limit must be at least 1 and less than 2^63, not {self.limit}.")
        first_size(self.batch_size)
        if self.workers is not None and not 0 <= self.workers <= MOST_WORKERS:
            raise InputError(f"--workers must lie in 0-{MOST_WORKERS}, not {self.workers}.")
        if not 0 <= self.keep_images <= MOST_KEPT:
            raise InputError(f"--keep-images must lie in 0-{MOST_KEPT}, not {self.keep_images}.")
        if self.scored_at not in (None, *SCORED_AT):
            raise unknown("--scored-at", self.scored_at, SCORED_AT)
        if self.samples_per_mask is not None and not 1 <= self.samples_per_mask <= MOST_SAMPLES:
            raise InputError(f"--samples-per-mask must lie in 1-{MOST_SAMPLES:,}, not {self.samples_per_mask}.")
        if self.keep_old and (self.force or self.fresh):
            raise InputError(f"--keep-old keeps what --{'force' if self.force else 'fresh'} makes again; drop one.")
        for flag, given, least, most in (("--steps", self.steps, 1, MOST_STEPS), ("--seeds", self.seeds, 0, MOST_SEED)):
            for number in given:
                if not isinstance(number, int) or isinstance(number, bool) or number < least:
                    raise InputError(f"{flag} must be whole numbers of at least {least}, not {number!r}.")
                if number > most:
                    raise InputError(f"{flag} must be whole numbers of at most {most:,}, not {number:,}.")
        if self.checkpoint and (len(self.methods) != 1 or self.methods[0] == "all"):
            raise InputError("--checkpoint goes with exactly one --method.")
        self._check_elsewhere(kinds)

    def _check_elsewhere(self, kinds: Sequence[type[Method]]) -> None:
        """What goes with outputs, models and statistics that were made elsewhere."""
        from .. import tasks

        asked = [tasks.task(name) for name in self.tasks]
        if any(kind.ready_made for kind in kinds) and not asked:
            raise InputError("name what the outputs are: --task ss (masks), sis (syntheses) or cls (class scores).")
        if self.unpaired and not (any(kind.ready_made for kind in kinds) and all(one.draws for one in asked)):
            raise InputError("--unpaired goes with --method outputs:PATH --task sis.")
        if self.reference and not (asked and all(one.several for one in asked)):
            raise InputError("--reference goes with --task sis.")
        if self.judge is None and (self.judge_checkpoint or self.judge_options):
            raise InputError("--judge-checkpoint and --judge-set go with --judge.")
        if self.name is not None:
            if len(self.methods) != 1 or ":" not in self.methods[0]:
                raise InputError("--name goes with exactly one --method that was made elsewhere, such as outputs:PATH.")
            if not re.fullmatch(r"[\w.+-]+", self.name):
                raise InputError(f"--name takes letters, digits and any of . + - _, not {self.name!r}.")

    def wanted(self) -> list[tuple[Task, str]]:
        """(task, data set): the given data sets as far as they offer the task, else each task's default."""
        from ... import datasets
        from .. import tasks

        given = [tasks.task(name) for name in self.tasks] or [one for one in tasks.all_tasks() if one.by_default]
        if not self.datasets:
            return [(one, datasets.named(one.dataset, self.size, self.crop)) for one in given]
        names = [datasets.named(name, self.size, self.crop) for name in self.datasets]
        cards = {name: datasets.card(name, self.data_root) for name in names}
        pairs = [(one, name) for name, card in cards.items() for one in given if one.offered(card)]
        if not pairs:
            offers = "; ".join(f"{name} offers {', '.join(card.tasks) or 'no task'}" for name, card in cards.items())
            raise InputError(f"no data set given has a task of {', '.join(one.name for one in given)}: {offers}.")
        return pairs

    def methods_for(self, dataset: str) -> list[str]:
        """The methods asked for; of `all`, those with a bundled checkpoint."""
        from ... import methods

        if list(self.methods) != ["all"]:
            return list(self.methods)
        found = list(methods.bundled(dataset))
        if not found:
            raise InputError(
                f"no method has a bundled checkpoint for {dataset}; name one with --method and --checkpoint."
            )
        return found


def _facts(kind: type[methods.Method]) -> tuple[list[str], list[str]]:
    """The solvers of a method, and its inference options."""
    try:
        with Guest():
            return [s for does in kind.tasks for s in kind.solvers(does.task)], list(kind.Inference.model_fields)
    except Exception as error:  # whatever another package raises
        raise InputError(f"method {kind.name!r} breaks with {said(error)}; mend the package of it.") from error


def options_of(kind: type[methods.Method], given: Mapping[str, Any]) -> dict[str, Any]:
    """All inference options of a method: the given ones that it has, and its defaults."""
    from ...symmflow.recipe import check_table

    own = {name: value for name, value in given.items() if name in kind.Inference.model_fields}
    return check_table(kind.Inference, own, f"--set for {kind.name}").model_dump(mode="json")


def fixed(flag: str, by_protocol: Any, given: Any, default: Any) -> Any:
    """A value that the protocol fixes, or else the caller gives."""
    if by_protocol is None:
        return default if given is None else given
    if given not in (None, by_protocol):
        raise InputError(f"the protocol fixes {flag} at {by_protocol}; drop {flag}, or choose another --protocol.")
    return by_protocol


def _bundled() -> list[str]:
    from ... import datasets, methods

    return list(dict.fromkeys(methods.base(n) for dataset in datasets.names() for n in methods.bundled(dataset)))
