"""What was measured, as one file: for a repository, a paper, or a script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import quote

from ...reports import frames
from ...reports.block import Block, to_markdown
from ...reports.latex import to_latex
from ...reports.papers import paper as read_paper
from ...symmflow.errors import InputError, note
from ...symmflow.files import write_atomically
from ..records import DEFAULT_STORE, Record, read_stored
from ..records.tidy import COLUMNS, frame
from . import claims, curves, page, papers, tables
from .choice import Filter, choose
from .floors import read_floors
from .leaders import leaders
from .tables import Table

Form = Literal["md", "html", "latex", "csv", "parquet", "json"]
FORMS: tuple[Form, ...] = get_args(Form)
ENDINGS: dict[str, Form] = {
    ".md": "md",
    ".markdown": "md",
    ".html": "html",
    ".htm": "html",
    ".tex": "latex",
    ".csv": "csv",
    ".parquet": "parquet",
    ".json": "json",
}


@dataclass(frozen=True, repr=False)
class Document:
    """A report, as it is written."""

    form: Form
    content: str | bytes
    """Parquet is bytes, all else text."""
    replaced: Sequence[Record] = ()
    """Older records of cells that were measured again, with other figures."""
    picture: Callable[[], bytes] | None = field(default=None)
    """PNG: the curves over steps, of Markdown."""
    blocks: Sequence[Block] = ()
    """What it shows, for a terminal: of a paper's table."""

    def write(self, path: Path | str) -> list[Path]:
        """The files that were written: the report, and beside a Markdown file its picture, `NAME-steps.png`."""
        path = Path(path)
        if self.picture is None or isinstance(self.content, bytes) or path.suffix.lower() not in ENDINGS:
            write_atomically(path, self.content)
            return [path]
        beside = path.with_name(f"{path.stem}-steps.png")
        write_atomically(beside, self.picture())
        write_atomically(path, f"![Figures over inference steps]({quote(beside.name)})\n\n{self.content}")
        return [path, beside]

    def __repr__(self) -> str:
        return f"<{self.form}, {len(self.content):,} {'bytes' if self.form == 'parquet' else 'characters'}>"


def form_of(name: str) -> Form:
    """Raises `InputError` for one that there is not."""
    for known in FORMS:
        if name == known:
            return known
    raise InputError(f"--format is one of {', '.join(FORMS)}, not {name!r}.")


def form_by_ending(path: Path) -> Form:
    """Of a file, by the ending of its name. Raises `InputError` where that says none."""
    if (ending := path.suffix.lower()) not in ENDINGS:
        raise InputError(f"{path} says no format by its ending; let it end in {', '.join(ENDINGS)}, or give --format.")
    return ENDINGS[ending]


def document(
    folders: Sequence[Path],
    wanted: Filter,
    form: Form,
    *,
    by_seed: bool = False,
    sort: str | None = None,
    floors: Path | None = None,
    intervals: bool = False,
    fragment: bool = False,
    data_root: Path | None = None,
    paper: str | None = None,
) -> Document:
    """The wanted cells of some stores. Tables, one a protocol, as Markdown or LaTeX; a page that holds everything; or a
    tidy frame of all figures. `paper`: a table of a paper by its name, with ours beside it."""
    if (intervals or fragment) and form != "latex":
        raise InputError("--intervals and --fragment go with --format latex; the other formats have intervals always.")
    if data_root is not None and form != "html":
        raise InputError("--data-root goes with --format html: real images of a page that records may not hold.")
    if data_root is not None and not data_root.is_dir():
        raise InputError(f"--data-root {data_root} is not a folder; give the one that holds the files of a data set.")
    if paper is not None:
        others = {"by-seed": by_seed, "sort": sort, "floors": floors}
        if given := [option for option, value in others.items() if value]:
            raise InputError(f"--paper is a table in its paper's order; drop --{given[0]}.")
        return _paper(folders, paper, wanted, form, intervals, fragment)
    if (by_seed or sort) and form in _FRAMES:
        raise InputError(f"--by-seed and --sort are for tables; as {form} a cell is a row a metric, in no order.")
    limits = read_floors(floors)
    replaced: list[Record] = []
    unread: list[str] = []

    def refused(error: InputError) -> None:
        unread.append(f"{str(error).rstrip('.')}; it is left out")
        note(unread[-1])

    every = read_stored(folders, replaced, refused)
    cells = choose(every, wanted)
    if form in _FRAMES:
        return Document(form, _FRAMES[form](frame(cell.record for cell in cells), _WHAT), replaced)
    found = tables.tables(cells, by_seed=by_seed)
    if sort:
        tables.sort(found, sort)
    if form == "html":
        return Document(
            form,
            page.html(page.Page(cells, found, limits, wanted, folders, by_seed, floors, data_root, every, unread)),
            replaced,
        )
    shown = intervals or form == "md"
    blocks = [tables.block(table, leaders(table, limits), intervals=shown) for table in found]
    blocks = [replace(block, notes=[*block.notes, *(f"{said}." for said in unread)]) for block in blocks]
    if form == "latex":
        return Document(form, to_latex(blocks, fragment=fragment), replaced)
    if findings := claims.findings(cells):
        blocks.append(claims.block(findings))
    return Document(form, "\n".join(map(to_markdown, blocks)), replaced, _picture(found))


def _paper(folders: Sequence[Path], name: str, wanted: Filter, form: Form, intervals: bool, fragment: bool) -> Document:
    """A table of a paper with ours beside it: of no cells where there is no store and none was named."""
    table = read_paper(name)
    if form == "html":
        raise InputError(
            "--paper is md, latex, csv, parquet or json; the page has every paper's table that ours touch."
        )
    replaced: list[Record] = []
    absent = list(folders) == [DEFAULT_STORE] and not DEFAULT_STORE.is_dir()
    there = [] if absent else read_stored(folders, replaced)
    if there:
        wanted.check([cell.record for cell in there])
    filled = papers.fill(table, [cell for cell in there if wanted(cell.record)], folders, there)
    if form in _FRAMES:
        what = {column.name: column.what for column in papers.COLUMNS}
        return Document(form, _FRAMES[form](papers.frame(filled), what), replaced)
    blocks = [papers.block(filled, intervals=intervals or form == "md")]
    content = to_latex(blocks, fragment=fragment) if form == "latex" else "\n".join(map(to_markdown, blocks))
    return Document(form, content, replaced, blocks=blocks)


def _picture(found: Sequence[Table]) -> Callable[[], bytes] | None:
    from ...reports.curves import draw

    return (lambda: draw(curves.panels(found))) if curves.headlines(found) else None


_WHAT = {column.name: column.what for column in COLUMNS}
_FRAMES: dict[Form, Callable[..., str | bytes]] = {
    "csv": lambda found, what: frames.to_csv(found),
    "json": frames.to_json,
    "parquet": frames.to_parquet,
}
