"""Weights that others have saved: one file, or a folder in diffusers' format. Nothing in them can run code."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from typing import Any

from torch import Tensor

from .bounded import check_size, check_weights, read_json
from .errors import InputError, Unreadable
from .files import sha256
from .names import one_line

LARGEST = 1 << 40
"""Bytes of a file of weights."""
NAMES = (
    "diffusion_pytorch_model.safetensors",
    "diffusion_pytorch_model.safetensors.index.json",
    "diffusion_pytorch_model.bin",
)
"""In a folder, in the order of preference."""


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors by name, from .safetensors, or from what torch has saved (.pt, .pth, .bin), which is never unpickled.

    Raises `InputError` where there are none.
    """
    if path.is_dir():
        for name in NAMES:
            if (path / name).is_file():
                return read_weights(path / name)
        raise InputError(f"{path} holds no weights; it should have {' or '.join(NAMES)}.")
    if not path.is_file():
        raise InputError(f"there are no weights at {path}; name a file, or a folder in diffusers' format.")
    if path.name.endswith(".index.json"):
        return {name: value for file in _shards(path) for name, value in read_weights(file).items()}
    found = _safetensors(path) if path.suffix == ".safetensors" else _torch(path)
    wrong = [name for name, value in found.items() if not (isinstance(name, str) and isinstance(value, Tensor))]
    if wrong or not found:
        what = one_line(str(wrong[0]), 80) if wrong else "nothing"
        raise InputError(f"{path} is no state dict: {what} in it is no tensor by a name.")
    return found


def read_tables(path: Path) -> dict[str, Any]:
    """The values by name in a JSON file. Raises `InputError` where it holds none."""
    try:
        found = read_json(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    if not isinstance(found, dict):
        raise InputError(f"{path} holds no values by name; get it again.")
    return found


def digest(path: Path) -> str:
    """SHA-256 of what `read_weights` reads: of a file, or of the names and contents of several."""
    file = next((path / name for name in NAMES if (path / name).is_file()), path)
    if not file.name.endswith(".index.json"):
        return sha256(file)
    said = "".join(f"{shard.name} {sha256(shard)}\n" for shard in _shards(file))
    return hashlib.sha256(said.encode()).hexdigest()


def _shards(index: Path) -> list[Path]:
    """The files that an index names, in order. Raises `InputError` for what is no index."""
    try:
        names = sorted(set(read_json(index)["weight_map"].values()))
        files = [index.parent / Path(name).name for name in names]
        if other := [file.name for file in files if file.suffix not in (".safetensors", ".bin")]:
            raise ValueError(f"{one_line(other[0], 80)} holds no weights")
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise InputError(f"{index} is no index of weights ({one_line(repr(error), 200)}); get it again.") from None
    return files


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        check_size(path, LARGEST)
        return load_file(path)
    except (SafetensorError, Unreadable, OSError) as error:
        raise InputError(f"{path} is no whole safetensors file ({one_line(str(error), 200)}); get it again.") from None


def one_tensor(path: Path) -> Tensor:
    """What a file holds that holds one tensor alone. Raises `InputError` for any other."""
    if not path.is_file():
        raise InputError(f"there is no file {path}; name one that holds a tensor.")
    found = _safetensors(path) if path.suffix == ".safetensors" else _saved(path)
    values = list(found.values()) if isinstance(found, dict) else [found]
    if len(values) != 1 or not isinstance(values[0], Tensor):
        raise InputError(f"{path} does not hold one tensor alone.")
    return values[0]


def _torch(path: Path) -> dict[str, Tensor]:
    found = _saved(path)
    if not isinstance(found, dict):
        raise InputError(f"{path} holds a {type(found).__name__}, not weights by name.")
    return found


def _saved(path: Path) -> object:
    import torch

    check_weights(path)
    try:
        found: object = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise InputError(f"{path} holds more than weights, which could run code, and is not read.") from None
    except Exception as error:  # whatever torch makes of bytes that nobody has vetted
        first = (str(error).strip() or repr(error)).splitlines()[0]
        raise InputError(f"{path} is no whole file of torch ({one_line(first, 200)}); get it again.") from None
    return found
