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
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .bounded import check_size, read_json
from .errors import Damaged, InputError, NoCheckpoint, Oversized, Unreadable, WrongValue
from .files import atomic_folder, sha256
from .names import one_line
from .recipe import Recipe, check_table

if TYPE_CHECKING:
    from torch import Tensor, nn

FORMAT = 1
WEIGHTS, MANIFEST, LOG = "weights.safetensors", "checkpoint.json", "training.csv"
LARGEST = 1 << 40
"""Bytes of weights."""
USE = {"method", "latents", "labels", "network", "objective", "options"}
"""The parts of a recipe that decide what its weights do; the others, how they were made."""
IMAGE_CODEC = "image_codec"
"""In the manifest of a model in latents: SHA-256 of the autoencoder's files."""


class Manifest(BaseModel):
    """`checkpoint.json`, as far as anything depends on it."""

    model_config = ConfigDict(allow_inf_nan=False)

    format: Literal[1]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """Of the weights."""
    recipe: dict[str, Any]
    parameters: Annotated[int, Field(ge=0, le=10**13)] = 0
    trained_steps: Annotated[int, Field(ge=0, le=10**13)] | None = None
    data: dict[str, Any] = {}
    training: dict[str, Any] = {}
    made_by: dict[str, Any] = {}
    pretrained: dict[str, Any] = {}
    image_codec: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None


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

        file = self.path / WEIGHTS
        try:
            if wrong := _unlike(file, network):  # by its header: nothing is read of what does not fit
                raise Damaged(f"the weights in {self.path} do not fit their recipe ({wrong})")
            weights = {name: value.float() for name, value in load_file(file).items()}
            network.load_state_dict(weights)
        except (SafetensorError, RuntimeError, OSError) as error:
            raise Damaged(f"the weights in {self.path} do not fit their recipe ({one_line(str(error), 200)})") from None


def open_checkpoint(path: Path) -> Checkpoint:
    """Open and verify a checkpoint folder; missing, truncated and foreign ones are refused with the reason."""
    if not path.is_dir():
        raise NoCheckpoint(f"there is no checkpoint folder at {path}")
    for name in (MANIFEST, WEIGHTS):
        if not (path / name).is_file():
            raise NoCheckpoint(f"{path} is no checkpoint: it has no {name}")
    manifest = _manifest(path / MANIFEST)
    expected = manifest["sha256"]
    check_size(path / WEIGHTS, LARGEST)
    if (found := sha256(path / WEIGHTS)) != expected:
        raise Damaged(
            f"{path / WEIGHTS} is damaged: its SHA-256 begins {found[:12]}, the manifest says {expected[:12]}"
        )
    try:
        recipe = check_table(Recipe, manifest["recipe"], str(path / MANIFEST))
    except WrongValue as error:  # of a later version, or changed by hand
        raise Damaged(f"the recipe in {error}") from None
    return Checkpoint(path, recipe, manifest)


def _manifest(path: Path) -> dict[str, Any]:
    """What a manifest says, its own fields checked. Raises `Damaged`."""
    try:
        manifest = read_json(path)
        if (version := manifest["format"]) != FORMAT and isinstance(version, int):
            raise InputError(
                f"{path.parent} has checkpoint format {version}, and only {FORMAT} is read here; upgrade to read it."
            )
        Manifest.model_validate(manifest)
    except (Oversized, Unreadable, OSError, KeyError, TypeError) as error:
        said = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise Damaged(f"{path} cannot be read ({one_line(said, 200)})") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise Damaged(f"{path} cannot be read ({where}: {one_line(first['msg'].lower(), 200)})") from None
    found: dict[str, Any] = manifest
    return found


def _unlike(file: Path, network: nn.Module) -> str:
    """The first thing in which weights on disk are unlike a network's, by name and shape; empty if nothing."""
    from safetensors import safe_open

    wanted = {name: list(value.shape) for name, value in network.state_dict().items()}
    with safe_open(file, "pt") as stored:
        there = {name: list(stored.get_slice(name).get_shape()) for name in stored.keys()}  # noqa: SIM118 (no mapping)
    for name, shape in wanted.items():
        if name not in there:
            return f"they have no {name}"
        if there[name] != shape:
            return f"{name} is {there[name]} in them and {shape} in the network"
    return next((f"the network has no {one_line(name, 80)}" for name in there if name not in wanted), "")


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
