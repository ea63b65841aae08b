"""The `bench` command: its sub-commands, and errors as one sentence with exit code 2."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from typing import Any, NoReturn

import typer

from ...symmflow.errors import InputError, Screen
from ...symmflow.guests import watched
from ...symmflow.names import check_given, one_line
from . import (
    check,
    compare,
    data,
    doctor,
    gap,
    gate,
    listing,
    portable,
    report,
    reproduce,
    rescore,
    roundtrip,
    run,
    sample,
    train,
)
from .help import Command, Commands
from .notes import notes
from .remedies import remedied
from .unread import unread

NOTHING_KEPT = "no file is left half written; the same command begins anew"
KEPT = {
    "run": "what was finished is kept; the same command goes on from there",
    "train": "the training stands where it was saved last; the same command goes on from there",
    "rescore": "records that are written stay; the same command does the rest",
}
"""What Ctrl-C leaves of a command, where that does not say more itself."""


class Interrupted(Exception):
    """By Ctrl-C. Typer would make it an exit code and drop what is said of where it stopped."""


class _Bench(Commands):
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            raise Interrupted(str(interrupt)) from interrupt


UNUSABLE = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM),
    *(errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.EINVAL, errno.EILSEQ, errno.ENXIO),
)
"""What the system says of files that the user named, not of a defect here."""

app = typer.Typer(
    name="bench",
    cls=_Bench,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Benchmark flow models that segment, classify and synthesize images with one network.",
)
EVALUATE, COMPARE, TRUST = "Train and evaluate", "Compare", "Look around, and trust"


def _add(name: str, command: Callable[..., Any], panel: str, examples: str) -> None:
    app.command(name, cls=Command, rich_help_panel=panel, epilog=examples)(command)


_add(
    "run",
    run.run,
    EVALUATE,
    """
    bench run --method symmflow --task sis --steps 1,5,25
    bench run -m symmflow,unet,cnn -t cls,ss --seeds 0,1 --out results
    bench run -m all -t ss --limit 200
    bench run -m symmflow -d mnist -t cls --checkpoint runs/mnist/symmflow
    """,
)
_add(
    "train",
    train.train,
    EVALUATE,
    """
    bench train --recipe mnist/symmflow
    bench train -r digits/cnn --set optimizer.lr=3e-4 --max-minutes 30
    """,
)
_add("sample", sample.sample, EVALUATE, "bench sample -m symmflow -t sis --steps 1,5,25 --out sample.png")
_add(
    "compare",
    compare.compare,
    COMPARE,
    """
    bench compare --task ss --baseline unet
    bench compare results other-results --format md
    bench compare --show 5ff88c9a
    bench compare --against published --plot steps.svg
    """,
)
_add(
    "report",
    report.report,
    COMPARE,
    """
    bench report -o report.md
    bench report --task ss --steps 1,25 --intervals -o table.tex
    bench report results other-results -o figures.csv
    bench report --paper symmflow-table-1
    """,
)
_add(
    "gap",
    gap.gap,
    COMPARE,
    """
    bench gap d056113132 8f1799adcc
    bench gap results/digits/cls/symmflow-steps25-seed0-bb86f0c6b1 published other-results
    """,
)
_add("gate", gate.gate, COMPARE, "bench gate bench-baseline.zip results --format github")
app.add_typer(gate.app, name="baseline", cls=Commands, rich_help_panel=COMPARE)
_add("reproduce", reproduce.reproduce, COMPARE, "bench reproduce results/digits/cls/cnn-seed0-5ff88c9a2c")
_add("rescore", rescore.rescore, COMPARE, "bench rescore results --protocol sdm --out results-sdm")
_add(
    "import",
    portable.import_,
    EVALUATE,
    """
    bench import face.pt --as semflow --recipe "celebamask-hq/semflow[official]"
    bench import exported-folder
    """,
)
_add("export", portable.export, EVALUATE, "bench export runs/mnist/symmflow --out mnist-symmflow --results results")
_add("roundtrip", roundtrip.roundtrip, TRUST, "bench roundtrip coco-stuff/semflow --limit 500")
_add("check", check.check, TRUST, "bench check symmflow --dataset digits")
_add("doctor", doctor.doctor, TRUST, "bench doctor --json")
_add(
    "list",
    listing.listing,
    TRUST,
    """
    bench list methods
    bench list hub
    bench list runs --out results --task ss --status failed
    """,
)
app.add_typer(data.app, name="data", cls=Commands, rich_help_panel=TRUST)


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
) -> None:
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"symmbench {installed('symmbench')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


# Typer brings its own copy of click since 0.20 or depends on it before: the base of its errors is found, not imported
_UsageError: type[Exception] = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Entry point; `arguments` as in `sys.argv[1:]`, the default. Always raises SystemExit.

    Exit codes: 0 done, 1 a cell failed or got worse, 2 bad input, 70 a defect here, 130 interrupted.
    """
    with watched(), unread(sys.stderr, redirect_stderr):
        _run(sys.argv[1:] if arguments is None else list(arguments))


def _run(given: list[str]) -> NoReturn:
    debug = "--debug" in given
    given = [a for a in given if a != "--debug"]  # accepted anywhere on the line, not only before the sub-command
    try:
        check_given(given)
        with unread(sys.stdout), notes():
            code = app(given, prog_name="bench", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except InputError as error:
        _fail(remedied(error), debug, lines=isinstance(error, Screen))
    except _UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            with unread(sys.stdout):
                print(error.format_message())  # type: ignore[attr-defined]
            sys.exit(0)
        _fail(error.format_message(), debug)  # type: ignore[attr-defined]
    except (KeyboardInterrupt, Interrupted, typer.Abort) as interrupt:
        command = next((word for word in given if not word.startswith("-")), "")
        print(f"interrupted: {str(interrupt) or KEPT.get(command, NOTHING_KEPT)}.", file=sys.stderr)
        sys.exit(130)
    except OSError as error:
        if error.errno not in UNUSABLE:
            _defect()
        _fail(f"{error.filename or 'a file'}: {error.strerror}; free space or choose another folder.", debug)
    except MemoryError:
        _fail("there is not enough memory for this; ask for less at once (--batch-size, a smaller network).", debug)
    except Exception:
        _defect()


def _defect() -> NoReturn:
    """What no one foresaw: the traceback, and a code of its own, since 1 says that something got worse."""
    import traceback

    traceback.print_exc()
    print("error: this is a defect of symmbench; please report it with the lines above.", file=sys.stderr)
    sys.exit(70)


def _fail(message: str, debug: bool, *, lines: bool = False) -> NoReturn:
    if debug:
        import traceback

        traceback.print_exc()
    said = "\n".join(map(one_line, message.splitlines())) if lines else one_line(message)
    print(f"error: {said}", file=sys.stderr)
    sys.exit(2)
