"""Statistics of others in the place of real images: a protocol of its own, equal to the distance by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.linalg import sqrtm

from symmbench.bench import api
from symmbench.bench.records import Store
from symmbench.symmflow.errors import InputError

D, N = 64, 40
ASKED: dict[str, Any] = {"methods": "symmflow", "tasks": "sis", "datasets": "digit-scenes", "steps": 1, "limit": N}


def statistics(path: Path, seed: int = 0, d: int = D, **more: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    features = random.normal(size=(4 * d, d)) @ random.normal(size=(d, d)) / 8 + 0.3
    mean, covariance = features.mean(axis=0), np.cov(features, rowvar=False)
    np.savez(path, **({"mu": mean, "sigma": covariance} | more))  # type: ignore[arg-type]
    return mean, covariance


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cell against the real images, one against statistics."""
    out = tmp_path_factory.mktemp("store")
    statistics(out.parent / "theirs.npz", extra=np.zeros(3))
    api.run(out=out, device="cpu", **ASKED)
    api.run(out=out, device="cpu", reference=out.parent / "theirs.npz", **ASKED)
    return out


def test_the_figure_is_the_distance_by_hand(store: Path, tmp_path: Path) -> None:
    mean, covariance = statistics(tmp_path / "theirs.npz")
    (held,) = [one for one in Store(store).items() if "+theirs" in one.record.protocol["name"]]
    features = np.concatenate([block for _, block in held.evidence.features()]).astype(np.float64)
    own_mean, own = features.mean(axis=0), np.cov(features, rowvar=False)
    root = np.real(sqrtm(own @ covariance))
    by_hand = np.square(own_mean - mean).sum() + np.trace(own + covariance - 2 * root)
    fid = held.record.metrics["fid[digits-cnn]"]
    assert fid.value == pytest.approx(by_hand, rel=1e-6) and fid.low is not None and fid.low < by_hand
    assert held.record.absent["kid[digits-cnn]"] == "--reference gives a mean and a covariance, and no images"
    assert "alignment_miou" in held.record.metrics  # what needs no reference set is measured as ever


def test_it_is_a_protocol_of_its_own_and_never_mixed(store: Path, tmp_path: Path) -> None:
    names = {one.record.protocol["name"]: one.record.protocol["hash"] for one in Store(store).items()}
    assert set(names) == {"digit-scenes/sis@1", "digit-scenes/sis@1+theirs"} and len(set(names.values())) == 2
    with pytest.raises(InputError, match="reference"):
        api.compare(store)
    assert len(api.compare(store, protocol=names["digit-scenes/sis@1+theirs"]).tables) == 1
    np.savez_compressed(tmp_path / "renamed.npz", **np.load(store.parent / "theirs.npz"))
    same = api.run(out=store, device="cpu", reference=tmp_path / "renamed.npz", **ASKED)
    assert same.evaluated == 0  # the numbers count, not their file
    statistics(tmp_path / "others.npz", seed=1)
    other = api.run(out=tmp_path / "out", device="cpu", reference=tmp_path / "others.npz", **ASKED)
    assert other[0].protocol["hash"] not in names.values()


def test_figures_are_made_again_from_the_store_alone(store: Path, tmp_path: Path) -> None:
    (store.parent / "theirs.npz").rename(tmp_path / "gone.npz")
    try:
        found = api.rescore(store)
        assert len(found.made) == 2 and not found.left and not any(one.changed for one in found.made)
        rules = tmp_path / "mine.toml"
        rules.write_text('[metrics]\nsis = ["fid"]\n')
        api.rescore(store, protocol=str(rules), out=tmp_path / "out")
        before = {one.record.protocol["name"]: one.record for one in Store(store).items()}
        for one in Store(tmp_path / "out").items():
            own = before[one.record.protocol["name"].replace(":mine", "")]
            assert one.record.metrics["fid[digits-cnn]"] == own.metrics["fid[digits-cnn]"]
        assert len(list(Store(tmp_path / "out").items())) == 2
        (held,) = [one for one in Store(store).items() if "+theirs" in one.record.protocol["name"]]
        assert api.reproduce(held.folder, device="cpu").verdict == "bit for bit"
    finally:
        (tmp_path / "gone.npz").rename(store.parent / "theirs.npz")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"mu": np.zeros(3)}, r"mu \[3\] and sigma \[64, 64\] are not \[D\] and \[D, D\]"),
        ({"sigma": np.triu(np.ones((D, D)))}, "sigma is not symmetric"),
        ({"mu": np.full(D, np.nan)}, "not finite"),
        ({"mu": np.array([{}] * D)}, "no NPZ of statistics"),
    ],
)
def test_statistics_that_are_none_are_named(tmp_path: Path, more: dict[str, np.ndarray], said: str) -> None:
    statistics(tmp_path / "theirs.npz", **more)
    with pytest.raises(InputError, match=rf"theirs\.npz.*{said}"):
        api.run(out=tmp_path / "out", reference=tmp_path / "theirs.npz", **ASKED)


def test_other_features_and_other_files_are_refused_before_work_is_spent(tmp_path: Path) -> None:
    statistics(tmp_path / "inception.npz", d=128)
    with pytest.raises(InputError, match=r"statistics of --reference are of 128 features, and the extractor gives 64"):
        api.run(out=tmp_path / "out", device="cpu", reference=tmp_path / "inception.npz", **ASKED | {"limit": 4})
    assert not list((tmp_path / "out" / "digit-scenes").rglob("samples-*"))
    np.savez(tmp_path / "images.npz", np.zeros(3))
    with pytest.raises(InputError, match=r"has no mu and sigma \(it has arr_0\)"):
        api.run(out=tmp_path / "out", reference=tmp_path / "images.npz", **ASKED)
    np.save(tmp_path / "mu.npy", np.zeros(3))
    with pytest.raises(InputError, match=r"mu\.npy has no mu and sigma"):
        api.run(out=tmp_path / "out", reference=tmp_path / "mu.npy", **ASKED)
    with pytest.raises(InputError, match=r"nowhere\.npz cannot be read: No such file"):
        api.run(out=tmp_path / "out", reference=tmp_path / "nowhere.npz", **ASKED)
    with pytest.raises(InputError, match="--reference goes with --task sis"):
        api.run(out=tmp_path / "out", reference=tmp_path / "inception.npz", **ASKED | {"tasks": "ss"})
