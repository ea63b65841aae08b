"""The state of a training on disk: `state/step-N`, whole or not there, for any number of processes.

```
state.json            layout, recipe, step, log, schedule, ..., and the size of every other file; written last
shard-*.safetensors   a file a process: the weights, the optimizer's moments and the average, or pieces of them
```
`torch.distributed.checkpoint` writes and reads the pieces, so that another number of processes puts them together
otherwise. They are safetensors and not its own files, whose index is a pickle: nothing here can run code.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..bounded import read_json
from ..errors import InputError, Unwritable, note
from ..files import atomic_folder, remove_at_once, remove_left
from ..recipe import Recipe
from .earlier import FILE, load_earlier
from .same import check_same
from .state import State

FOLDER, MANIFEST = "state", "state.json"
LAYOUT = 3
STEP = re.compile(r"step-(\d{1,18})")
LARGEST = 1 << 30
"""Bytes of a manifest: a log of millions of rows."""


def save_state(out: Path, state: State, recipe: Recipe) -> None:
    """Write the state into `out`, and only then remove what was there before. All processes call it.

    A kill at any moment leaves the earlier one or this one. Raises `Unwritable`, on all.
    """
    import torch.distributed.checkpoint as dcp

    processes, folder = state.processes, out / FOLDER / f"step-{state.step:06d}"
    facts = {"layout": LAYOUT, "recipe": recipe.model_dump_json(), **state.facts()}
    if not processes.first(lambda: _is_whole(folder)):
        with ExitStack() as written:
            aside = Path(processes.first(lambda: str(written.enter_context(atomic_folder(folder)))))
            tensors = {name: value.contiguous() for name, value in state.tensors().items()}
            with _plainly(folder):
                dcp.save(
                    tensors,
                    storage_writer=dcp.HuggingFaceStorageWriter(str(aside), save_distributed=True),
                    process_group=processes.group,
                    no_dist=processes.world == 1,
                )
            files: dict[str, int] = {}
            for seen in processes.gather(_sizes(aside)):  # each sees its own at least, on a file system of many nodes
                files |= seen

            def finish() -> None:
                (aside / MANIFEST).write_text(json.dumps(facts | {"files": files}))
                written.close()

            processes.first(finish)
    processes.first(lambda: _remove_others(out, folder))


def load_state(out: Path, state: State, recipe: Recipe) -> bool:
    """Go on from the newest whole state in `out`; False where there is none. All processes call it.

    One of another recipe (`OtherRecipe`), of a later layout, or of which nothing is whole (`InputError`) is refused.
    """
    found = state.processes.first(lambda: _newest(out))
    if found is None:
        return False
    path = Path(found)
    try:
        if path.name == FILE:
            load_earlier(path, state, recipe)
        else:
            _load(path, state, recipe)
    except InputError:
        raise
    except Exception as error:  # a damaged or foreign file can fail in any layer of the loader
        raise InputError(
            f"{path} cannot be resumed from ({type(error).__name__}); remove it to start again."
        ) from error
    return True


def _load(folder: Path, state: State, recipe: Recipe) -> None:
    import torch.distributed.checkpoint as dcp

    facts, processes = read_json(folder / MANIFEST, LARGEST), state.processes
    if facts["layout"] != LAYOUT:
        raise InputError(
            f"{folder} has layout {facts['layout']}, and up to {LAYOUT} is read here; upgrade to go on from it."
        )
    check_same(folder, facts["recipe"], recipe)
    reader = dcp.HuggingFaceStorageReader(str(folder))
    state.begin_optimizer(reader.read_metadata().state_dict_metadata)
    with _plainly(folder):
        dcp.load(state.tensors(), storage_reader=reader, process_group=processes.group, no_dist=processes.world == 1)
    state.resume(facts)


def _newest(out: Path) -> str | None:
    """The newest state that is whole, of this layout or an earlier one."""
    states = _states(out)
    whole = next((folder for folder in states if _is_whole(folder)), None)
    if whole is None and (out / FILE).exists():
        return str(out / FILE)
    if whole is None and states:
        raise InputError(f"{states[0]} cannot be resumed from (it is not whole); remove it to start again.")
    if whole and whole != states[0]:
        note(f"{states[0]} is not whole; the training goes on from {whole.name}")
    return str(whole) if whole else None


def _states(out: Path) -> list[Path]:
    """The folders of states, whole or not, the newest first."""
    folder = out / FOLDER
    if not folder.is_dir():
        return []
    found = {int(m[1]): path for path in folder.iterdir() if (m := STEP.fullmatch(path.name))}
    return [found[step] for step in sorted(found, reverse=True)]


def _is_whole(folder: Path) -> bool:
    """Whether every file is there that the manifest names, of its size, and no other."""
    if not (folder / MANIFEST).is_file():
        return False
    try:
        return bool(read_json(folder / MANIFEST, LARGEST)["files"] == _sizes(folder))
    except (InputError, KeyError, TypeError):
        return False


def _sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.iterdir() if path.name != MANIFEST}


def _remove_others(out: Path, folder: Path) -> None:
    (out / FILE).unlink(missing_ok=True)
    for path in _states(out):
        if path != folder:
            remove_at_once(path)
    remove_left(out / FOLDER)


@contextmanager
def _plainly(folder: Path) -> Iterator[None]:
    """Inside, what fails on one process is raised as itself, on all; no word that there is but one."""
    from torch.distributed.checkpoint.api import CheckpointException

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "torch.distributed is disabled", UserWarning)
            yield
    except CheckpointException as several:
        error = next(iter(several.failures.values()))[0]
        if isinstance(error, OSError):
            raise Unwritable(folder, error) from several
        raise error from several
