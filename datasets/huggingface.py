"""`hf:OWNER/NAME`, a data set of the Hugging Face hub in Parquet files, or `hf:FOLDER` of such files.

The files are read as they are: nothing of a repository is run, and the `datasets` library is not needed.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ..symmflow.errors import InputError, unknown
from ..symmflow.pixels import IGNORE
from . import parquet
from .card import Card
from .catalog import catalog
from .dataset import Family
from .described import FILE, Described, described
from .download import Report
from .filed import FileDataSet
from .hub import snapshot
from .parquet import NEEDS, Parquet

PAGE = ("README.md", "id2label.json")
CONVERTED = "refs/convert/parquet"
"""The branch in which the hub keeps Parquet files of data sets that are stored otherwise."""
VERSION = "parquet@1"


@dataclass(frozen=True)
class Named:
    """The parts of `OWNER/NAME[/CONFIG][:COLUMN]`, or of a folder's name in place of the repository."""

    repository: str
    config: str = ""
    column: str = ""

    def __str__(self) -> str:
        config, column = (sign + part if part else "" for sign, part in (("/", self.config), (":", self.column)))
        return f"{self.repository}{config}{column}"


class ParquetDataSet(FileDataSet):
    """The files in one folder, wherever that is: `root`, or a commit in the hub's cache."""

    place: Path

    def find(self, root: Path | None) -> tuple[Parquet, Path]:
        (layout,) = self.layouts
        assert isinstance(layout, Parquet)
        return layout, self.place


class HuggingFace(Family):
    """Once here, a hub's data set stays at its commit; `bench data get` fetches the newest one."""

    name = "hf"
    what = "a data set of the Hugging Face hub (OWNER/NAME), or your folder: " + NEEDS

    def located(self, argument: str, root: Path | None) -> tuple[str, Path | None]:
        path, column = _column(argument)
        if (root is None or "/" in path) and Path(path).expanduser().is_dir():
            root = Path(path).expanduser().absolute()
            path = root.name
        return str(Named(path, column=column)), root

    def open(self, argument: str, root: Path | None) -> ParquetDataSet:
        if root is not None:
            path, column = _column(argument)
            if not root.is_dir():
                raise InputError(f"there is no folder {root}; hf: takes one that holds {NEEDS}.")
            return _opened(f"{self.name}:{argument}", root, Named(path, _config(path), column), "")
        named = _named(argument)
        return _opened(f"{self.name}:{named}", fetched(named, kept=True), named, named.repository)

    def get(self, argument: str, root: Path | None, report: Report | None = None) -> Path:
        """The newest commit of the hub, whatever it holds; a folder of the user's is as it is."""
        return root or fetched(_named(argument), report=report)


HUGGING_FACE = HuggingFace()


def fetched(named: Named, *, kept: bool = False, report: Report | None = None) -> Path:
    """The Parquet files of a repository (of one configuration) and what describes them; see `hub.snapshot`."""
    take = partial(snapshot, named.repository, kind="dataset", kept=kept, report=report)
    page = take(PAGE)
    files = _patterns(_readme(page), named)
    folder = take((*PAGE, *files), revision=page.name)
    if any(folder.rglob("*.parquet")):
        return folder
    try:
        return take((f"{named.config}/*.parquet" if named.config else "*.parquet",), revision=CONVERTED)
    except InputError:
        raise InputError(
            f"dataset {named.repository!r} of the hub has no Parquet files, neither its own nor converted."
        ) from None


def _column(argument: str) -> tuple[str, str]:
    """What is named, and the column of it after the last colon."""
    if Path(argument).expanduser().is_dir():
        return argument, ""
    path, _, column = argument.partition(":")
    return path, column


def _config(path: str) -> str:
    """Of a hub's name whose files lie in a folder of the user's."""
    return "/".join(path.split("/")[2:])


def _named(argument: str) -> Named:
    path, column = _column(argument)
    parts = path.split("/")
    if len(parts) not in (2, 3) or not all(re.fullmatch(r"[\w.-]+", part) for part in parts) or path.startswith("."):
        raise InputError(
            f"there is no folder {path}, and the hub's data sets are called OWNER/NAME, or OWNER/NAME/CONFIG; give one."
        )
    return Named("/".join(parts[:2]), _config(path), column)


def _opened(name: str, root: Path, named: Named, repository: str) -> ParquetDataSet:
    about, said = _readme(root), described(root)
    if said and said.splits:
        raise InputError(f"{root / FILE} names splits, but Parquet files are split by their names; drop them there.")
    files = _files(root, about, named)
    first = next(iter(files.values()))[0]
    columns = parquet.columns(root / first, named.column)
    layout = Parquet(files, columns, said=said)
    version = f"{VERSION} {said.decoding}".rstrip() if said else VERSION
    classes = _classes(root, layout, about, said)
    seen = [catalog(name, version, layout, root, split) for split in files] if columns.masks else []
    if columns.masks and not classes:
        highest = max(one.highest for one in seen)
        classes = tuple(map(str, range(max(highest + 1, 2))))
    if not columns.masks:
        layout = replace(layout, classes=classes)
        if parquet.texts(root / first, columns.label):  # which number each is depends on all of them
            version += f" {hashlib.sha256(json.dumps(classes).encode()).hexdigest()[:12]}"
    card = _card(name, root, layout, about, said or Described(classes=classes), repository)
    opened = ParquetDataSet(card, (layout,), version, native=True)
    opened.place = root
    opened.varied = len({size for one in seen for size in one.sizes}) > 1
    if columns.masks and said is None:
        opened.said = (
            f"{name}: grey values of the column {columns.label.partition('.')[0]} are class ids "
            f"(0-{len(classes) - 1}), {IGNORE} is void; a {FILE} in {root} says otherwise."
        )
    return opened


