"""The zero-shot Diffusion Classifier on Stable Diffusion: classes are prompts, images are latents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from ..datasets import Card
from ..symmflow.checkpoint import Checkpoint
from ..symmflow.errors import InputError
from ..symmflow.recipe import check_table
from ..symmflow.solvers import Steps
from .base import Classification, Foreign
from .does import Classify, Does, Support, no
from .parts.diffusion import Diffusion, DiffusionOptions
from .parts.foreign import REPORTED, TRANSFORMERS, Pretrained, held, loading, whole
from .parts.stages import Stages, by_stages, enough
from .sampling import Sampling

if TYPE_CHECKING:
    from torch import Tensor, nn

ROWS = 64
"""Network evaluations a call: a Stable Diffusion row takes some 40 MB in one layer."""
PARTS = ("unet", "vae", "text_encoder", "tokenizer", "scheduler")
CONFIGURATIONS = tuple(f"{part}/*.json" for part in PARTS)
WEIGHTS = tuple(f"{part}/*model.safetensors" for part in PARTS[:3])


class ZeroShotStages(Stages):
    """As `Stages`, and the prompt."""

    prompt: Annotated[str, Field(pattern=r"^[^{}]*\{\}[^{}]*$")] = "a blurry photo of a {}."
    """The class name takes the place of the braces; the default is the paper's for CIFAR-10."""


class StableDiffusionClassifier(Pretrained):
    """`sd-classifier:<folder or hub id>`: any Stable Diffusion pipeline in diffusers' format, untrained on the data.

    Images are resized to the pipeline's size and encoded to the mean of the VAE's posterior; prompts are padded to the
    length that the text encoder was trained with. A pipeline that predicts v is turned into one that predicts noise.
    """

    name = "sd-classifier"
    title = "Diffusion Classifier (zero-shot, Stable Diffusion)"
    source = "Li et al., Your Diffusion Model is Secretly a Zero-Shot Classifier, 2023"
    version = 2
    tasks = (Classify(solvers=()),)
    files = (*CONFIGURATIONS, *WEIGHTS, "tokenizer/merges.txt", "model_index.json")
    needs = CONFIGURATIONS
    Inference = ZeroShotStages

    def __init__(self, parts: Mapping[str, Any], card: Card, inference: ZeroShotStages, device: str) -> None:
        self.net, self.card, self.inference = parts["unet"], card, inference
        self.vae, self.device = parts["vae"], device
        self.side = parts["unet"].config.sample_size * 2 ** (len(self.vae.config.block_out_channels) - 1)
        config = parts["scheduler"].config
        if config.get("rescale_betas_zero_snr") or config.get("trained_betas") is not None:
            raise InputError(
                "the pipeline's scheduler rescales or lists its betas; sd-classifier takes a plain schedule."
            )
        schedule = {
            "schedule": config.beta_schedule,
            "beta_start": config.beta_start,
            "beta_end": config.beta_end,
            "timesteps": config.num_train_timesteps,
        }
        self.diffusion = Diffusion(check_table(DiffusionOptions, schedule, "the pipeline's scheduler"))
        self.predicts = config.get("prediction_type", "epsilon")
        if self.predicts not in ("epsilon", "v_prediction"):
            raise InputError(f"the pipeline predicts {self.predicts!r}; sd-classifier takes epsilon or v_prediction.")
        self.prompts = self._encode_prompts(parts["tokenizer"], parts["text_encoder"])  # [K, L, D]

    @classmethod
    def can(cls, does: Does, steps: int | None, card: Card) -> Support:
        if not find_spec("transformers"):
            return no(TRANSFORMERS)
        return enough(steps, len(card.classes))

    @classmethod
    def load(
        cls, checkpoint: Checkpoint | Foreign, card: Card, device: str, inference: Mapping[str, Any] | None = None
    ) -> StableDiffusionClassifier:
        from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel

        try:
            from transformers import CLIPTextModel, CLIPTokenizer
        except ImportError:
            raise InputError(f"{TRANSFORMERS}.") from None
        kinds = (UNet2DConditionModel, AutoencoderKL, CLIPTextModel)
        parts: dict[str, Any] = {}
        with loading(checkpoint.path, "whole Stable Diffusion pipeline"):
            for part, kind in zip(PARTS, kinds, strict=False):
                held(checkpoint.path / part, partial(_planned, kind, checkpoint.path, part))
                loaded = kind.from_pretrained(checkpoint.path, subfolder=part, use_safetensors=True, **REPORTED)
                parts[part] = whole(checkpoint.path / part, loaded).to(device).eval().requires_grad_(False)
            parts["tokenizer"] = CLIPTokenizer.from_pretrained(checkpoint.path, subfolder="tokenizer")
            parts["scheduler"] = DDPMScheduler.from_pretrained(checkpoint.path, subfolder="scheduler")
        return cls(parts, card, check_table(cls.Inference, inference or {}, f"--set for {cls.name}"), device)

    def nfe(self, task: str, steps: Steps | None, solver: str | None) -> int | None:
        if not isinstance(steps, int):
            return None
        return self.inference.evaluations(steps, len(self.card.classes), self.diffusion.timesteps)

    def classify(self, images: Tensor, sampling: Sampling) -> Iterator[Classification]:
        def predict(z: Tensor, k: Tensor, classes: Tensor) -> Tensor:
            out = self.net(z, k, encoder_hidden_states=self.prompts[classes], return_dict=False)[0]
            return out if self.predicts == "epsilon" else self.diffusion.noise_of_velocity(out, z, k)

        latents = self.encode(images)
        yield from by_stages(predict, latents, self.diffusion, self.card, self.inference, sampling, ROWS)

    def encode(self, images: Tensor) -> Tensor:
        """Images [B, 1 or 3, H, W] in [-1, 1] -> scaled latents [B, C, h, w], the posterior's mean."""
        from torch.nn.functional import interpolate

        rgb = images.expand(-1, 3, -1, -1)
        large = interpolate(
            rgb, size=(self.side, self.side), mode="bicubic", antialias=True, align_corners=False
        ).clamp(-1, 1)
        return self.vae.encode(large).latent_dist.mean * self.vae.config.scaling_factor

    def _encode_prompts(self, tokenizer: Any, encoder: Any) -> Tensor:
        import torch

        texts = [self.inference.prompt.format(name) for name in self.card.classes]
        tokens = tokenizer(
            texts, padding="max_length", max_length=tokenizer.model_max_length, truncation=True, return_tensors="pt"
        )
        with torch.inference_mode():
            return encoder(tokens.input_ids.to(self.device))[0]


def _planned(kind: Any, path: Path, part: str) -> nn.Module:
    """The network of a part as its configuration says, with random weights."""
    if hasattr(kind, "load_config"):  # of diffusers
        made: nn.Module = kind.from_config(kind.load_config(path, subfolder=part))
        return made
    other: nn.Module = kind(kind.config_class.from_pretrained(path, subfolder=part))
    return other
