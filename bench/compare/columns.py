"""Some columns of the tables, by name and in the order in which they are named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...reports.block import PAPER, Block, figures
from ...reports.narrow import telling
from ...symmflow.errors import unknown


def chosen(blocks: Sequence[Block], names: Sequence[str]) -> list[Block]:
    """The columns of these names, and whatever else tells the rows of a table apart. Where figures are named, tables
    that have none of them are left out."""
    known = {name: None for block in blocks for name in map(_name, block.headers)}
    for name in names:
        if name.lower() not in {one.lower() for one in known}:
            raise unknown("column", name, known)
    asked = [name.lower() for name in names]
    told = [block for block in blocks if not _figures(block).isdisjoint(asked)]
    return [_chosen(block, asked) for block in told or blocks]


def _figures(block: Block) -> set[str]:
    return {_name(block.headers[pair[0]]).lower() for pair in figures(block.headers)}


def _name(header: str) -> str:
    return header.rstrip(" ↑↓")


def _chosen(block: Block, names: Sequence[str]) -> Block:
    heads = [_name(header).lower() for header in block.headers]
    wanted = [heads.index(name) for name in names if name in heads and name != PAPER]
    beside = {pair[0]: pair for pair in figures(block.headers)}
    needed = telling(block.rows, min(beside, default=len(heads)))
    columns = [*(column for column in needed if column not in wanted), *wanted]
    if PAPER in names:  # a paper's own beside the figure that it is of
        columns = [one for column in columns for one in beside.get(column, [column])]
    place = {column: i for i, column in enumerate(columns)}
    return replace(
        block,
        headers=[block.headers[column] for column in columns],
        rows=[[row[column] for column in columns] for row in block.rows],
        left=[place[column] for column in block.left if column in place],
        marks={(row, place[column]): mark for (row, column), mark in block.marks.items() if column in place},
    )
