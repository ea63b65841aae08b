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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import Damaged, InputError, NoCheckpoint, WrongValue
from .files import atomic_folder, sha256
from .recipe import Recipe, check_table

if TYPE_CHECKING:
    from torch import Tensor, nn

FORMAT = 1
WEIGHTS, MANIFEST, LOG = "weights.safetensors", "checkpoint.json", "training.csv"
USE = {"method", "latents", "labels", "network", "objective", "options"}
"""The parts of a recipe that decide what its weights do; the others, how they were made."""
IMAGE_CODEC = "image_codec"
"""In the manifest of a model in latents: SHA-256 of the autoencoder's files."""


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
        """Hash of the weights and of what the recipe says of their use: the checkpoint's identity.

        A field at its default does not count, so that a field added later, with a default that means what was done
        before, moves no fingerprint. A default of these tables therefore never changes.
        """
        apart = {"latents": {"chunk"}}
        used = self.recipe.model_dump(mode="json", include=USE, exclude=apart, exclude_defaults=True)
        if IMAGE_CODEC in self.manifest:
            used[IMAGE_CODEC] = self.manifest[IMAGE_CODEC]
        return hashlib.sha256(f"{self.sha256}\n{json.dumps(used, sort_keys=True)}".encode()).hexdigest()

    def load_into(self, network: nn.Module) -> None:
        """Read the weights into a network; a network of another shape is refused."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            weights = {name: value.float() for name, value in load_file(self.path / WEIGHTS).items()}
            network.load_state_dict(weights)
        except (SafetensorError, RuntimeError) as error:
            first = str(error).strip().splitlines()[0]
            raise Damaged(f"the weights in {self.path} do not fit their recipe ({first})") from None


def open_checkpoint(path: Path) -> Checkpoint:
    """Open and verify a checkpoint folder; missing, truncated and foreign ones are refused with the reason."""
    if not path.is_dir():
        raise NoCheckpoint(f"there is no checkpoint folder at {path}")
    for name in (MANIFEST, WEIGHTS):
        if not (path / name).is_file():
            raise NoCheckpoint(f"{path} is no checkpoint: it has no {name}")
    try:
        manifest = json.loads((path / MANIFEST).read_text())
        version, expected, _ = manifest["format"], manifest["sha256"], manifest["recipe"]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise Damaged(f"{path / MANIFEST} cannot be read ({error!r})") from None
    if version != FORMAT:
        raise InputError(f"{path} has checkpoint format {version}, and only {FORMAT} is read here; upgrade to read it.")
    if (found := sha256(path / WEIGHTS)) != expected:
        raise Damaged(
            f"{path / WEIGHTS} is damaged: its SHA-256 begins {found[:12]}, the manifest says {expected[:12]}"
        )
    try:
        recipe = check_table(Recipe, manifest["recipe"], str(path / MANIFEST))
    except WrongValue as error:  # of a later version, or changed by hand
        raise Damaged(f"the recipe in {error}") from None
    return Checkpoint(path, recipe, manifest)


def save_checkpoint(path: Path, weights: dict[str, Tensor], recipe: Recipe, log: str, **facts: Any) -> Checkpoint:
    """Write a checkpoint atomically (aside, then renamed). `facts`: steps trained, provenance, ..."""
    import torch
    from safetensors.torch import save

    dtype = torch.float16 if recipe.train.weights == "fp16" else torch.float32
    stored = {
        name: value.detach().to("cpu", dtype if value.is_floating_point() else value.dtype).contiguous()
        for name, value in weights.items()
    }
    with atomic_folder(path) as aside:
        (aside / WEIGHTS).write_bytes(save(stored))  # not save_file, whose errors do not say that the disk is full
        manifest = {
            "format": FORMAT,
            "sha256": sha256(aside / WEIGHTS),
            "parameters": sum(v.numel() for v in weights.values()),
            **facts,
            "recipe": recipe.model_dump(mode="json", exclude_none=True),
        }
        (aside / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
        (aside / LOG).write_text(log)
    return open_checkpoint(path)
