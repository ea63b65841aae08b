"""Which shards of a request a process makes, where several evaluate it: ranks of a launch, or parts of a job array."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ...symmflow.device import decoders
from ...symmflow.errors import InputError

MOST = 10**6
"""Parts of a job array, or processes of a launch."""


@dataclass(frozen=True)
class Share:
    """Every so many-th shard. The store is all that the processes share: there is no process group to join.

    A rank begins with its own shards, then makes what nobody else makes; rank 0 waits for the others and scores. A part
    makes its own shards, and nobody scores. One that dies costs what it had in hand: a launcher ends the others with
    it, which keep their finished batches, and the same command goes on.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    """Among the processes on this machine."""
    local_world: int = 1
    part: int = 0
    """1 to `parts`; 0: the whole request."""
    parts: int = 1

    @classmethod
    def of(cls, part: str | None, force: bool, environment: Mapping[str, str]) -> Share:
        """From `--part 3/8`, and from RANK and WORLD_SIZE as torchrun and accelerate set them. Raises `InputError`."""
        number, parts = _part(f"{part}") if part is not None else (0, 1)
        share = cls(*ranks(environment), number, parts)
        if force and not share.alone:
            raise InputError(
                f"--force cannot be shared by {'parts' if share.part else 'processes'}, which begin at different times "
                "and could not tell what is made again already; give a new folder with --out."
            )
        return share

    @property
    def alone(self) -> bool:
        return self.world == 1 and not self.part

    @property
    def gathers(self) -> bool:
        """Whether it waits for the others, scores and writes records."""
        return not self.part and self.rank == 0

    @property
    def speaks(self) -> bool:
        """Whether it prints: one process of a launch does."""
        return self.rank == 0

    @property
    def title(self) -> str:
        """`part 3/8`, `process 2 of 4`, or both."""
        part = [f"part {self.part}/{self.parts}"] if self.part else []
        return ", ".join([*part, *([f"process {self.rank + 1} of {self.world}"] if self.world > 1 else [])])

    def owns(self, shard: int) -> bool:
        """Of the shards of all jobs of a request, counted through."""
        return shard % (self.parts * self.world) == max(self.part - 1, 0) + self.parts * self.rank

    def device(self, wanted: str) -> str:
        """A CUDA device for each process of a machine, where none is named by its number."""
        if self.world == 1 or wanted not in ("auto", "cuda"):
            return wanted
        import torch

        count = torch.cuda.device_count()
        return f"cuda:{self.local_rank % count}" if count else wanted

    def beside(self, wanted: str) -> dict[str, int]:
        """How many processes share the machine, and at most how many a GPU; nothing of one alone.

        A GPU is taken to be shared where a launcher shows each process its own alone.
        """
        if self.local_world == 1:
            return {}
        import torch

        count = torch.cuda.device_count() if wanted in ("auto", "cuda") else 1
        if not torch.cuda.is_available() or wanted == "cpu" or not count:
            return {"processes": self.local_world}
        sharing = len(range(self.local_rank % count, self.local_world, count))
        return {"processes": self.local_world, "processes_on_gpu": sharing}

    def workers(self, wanted: int | None) -> int:
        """Processes that decode images: the cores of a machine are shared too."""
        return decoders(self.local_world) if wanted is None else wanted


def ranks(environment: Mapping[str, str]) -> tuple[int, int, int, int]:
    """(rank, world, local rank, processes on this machine) of a launch. Raises `InputError` for what names none."""
    if not {"RANK", "WORLD_SIZE"} <= environment.keys():
        return 0, 1, 0, 1
    said = {name: environment[name] for name in ("RANK", "WORLD_SIZE")}
    local_rank = environment.get("LOCAL_RANK", said["RANK"])
    given = [said["RANK"], said["WORLD_SIZE"], local_rank, environment.get("LOCAL_WORLD_SIZE", said["WORLD_SIZE"])]
    numbers = [int(text) if re.fullmatch(r"[0-9]{1,7}", text) else -1 for text in given]
    rank, world, local, beside = numbers
    if min(numbers) < 0 or not (rank < world <= MOST and beside >= 1):
        words = ", ".join(f"{name}={text}" for name, text in said.items())
        raise InputError(f"{words} in the environment name no process of a launch; start with torchrun, or unset them.")
    return rank, world, local, beside


def _part(given: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]{1,7})/([0-9]{1,7})", given)
    number, parts = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= number <= parts <= MOST:
        raise InputError(f"--part is one of N parts, 1/N to N/N, such as 3/8; not {given!r}.")
    return number, parts
