"""Real processes, forked from one that has imported everything: the jobs of the file that is named.

A job is a list of steps, each `bench` with its arguments or a number: SIGKILL at that write of the next step. What is
said and the exit codes are printed as JSON, a list a job.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import sys
import traceback
from pathlib import Path
from tempfile import TemporaryDirectory

import torch  # noqa: F401  imported before the forks

from symmbench.bench.cli import main
from symmbench.bench.run import evaluate, work  # noqa: F401

spec = importlib.util.spec_from_file_location("dying", Path(__file__).parents[2] / "dying.py")
assert spec and spec.loader
dying = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = dying
spec.loader.exec_module(dying)
work.EVERY = 0.0


def step(arguments: list[str], at: int | None, folder: Path, said: Path) -> None:
    """In a process of its own."""
    text, code = io.StringIO(), 70
    try:
        with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
            if at is None:
                main(arguments)
            else:
                with dying.Dying(folder, at, kill=True):
                    main(arguments)
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc(file=text)
    said.write_text(text.getvalue())
    os._exit(code)


def started(arguments: list[str], at: int | None, folder: Path, said: Path) -> int:
    child = os.fork()
    if not child:
        step(arguments, at, folder, said)
    return child


def job(number: int, steps: list[list[str] | int], folder: Path) -> list[tuple[int, str]]:
    done, at = [], None
    for n, one in enumerate(steps):
        if isinstance(one, int):
            at = one
            continue
        said = Path(sys.argv[1]).with_name(f"said-{number}-{n}")
        _, status = os.waitpid(started(one, at, folder, said), 0)
        done.append((os.waitstatus_to_exitcode(status), said.read_text() if said.exists() else ""))
        at = None
    return done


# what every process reads first, it inherits
with TemporaryDirectory() as warm, contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main(["run", "-t", "cls", "-d", "two-spirals", "--device", "cpu", "--limit", "4", "--json", "--out", warm])

asked = json.loads(Path(sys.argv[1]).read_text())
if asked["together"]:
    said = [Path(sys.argv[1]).with_name(f"said-{number}") for number in range(len(asked["jobs"]))]
    children = [started(*one, None, Path(), file) for one, file in zip(asked["jobs"], said, strict=True)]
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    print(json.dumps([[[code, file.read_text()]] for code, file in zip(codes, said, strict=True)]))
else:
    print(json.dumps([job(n, steps, Path(folder)) for n, (steps, folder) in enumerate(asked["jobs"])]))
