"""Mean and covariance of features as others publish them, in place of real images: ADM's and pytorch-fid's NPZ."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ...symmflow.errors import InputError
from ...symmflow.files import atomic

Array = np.ndarray


@dataclass(frozen=True)
class Statistics:
    """mean: [D]; covariance: [D, D]; float64."""

    mean: Array
    covariance: Array

    @property
    def sha256(self) -> str:
        """Of the numbers, however they are packed."""
        digest = hashlib.sha256()
        for array in (self.mean, self.covariance):
            digest.update(str(array.shape).encode() + np.ascontiguousarray(array, "<f8").tobytes())
        return digest.hexdigest()

    def write(self, path: Path) -> None:
        with atomic(path) as aside, aside.open("wb") as file:
            np.savez(file, mu=self.mean, sigma=self.covariance)


def read_statistics(path: Path) -> Statistics:
    """The arrays `mu` and `sigma` of an NPZ. Raises `InputError` where they are not what they should be."""
    try:
        facts = path.stat()
    except OSError as error:
        raise InputError(f"the statistics {path} cannot be read: {error.strerror}.") from None
    return _read(path, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=2)
def _read(path: Path, size: int, changed: int) -> Statistics:
    try:
        archive = np.load(path, allow_pickle=False)
        names = archive.files if isinstance(archive, np.lib.npyio.NpzFile) else []
        if not {"mu", "sigma"} <= set(names):
            has = f"it has {', '.join(names)}" if names else "it is no NPZ"
            raise InputError(f"{path} has no mu and sigma ({has}); give an NPZ of ADM's or of pytorch-fid's.")
        mean, covariance = (archive[name].astype(np.float64) for name in ("mu", "sigma"))
        archive.close()
    except InputError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is no NPZ of statistics ({error}).") from None
    d = len(mean) if mean.ndim == 1 else 0
    if not d or covariance.shape != (d, d):
        raise InputError(f"{path}: mu {list(mean.shape)} and sigma {list(covariance.shape)} are not [D] and [D, D].")
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        raise InputError(f"{path} has numbers in mu or sigma that are not finite.")
    if not np.allclose(covariance, covariance.T, rtol=1e-4, atol=1e-6 * np.abs(covariance).max()):
        raise InputError(f"{path}: sigma is not symmetric, and so no covariance.")
    return Statistics(mean, covariance)
