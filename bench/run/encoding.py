"""Whether a training in latents encodes its images once or in every step."""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...symmflow.errors import InputError, note

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...datasets import Split
    from ...symmflow.autoencoders import Autoencoder
    from ...symmflow.objective import Objective
    from ...symmflow.recipe import Recipe
    from ...symmflow.train import CachedLatents, TrainingSet
    from .training import Training

GB = 1e9
LEAST = 2
"""Times that a training is to see an image before it is worth encoding it apart."""
SHARE = 0.5
"""Of what is free on a disk, the most that is taken without being asked for."""


def encoded_once(
    request: Training,
    recipe: Recipe,
    objective: Objective,
    data: Split,
    report: Callable[[int, int], None] | None = None,
) -> tuple[Objective, TrainingSet]:
    """What a training minimises, and its data: with images that are encoded once, where that is possible and worth it.

    A line says where they lie, or why there are none. Raises `InputError` where the impossible is asked for.
    """
    from ...symmflow.latents import InLatents
    from ...symmflow.train.latents import not_cached

    if request.cache_latents is False or (request.cache_latents is None and not isinstance(objective, InLatents)):
        return objective, data
    why = not_cached(recipe)
    if not why and isinstance(objective, InLatents):
        cache = replace(latents_of(recipe, objective.images, data), report=report)
        why = _too_large(cache, 1.0) if request.cache_latents else _not_worth(request, recipe, cache)
        if not why:
            note(f"image latents are cached in {cache.folder}, {cache.size / GB:.3g} GB")
            return replace(objective, encoded=True), cache
    if request.cache_latents:
        raise InputError(f"image latents cannot be cached: {why}; drop --cache-latents.")
    note(f"image latents are encoded in every step, not cached: {why}")
    return objective, data


def latents_of(recipe: Recipe, codec: Autoencoder, data: Split) -> CachedLatents:
    """The latents of a split's images: a folder for these pixels, this autoencoder and this precision."""
    from importlib.metadata import version

    from ...datasets.cache import cache_folder
    from ...symmflow.train.latents import FORMAT, CachedLatents

    manifest, precision = data.manifest, recipe.train.precision
    said = f"{FORMAT} {manifest.content_sha256} {manifest.ids_sha256} pillow {version('pillow')} {codec.sha256}"
    folder = f"{manifest.split}-{precision}-{hashlib.sha256(said.encode()).hexdigest()[:16]}"
    return CachedLatents(
        data=data,
        codec=codec,
        folder=cache_folder("latents") / re.sub(r"[^\w.@=-]+", "-", manifest.dataset) / folder,
        shape=codec.moments_shape(manifest.shape),
        precision=precision,
        flips=recipe.data.flip > 0,
    )


def _not_worth(request: Training, recipe: Recipe, cache: CachedLatents) -> str:
    """Why latents are not cached of one's own accord; empty where they are."""
    images, seen = len(cache) * (1 + cache.flips), (request.max_steps or recipe.schedule.steps) * recipe.train.batch
    if seen < LEAST * images and cache.missing:
        return f"{images:,} would be encoded for a training on {seen:,}"
    return _too_large(cache, SHARE)


def _too_large(cache: CachedLatents, share: float) -> str:
    """Why its disk cannot take what is missing; empty where it can."""
    wanted = cache.size * len(cache.missing) / len(cache.files)
    free = shutil.disk_usage(there := _there(cache.folder)).free
    if wanted <= share * free:
        return ""
    return f"they take {wanted / GB:.3g} GB more, and {free / GB:.3g} GB are free in {there}"


def _there(folder: Path) -> Path:
    """The folder, or the nearest one above it that there is."""
    return next(one for one in (folder, *folder.parents) if one.is_dir())
