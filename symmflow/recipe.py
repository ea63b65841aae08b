"""Recipes: every hyper-parameter of one training as a TOML file, checked where it enters."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from .bounded import read_toml
from .errors import InputError, NoRecipe, WrongValue, nearest
from .names import Name, Place, SlashedName, Source, one_line

Positive = Annotated[int, Field(ge=1, le=10**9)]
Width = Annotated[int, Field(ge=1, le=2**16)]
"""Of a layer, or what multiplies it."""
Share = Annotated[float, Field(ge=0, le=1)]


DEEPEST = 16
"""Tables in tables that a key may lead through."""


class Table(BaseModel):
    """A table of a recipe: unknown keys are refused, values never change, numbers are finite and no truth values."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: Any, field: ValidationInfo) -> Any:
        """true would pass for 1."""
        wanted = str(cls.model_fields[field.field_name or ""].annotation)
        values = value if isinstance(value, list | tuple) else [value]
        if "bool" not in wanted and "Any" not in wanted and any(isinstance(v, bool) for v in values):
            raise ValueError("takes no true or false")
        return value


class NetworkConfig(Table):
    """`[network]`: see `symmflow.networks` for what the words mean."""

    kind: Literal["mlp", "unet", "cnn", "sd-unet"] = "unet"
    channels: Width = 64
    multipliers: Annotated[tuple[Width, ...], Field(min_length=1, max_length=16)] = (1, 2, 2, 2)
    depth: Annotated[int, Field(ge=1, le=256)] = 2
    """Residual blocks a level of the U-Net; hidden layers of the MLP."""
    attention: tuple[Positive, ...] = (16,)
    """Sides of the network's grid (image side / patch) at which it attends; the middle block always does."""
    middle_norm: bool = True
    """GroupNorm before the attention in the middle, as before every other; without it nothing bounds its logits."""
    head_channels: Width = 64
    time: Literal["scale-shift", "add"] = "scale-shift"
    """How a residual block of the U-Net takes the time: as scale and shift of its second norm, or added before it."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    patch: Annotated[int, Field(ge=1, le=256)] = 1
    time_scale: Annotated[float, Field(gt=0)] = 1000.0
    """t in [0, 1] is multiplied by this before the sinusoidal embedding; 1 is what the authors' code does."""
    time_frequencies: Width = 8
    """Sine / cosine pairs of the time embedding of the MLP and of `gain`."""
    gain: bool = False
    """Add the U-Net's input to its output, scaled by a learned function of time a channel."""
    heads: Annotated[tuple[Width, ...], Field(min_length=1, max_length=16)] = (8,)
    """Of the cross-attention of Stable Diffusion's U-Net: one number for all levels, or one a level."""
    context: Width = 768
    """Width of the text embedding that it attends to."""
    tokens: Width = 77
    """Positions of that embedding."""
    linear_projection: bool = False
    """Linear maps around its attention, as Stable Diffusion 2 has them, not 1x1 convolutions."""
    pipeline: Place | None = None
    """The pipeline that it comes from: a folder in diffusers' format, or a name or hub id that whoever opens it knows.
    Its text encoder makes the embedding of the empty prompt; absent = zeros."""
    pretrained: Literal["copy", "preserving", "random"] = "random"
    """Begin with the pipeline's weights, channels added to the first and last convolution as copies, as the authors'
    code does, or so that the first output is the pretrained one's; or with random ones."""


class LatentsConfig(Table):
    """`[latents]`: the image codec between pixels and the space in which the network works (`symmflow.latents`)."""

    codec: Literal["pixels", "autoencoder-kl", "autoencoder-tiny", "taef2"] = "pixels"
    weights: Place | None = None
    """Those of the autoencoder: a folder, or a name or hub id that whoever opens it knows."""
    channels: Width = 4
    factor: Annotated[int, Field(ge=1, le=256)] = 8
    """Pixels a side that a latent stands for."""
    scale: Annotated[float, Field(gt=0)] | None = None
    """Latents are multiplied by this; absent = as the autoencoder's configuration says."""
    sample: bool = True
    """Train on draws from the posterior of an image, where the autoencoder has one; everything else is its mode."""
    chunk: Positive = 8
    """Images that are encoded or decoded in one call: fewer take less memory."""

    @model_validator(mode="after")
    def _weights_are_named(self) -> LatentsConfig:
        if self.codec != "pixels" and not self.weights:
            raise ValueError(f"codec {self.codec!r} needs weights, a folder or a hub id")
        if self.codec == "pixels" and self.weights:
            raise ValueError("codec 'pixels' has no autoencoder; drop its weights, or name the codec that they are of")
        return self


class LabelsConfig(Table):
    """`[labels]`: how class ids become a signal (`symmflow.labels`)."""

    codec: Literal["class-map", "palette", "anchors"] = "palette"
    scaling: Literal["paper", "official"] = "paper"
    eta: Annotated[float, Field(gt=0)] = 4.0
    beta: Annotated[float, Field(ge=0)] | None = None
    """Half width of the dequantisation noise (eq. 9): 0-255 units for colours, signal units for class maps."""
    k: Width = 6
    s: Annotated[float, Field(gt=0)] = 50.0
    void: tuple[Annotated[float, Field(ge=0, le=255)], ...] | None = None
    """Colour of pixels without a label, 0-255 units: they stay in the loss of a flow. Absent = mid-grey, the middle of
    the signal; SemFlow's published code paints them white."""


class ObjectiveConfig(Table):
    """`[objective]`."""

    image_weight: Share | None = None
    """w of w * MSE_x + (1 - w) * MSE_y; absent = the paper's sum over channels."""
    sigma_min: Annotated[float, Field(ge=0, lt=1)] = 0.0


