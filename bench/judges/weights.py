"""Weights of judges that are not bundled: where they lie, and how they are fetched and verified.

`bench run` never downloads them: a metric whose weights are missing is absent, with the reason. `bench data get NAME`
fetches them once.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ...datasets.cache import weights_folder
from ...datasets.download import Download, Report, fetch
from ...symmflow import files
from ...symmflow.errors import InputError, Unwritable, unknown
from ..records.missing import Missing


@dataclass(frozen=True)
class Weights:
    """A file of pretrained weights; its SHA-256 must begin with `sha256` (all of it, or what its name pins)."""

    name: str
    file: str
    url: str
    sha256: str
    serves: str

    def matches(self, path: Path) -> bool:
        return sha256(path).startswith(self.sha256)


@dataclass(frozen=True)
class Unfetched(Missing):
    """Weights that are not on this machine, any of which would do."""

    names: tuple[str, ...] = ()


def unfetched(*names: str) -> Unfetched:
    return Unfetched(f"no weights of {' or '.join(names)} on this machine (`bench data get {names[0]}`)", names)


_TORCH = "https://download.pytorch.org/models"
KNOWN = {
    w.name: w
    for w in (
        Weights(
            "inception",
            "inception-2015-12-05.pt",
            "https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/inception-2015-12-05.pt",
            "f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4",
            "fid, kid",
        ),
        Weights(
            "mobilenet-v2",
            "mobilenet_v2-b0353104.pth",
            f"{_TORCH}/mobilenet_v2-b0353104.pth",
            "b0353104",
            "fid[mobilenet-v2], kid[mobilenet-v2]",
        ),
        Weights("lpips-alex", "alexnet-owt-7be5be79.pth", f"{_TORCH}/alexnet-owt-7be5be79.pth", "7be5be79", "lpips"),
        Weights("lpips-vgg", "vgg16-397923af.pth", f"{_TORCH}/vgg16-397923af.pth", "397923af", "lpips[vgg]"),
    )
}


def find(name: str) -> Path | None:
    """The verified file of some weights, in `weights_folder()` or torch hub's cache; None if it is nowhere."""
    weights = known(name)
    hub = Path(os.environ.get("TORCH_HOME") or Path.home() / ".cache" / "torch") / "hub" / "checkpoints"
    for place in (weights_folder(), hub):
        path = place / weights.file
        if path.is_file():
            if not weights.matches(path):
                raise InputError(f"{path} is not {name}: its SHA-256 does not begin {weights.sha256[:12]}; remove it.")
            return path
    return None


def known(name: str) -> Weights:
    if name not in KNOWN:
        raise unknown("weights", name, KNOWN)
    return KNOWN[name]


def get(name: str, report: Report | None = None) -> Path:
    """Fetch weights into `weights_folder()`, verified before they get their name. Returns at once if they are there."""
    if (there := find(name)) is not None:
        return there
    weights = known(name)
    try:
        return fetch(Download(weights.file, (weights.url,), f"sha256:{weights.sha256}"), weights_folder(), report)
    except Unwritable as error:
        raise InputError(f"{error}; set $SYMMBENCH_WEIGHTS to another folder.") from None


def sha256(path: Path) -> str:
    """Of a file; that of one which has not changed since is known."""
    about = path.stat()
    return _sha256(path, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=16)
def _sha256(path: Path, modified: int, size: int) -> str:
    return files.sha256(path)
