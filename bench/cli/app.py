"""The `bench` command: its sub-commands, and errors as one sentence with exit code 2."""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr
from typing import Any, NoReturn

import typer
import typer.core

from ...symmflow.errors import InputError
from . import check, compare, data, doctor, gate, listing, portable, reproduce, rescore, roundtrip, run, sample, train
from .remedies import remedied
from .unread import unread


class Interrupted(Exception):
    """By Ctrl-C. Typer would make it an exit code and drop what is said of where it stopped."""


class _Commands(typer.core.TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            raise Interrupted(str(interrupt)) from interrupt


app = typer.Typer(
    name="bench",
    cls=_Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Benchmark flow models that segment, classify and synthesize images with one network.",
)
app.command("run")(run.run)
app.command("train")(train.train)
app.command("sample")(sample.sample)
app.command("compare")(compare.compare)
app.command("gate")(gate.gate)
app.add_typer(gate.app, name="baseline")
app.command("reproduce")(reproduce.reproduce)
app.command("rescore")(rescore.rescore)
app.command("check")(check.check)
app.command("import")(portable.import_)
app.command("export")(portable.export)
app.command("roundtrip")(roundtrip.roundtrip)
app.command("doctor")(doctor.doctor)
app.command("list")(listing.listing)
app.add_typer(data.app, name="data")


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
    with unread(sys.stderr, redirect_stderr):
        _run(sys.argv[1:] if arguments is None else list(arguments))


def _run(given: list[str]) -> NoReturn:
    debug = "--debug" in given
    given = [a for a in given if a != "--debug"]  # accepted anywhere on the line, not only before the sub-command
    try:
        with unread(sys.stdout):
            code = app(given, standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except InputError as error:
        _fail(remedied(error), debug)
    except _UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            print(error.format_message())  # type: ignore[attr-defined]
            sys.exit(0)
        _fail(error.format_message(), debug)  # type: ignore[attr-defined]
    except (KeyboardInterrupt, Interrupted, typer.Abort) as interrupt:
        print(
            f"interrupted: {str(interrupt) or 'what was finished is kept; the same command goes on from there'}.",
            file=sys.stderr,
        )
        sys.exit(130)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            _defect()
        _fail(f"{error.filename or 'a file'}: {error.strerror}; free space or choose another folder.", debug)
    except Exception:
        _defect()


def _defect() -> NoReturn:
    """What no one foresaw: the traceback, and a code of its own, since 1 says that something got worse."""
    import traceback

    traceback.print_exc()
    print("error: this is a defect of symmbench; please report it with the lines above.", file=sys.stderr)
    sys.exit(70)


def _fail(message: str, debug: bool) -> NoReturn:
    if debug:
        import traceback

        traceback.print_exc()
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)