class DataConfig(Table):
    """`[data]`: how training images are seen, and their augmentation, drawn by (seed, step, sample id)."""

    shift: Annotated[int, Field(ge=0, le=2**16)] = 0
    """Largest translation in pixels, both axes; the border is replicated."""
    rotate: Annotated[float, Field(ge=0, le=180)] = 0.0
    """Largest rotation in degrees."""
    scale: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Largest relative change of size."""
    flip: Share = 0.0
    """Share of the images that are flipped horizontally; classes that are left or right of something change places."""
    size: Positive | Annotated[str, Field(pattern=r"^[1-9]\d*(x[1-9]\d*)?$")] | None = None
    """Size at which images are seen, a side or HEIGHTxWIDTH; absent: the data set's own."""
    crop: Literal["whole", "center", "by-id"] = "whole"
    """Of images at `size`: the whole one, stretched; the middle; a part at a place that the id draws."""


class OptimizerConfig(Table):
    """`[optimizer]`: AdamW."""

    lr: Annotated[float, Field(gt=0)]
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    betas: tuple[Share, Share] = (0.9, 0.999)
    clip: Annotated[float, Field(gt=0)] | None = None
    """Largest norm of the gradient; absent = no clipping."""


class ScheduleConfig(Table):
    """`[schedule]`: the learning rate over all `steps`, whatever a run stops at."""

    kind: Literal["cosine", "linear", "one-cycle", "constant"] = "cosine"
    steps: Positive
    warmup: Annotated[int, Field(ge=0)] = 0
    ends: Annotated[float, Field(gt=0)] = 1e-6
    """The rate at which a one-cycle schedule begins and ends."""

    @model_validator(mode="after")
    def _warmup_ends(self) -> ScheduleConfig:
        if self.warmup >= self.steps:
            raise ValueError(f"warmup ({self.warmup}) must be smaller than steps ({self.steps})")
        return self


class TrainConfig(Table):
    """`[train]`."""

    batch: Annotated[int, Field(ge=1, le=2**20)]
    """Global batch: over all processes and accumulated micro-batches together."""
    accumulate: Width = 1
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """In which the network computes; weights, their average and the optimiser's state are fp32 in any case."""
    gradient_checkpointing: bool = False
    """Keep the inputs of the network's blocks alone for the backward pass and compute the rest again: the same
    gradients in a third more time, and a fraction of the memory."""
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Decay of the exponential moving average of the weights a step; 0 = none."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    checkpoint_every: Positive = 500
    log_every: Positive = 50
    weights: Literal["fp32", "fp16"] = "fp32"
    """Number format of the saved weights; they are evaluated as saved."""


class Recipe(Table):
    """One training: what, on what, how. The papers' tables are recipes."""

    name: SlashedName
    method: Name
    dataset: Source
    notes: str = ""
    source: str = ""
    """Paper and table that the hyper-parameters come from."""
    latents: LatentsConfig = LatentsConfig()
    labels: LabelsConfig = LabelsConfig()
    network: NetworkConfig = NetworkConfig()
    objective: ObjectiveConfig = ObjectiveConfig()
    options: dict[str, Any] = Field(default_factory=dict)
    """What the method itself defines, checked by it."""
    data: DataConfig = DataConfig()
    optimizer: OptimizerConfig
    schedule: ScheduleConfig
    train: TrainConfig

    @property
    def hash(self) -> str:
        """First 16 hex digits of the SHA-256 of all that decides what is trained.

        Remarks, the seed, how often a training is saved, how a batch is cut and what is computed twice do not count;
        nor does a field at its default.
        """
        apart: dict[str, Any] = {
            "notes": True,
            "source": True,
            "train": {"seed", "checkpoint_every", "log_every", "accumulate", "gradient_checkpointing"},
            "latents": {"chunk"},
        }
        said = self.model_dump(mode="json", exclude=apart, exclude_defaults=True)
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def read_recipe(path: Path, overrides: dict[str, Any] | None = None) -> Recipe:
    """A recipe from a TOML file; `overrides`: dotted keys such as {"optimizer.lr": 3e-4}."""
    try:
        values = read_toml(path)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise NoRecipe(f"there is no recipe at {path}") from None
    except OSError as error:
        raise InputError(f"the recipe {path} cannot be read: {error.strerror}.") from None
    for key, value in (overrides or {}).items():
        *tables, last = key.split(".")
        if len(tables) > DEEPEST:
            raise WrongValue(
                f"{path}: {one_line(key, 80)} leads through {len(tables)} tables, and no recipe is so deep"
            )
        table = values
        for part in tables:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise WrongValue(f"{path}: {key}: {part!r} is a value, not a table")
        table[last] = value
    return check_table(Recipe, values, str(path))


T = TypeVar("T", bound=Table)


def check_table(kind: type[T], values: Mapping[str, Any], where: str) -> T:
    """The values as a table of that kind, or an error that names the first wrong field and what is allowed."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        said = first["msg"].lower().removeprefix("value error, ")
        if first["type"] == "extra_forbidden":
            said = f"there is no such key{_keys(kind, first['loc'])}"
        what = f"{f'{name}: ' if name else ''}{said}{more}"
        raise WrongValue(f"{where}: {one_line(what)}") from None


def _keys(kind: type[BaseModel], where: Sequence[str | int]) -> str:
    """Of an unknown key, the one that was probably meant, and all that its own table takes."""
    *tables, key = map(str, where)
    for name in tables:
        if isinstance(table := kind.model_fields[name].annotation, type) and issubclass(table, BaseModel):
            kind = table
    near = nearest(key, kind.model_fields)
    own = f"{'.'.join(tables)} takes" if tables else "it takes"
    return f"{f'; did you mean {near!r}' if near else ''}; {own} {', '.join(kind.model_fields) or 'nothing'}"
