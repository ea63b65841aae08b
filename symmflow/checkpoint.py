"""Checkpoints: a folder of safetensors weights, the recipe that made them, and a manifest of hashes.

```
weights.safetensors   the evaluated weights (EMA where the recipe keeps one)
checkpoint.json       format, recipe, SHA-256 of the weights, steps trained, parameters, provenance
training.csv          the training log: step, loss, ...
```
Nothing in it can run code.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import InputError
from .recipe import Recipe, parse_recipe

if TYPE_CHECKING:
    from torch import Tensor, nn

FORMAT = 1
WEIGHTS, MANIFEST, LOG = "weights.safetensors", "checkpoint.json", "training.csv"


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint on disk whose hashes agree. Weights are read by `load_into`."""

    path: Path
    recipe: Recipe
    manifest: dict[str, Any]

    @property
    def sha256(self) -> str:
        """Hash of the weights."""
        return str(self.manifest["sha256"])

    @property
    def fingerprint(self) -> str:
        """Hash of the weights and of what the recipe says of their use: the checkpoint's identity."""
        used = self.recipe.model_dump_json(include={"method", "labels", "network", "objective", "options"})
        return hashlib.sha256(f"{self.sha256}\n{used}".encode()).hexdigest()

    def load_into(self, network: nn.Module) -> None:
        """Read the weights into a network; a network of another shape is refused."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            weights = {name: value.float() for name, value in load_file(self.path / WEIGHTS).items()}
            network.load_state_dict(weights)
        except (SafetensorError, RuntimeError) as error:
            first = str(error).strip().splitlines()[0]
            raise InputError(f"the weights in {self.path} do not fit their recipe ({first}); train it again.") from None


def open_checkpoint(path: Path) -> Checkpoint:
    """Open and verify a checkpoint folder; missing, truncated and foreign ones are refused with the reason."""
    if not path.is_dir():
        raise InputError(f"there is no checkpoint folder at {path}; `bench train` makes one.")
    for name in (MANIFEST, WEIGHTS):
        if not (path / name).is_file():
            raise InputError(f"{path} is not a symmbench checkpoint: it has no {name}; `bench train` makes one.")
    try:
        manifest = json.loads((path / MANIFEST).read_text())
        version, sha256 = manifest["format"], manifest["sha256"]
        recipe_values = manifest["recipe"]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise InputError(f"{path / MANIFEST} cannot be read ({error!r}); train or download it again.") from None
    if version != FORMAT:
        raise InputError(f"{path} has checkpoint format {version}, this symmbench reads {FORMAT}; upgrade symmbench.")
    if (found := file_sha256(path / WEIGHTS)) != sha256:
        raise InputError(
            f"{path / WEIGHTS} is damaged: its SHA-256 begins {found[:12]}, the manifest says {sha256[:12]}; "
            "train or download it again."
        )
    return Checkpoint(path, parse_recipe(recipe_values, str(path / MANIFEST)), manifest)


def save_checkpoint(path: Path, weights: dict[str, Tensor], recipe: Recipe, log: str, **facts: Any) -> Checkpoint:
    """Write a checkpoint atomically (aside, then renamed). `facts`: steps trained, provenance, ..."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    aside = path.with_name(f".{path.name}.{os.getpid()}")
    before = aside.with_suffix(".before")
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        dtype = torch.float16 if recipe.train.weights == "fp16" else torch.float32
        save_file(
            {
                k: v.detach().to("cpu", dtype if v.is_floating_point() else v.dtype).contiguous()
                for k, v in weights.items()
            },
            aside / WEIGHTS,
        )
        manifest = {
            "format": FORMAT,
            "sha256": file_sha256(aside / WEIGHTS),
            "parameters": sum(v.numel() for v in weights.values()),
            **facts,
            "recipe": recipe.model_dump(mode="json", exclude_none=True),
        }
        (aside / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
        (aside / LOG).write_text(log)
        for file in aside.iterdir():
            with file.open("rb") as written:
                os.fsync(written.fileno())
        if path.exists():
            path.rename(before)
        aside.rename(path)
        shutil.rmtree(before, ignore_errors=True)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(aside, ignore_errors=True)
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot write the checkpoint {path}: {reason}; free space or choose another --out.") from None
    return open_checkpoint(path)


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
