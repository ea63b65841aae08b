"""Help in groups, with examples, and with summaries that are not cut."""

from __future__ import annotations

import inspect
from typing import Any

import typer.core

WHOLE = 300
"""Characters of a command's summary: its first sentence."""


def _by_panel(command: Any, ctx: Any, formatter: Any) -> None:
    """Arguments and options, under the panel that each names."""
    panels: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(ctx):
        if (row := parameter.get_help_record(ctx)) is not None:
            usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
            panels.setdefault(parameter.rich_help_panel or usual, []).append(row)
    for panel, rows in panels.items():
        with formatter.section(panel):
            formatter.write_dl(rows, col_max=24)


def _examples(command: Any, formatter: Any) -> None:
    if command.epilog:
        with formatter.section("Examples"):
            for line in inspect.cleandoc(command.epilog).splitlines():
                formatter.write(f"  {line}\n")


class Command(typer.core.TyperCommand):
    """A command whose options stand in groups; its epilog is examples, a line each."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _by_panel(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _examples(self, formatter)


class Commands(typer.core.TyperGroup):
    """A group of commands, under the panel that each names."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        panels: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                panel = getattr(command, "rich_help_panel", None)
                summary = command.get_short_help_str(WHOLE)
                panels.setdefault(panel if isinstance(panel, str) else "Commands", []).append((name, summary))
        for panel, rows in panels.items():
            with formatter.section(panel):
                formatter.write_dl(rows)
        _by_panel(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _examples(self, formatter)