def _card(name: str, root: Path, layout: Parquet, about: Mapping[str, Any], known: Described, repository: str) -> Card:
    stated = about.get("license", known.licence)
    first = layout.files[next(iter(layout.files))][0]
    return known.card(
        name,
        {split: parquet.count(root, files) for split, files in layout.files.items()},
        layout.size(parquet.cell(root / first, layout.columns.image, 0).read()),
        masks=layout.columns.masks,
        obtain=f"`bench data get {name}`." if repository else "It is your own folder.",
        title=str(about.get("pretty_name") or name.partition(":")[2]),
        licence=", ".join(stated) if isinstance(stated, list) else str(stated),
        source=f"huggingface.co/datasets/{repository}, commit {root.name}" if repository else str(root),
    )


def _classes(root: Path, layout: Parquet, about: Mapping[str, Any], said: Described | None) -> tuple[str, ...]:
    """As the `dataset.toml` names them, the files, the page of the repository, or the values; of masks perhaps none."""
    if said is not None:
        return said.classes
    if layout.columns.names:
        return layout.columns.names
    with suppress(OSError, ValueError, TypeError, AttributeError):
        return _in_order(json.loads((root / "id2label.json").read_text()))
    infos = about.get("dataset_info") or []
    for info in infos if isinstance(infos, list) else [infos]:
        for feature in info.get("features") or []:
            kind = feature.get("dtype")
            if feature.get("name") == layout.columns.label and isinstance(kind, dict) and "class_label" in kind:
                return _in_order(kind["class_label"].get("names") or {})
    if layout.columns.masks:
        return ()
    values = parquet.values(root, layout)
    if all(isinstance(value, int) for value in values):
        return tuple(map(str, range(max(values, default=0) + 1)))
    return tuple(sorted(value for value in values if isinstance(value, str)))


def _in_order(names: Mapping[str, Any]) -> tuple[str, ...]:
    """Names by their ids, which are texts."""
    return tuple(str(names[key]) for key in sorted(names, key=int))


def _readme(root: Path) -> dict[str, Any]:
    """What the head of a repository's page says of its files."""
    from huggingface_hub import metadata_load
    from yaml import YAMLError

    if not (root / "README.md").is_file():
        return {}
    try:
        found = metadata_load(root / "README.md")
    except (OSError, ValueError, YAMLError) as error:
        raise InputError(f"the head of {root / 'README.md'} cannot be read ({error}); mend it, or remove it.") from None
    return found or {}


def _files(root: Path, about: Mapping[str, Any], named: Named) -> dict[str, tuple[str, ...]]:
    """Files of each split, from the root: as the page of the repository lists them, else as they are called."""
    found = sorted(
        file.relative_to(root).as_posix()
        for file in root.rglob("*.parquet")
        if not any(part.startswith(".") for part in file.relative_to(root).parts)
    )
    if not found:
        raise InputError(f"{root} holds no Parquet file; hf: takes {NEEDS}.")
    if listed := _listed(_data_files(about, named), found):
        return parquet.whole(listed)
    folders = {file.split("/")[0] for file in found if file.count("/") == 2}
    if len(folders) > 1 or named.config:  # CONFIG/SPLIT/0000.parquet, as the hub converts
        config = _chosen(named, dict.fromkeys(sorted(folders), False))
        found = [file for file in found if file.startswith(f"{config}/")]
    return parquet.splits(found)


def _data_files(about: Mapping[str, Any], named: Named) -> list[tuple[str, str]]:
    """Splits and patterns of files that the page lists for a configuration; none where it lists none."""
    configs = {str(one.get("config_name")): one for one in about.get("configs") or [] if isinstance(one, dict)}
    if not configs:
        return []
    chosen = configs[_chosen(named, {name: bool(one.get("default")) for name, one in configs.items()})]
    entries = chosen.get("data_files") or []
    found = []
    for entry in entries if isinstance(entries, list) else [entries]:
        one = entry if isinstance(entry, dict) else {"path": entry}
        patterns = one.get("path") or []
        split = str(one.get("split", "train"))
        for pattern in patterns if isinstance(patterns, list) else [patterns]:
            found.append((parquet.SPLITS.get(split, split), str(pattern)))
    return found


def _patterns(about: Mapping[str, Any], named: Named) -> tuple[str, ...]:
    """Of the files that are wanted."""
    listed = [pattern for _, pattern in _data_files(about, named) if pattern.endswith((".parquet", "*"))]
    return tuple(dict.fromkeys(listed)) or ("*.parquet",)


def _chosen(named: Named, configs: Mapping[str, bool]) -> str:
    """One of the configurations (and whether it is the default one)."""
    if named.config:
        if named.config not in configs:
            raise unknown(f"configuration of {named.repository}", named.config, configs)
        return named.config
    usual = [name for name, default in configs.items() if default] or [n for n in configs if n == "default"]
    if len(configs) == 1 or usual:
        return (usual or list(configs))[0]
    shown = ", ".join(f"hf:{replace(named, config=name)}" for name in configs)
    raise InputError(f"{named.repository} has several configurations; choose one: {shown}.")


def _listed(data_files: Sequence[tuple[str, str]], found: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The files of each split."""
    listed: dict[str, list[str]] = {}
    for split, pattern in data_files:
        listed.setdefault(split, []).extend(file for file in found if fnmatch.fnmatch(file, pattern))
    return {split: tuple(dict.fromkeys(files)) for split, files in listed.items() if files}
