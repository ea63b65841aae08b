"""Calls of the command line that nobody would make on purpose, and files that something has happened to.

```
python tests/fuzz/fuzzer.py [--calls 2000] [--damages 500] [--seed 0] [--only N] [--commands import,export]
```
Every call goes through `main(argv)` in this process, with a time limit and without a network. What must hold: an exit
code of 0, 1, 2, 3 or 130; a mistake is one sentence; nothing steers the terminal; nothing is written but where `--out`
says; no record is lost.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).parent))
import asked
import damages
from world import World

from symmbench.bench.cli import main
from symmbench.symmflow.names import printable
from symmbench.symmflow.network import closed

CODES = {0, 1, 2, 3, 130}
LIMIT = 60
"""Seconds a call."""


class Late(BaseException):
    """A call that does not end."""


@dataclass
class Ended:
    """How a call ended. `fault`: what of the rules it broke; empty if none."""

    code: object
    out: str
    err: str
    seconds: float
    fault: str = ""


Calls = Iterator[tuple[list[str], Ended]]


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    def late(number: int, frame: FrameType | None) -> None:
        raise Late

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def call(arguments: Sequence[str], folder: Path, seconds: float = LIMIT) -> Ended:
    """`bench ARGUMENTS` in a folder."""
    out, err, begun, code = io.StringIO(), io.StringIO(), time.monotonic(), None
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            with limited(seconds), closed():
                main(list(arguments))
        except SystemExit as end:
            code = end.code
        except Late:
            code = "late"
    ended = Ended(code, out.getvalue(), err.getvalue(), time.monotonic() - begun)
    ended.fault = fault(ended, arguments)
    return ended


def fault(ended: Ended, arguments: Sequence[str]) -> str:
    """What of the rules a call broke."""
    if ended.code not in CODES:
        return f"it ended with {ended.code}"
    said = ended.out + ended.err
    if printable(said) != said:
        return "what it said steers a terminal"
    if "Traceback (most recent call last)" in ended.err and "--debug" not in arguments:
        return "it showed a traceback"
    errors = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    if ended.code == 2 and not errors and arguments[:1] not in (["gate"], ["rescore"]):
        return "a mistake is not said"
    if errors and (errors != ended.err.splitlines()[-1:] or len(errors[0]) > 2000):
        return "a mistake is not one sentence, or not the last"
    return ""


def seen(folder: Path, but: Sequence[Path] = ()) -> dict[str, tuple[int, int]]:
    """Every file below a folder by size and time, but for what lies under some paths."""
    found = {}
    for root, _, files in os.walk(folder):
        for name in files:
            path = Path(root) / name
            if not any(path == b or b in path.parents for b in but):
                status = path.lstat()
                found[str(path)] = (status.st_size, status.st_mtime_ns)
    return found


def fuzz_calls(count: int, seed: int, world: World, only: int | None = None, commands: Sequence[str] = ()) -> Calls:
    """`count` calls, half of them valid but for one thing; the world as it was must be there after each. Of these
    `commands` alone, where some are named."""
    for number in range(count):
        if only is not None and number != only:
            continue
        dice = random.Random(f"{seed}/{number}")
        cwd = world.fresh()
        arguments = asked.one_wrong(dice, world) if number % 2 else asked.at_random(dice, world)
        if commands and arguments[0] not in commands:
            continue
        allowed = [cwd, *world.outs(arguments)]
        before = seen(world.root, allowed)
        ended = call(arguments, cwd)
        after = seen(world.root, allowed)
        if not ended.fault and before != after:
            apart = sorted({*before.items()} ^ {*after.items()})
            ended.fault = f"it wrote outside --out: {apart[0][0]}"
        if before != after:
            world.restore()
        yield arguments, ended


def fuzz_damages(
    count: int, seed: int, world: World, only: int | None = None, commands: Sequence[str] = ()
) -> Iterator[tuple[list[str], Ended]]:
    """`count` damaged things, each read by a command; no record beside is lost."""
    for number in range(count):
        if only is not None and number != only:
            continue
        dice = random.Random(f"{seed}/damage/{number}")
        cwd = world.fresh()
        what, arguments = damages.damaged(dice, world, cwd)
        if commands and arguments[0] not in commands:
            continue
        whole = damages.records(cwd)
        before = seen(world.root, [cwd])
        ended = call(arguments, cwd)
        if not ended.fault and (lost := [path for path, key in whole.items() if damages.key_of(path) != key]):
            ended.fault = f"it lost the record {lost[0]}"
        if not ended.fault and before != seen(world.root, [cwd]):
            ended.fault = "it wrote outside its folder"
        yield [what, *arguments], ended


def report(calls: Calls) -> list[str]:
    """Run them; the faults, each in a paragraph."""
    codes, faults, slowest = Counter[str](), [], 0.0
    for number, (arguments, ended) in enumerate(calls):
        codes[str(ended.code)] += 1
        slowest = max(slowest, ended.seconds)
        if ended.fault:
            told = [a if len(a) < 200 else f"{a[:100]}...({len(a)})" for a in arguments]
            last = "\n".join(ended.err.strip().splitlines()[-12:])[-3000:]
            faults.append(f"call {number}: {ended.fault}\n  {told!r}\n{last}")
            print(printable(faults[-1]), flush=True)
    counted = ", ".join(f"{n} ended with {code}" for code, n in sorted(codes.items()))
    print(f"{codes.total()} calls: {counted}; the slowest took {slowest:.1f} s; {len(faults)} broke a rule", flush=True)
    return faults


def run(calls: int, damaged: int, seed: int, only: int | None, commands: Sequence[str]) -> list[str]:
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    try:
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        world = World(folder / "world")
        faults = report(fuzz_calls(calls, seed, world, only, commands))
        return faults + report(fuzz_damages(damaged, seed, world, only, commands))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--damages", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="Only the call of this number.")
    parser.add_argument("--commands", default="", help="Only calls of these, comma separated.")
    given = parser.parse_args()
    named = [name for name in given.commands.split(",") if name]
    sys.exit(1 if run(given.calls, given.damages, given.seed, given.only, named) else 0)
