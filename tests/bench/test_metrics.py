import warnings
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import t as student

from symmbench import datasets
from symmbench.bench.judges import extractors, perceptual, weights
from symmbench.bench.metrics.confusion import Areas, sparse_confusion
from symmbench.bench.metrics.frechet import (
    GROUPS,
    Moments,
    at_infinity,
    frechet,
    frechet_distance,
    groups_of,
    kernel_distance,
    whole,
)
from symmbench.symmflow.errors import InputError


def masks(seed: int, n: int = 6, k: int = 5, side: int = 12) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = random.integers(0, k, (n, side, side))
    predicted = np.where(random.random(truth.shape) < 0.6, truth, random.integers(0, k, truth.shape))
    return truth, predicted


def areas(truth: np.ndarray, predicted: np.ndarray, k: int) -> Areas:
    return Areas.from_sparse(*sparse_confusion(truth, predicted, k), n=len(truth), num_classes=k)


def test_confusion_counted_by_hand() -> None:
    truth, predicted = np.array([[[0, 0, 1, 255]]]), np.array([[[0, 1, 1, 1]]])
    image, t, p, count = sparse_confusion(truth, predicted, 2)
    assert list(zip(image, t, p, count, strict=True)) == [(0, 0, 0, 1), (0, 0, 1, 1), (0, 1, 1, 1)]
    found = areas(truth, predicted, 2)
    assert found.iou().tolist() == [[0.5, 0.5]] and found.pixel_accuracy().value == pytest.approx(2 / 3)


def test_miou_equals_torchmetrics() -> None:
    from torchmetrics.classification import MulticlassJaccardIndex

    truth, predicted = masks(0)
    truth[0, :3] = 255
    oracle = MulticlassJaccardIndex(5, ignore_index=255, average="none")(
        torch.from_numpy(predicted), torch.from_numpy(truth)
    )
    found = areas(truth, predicted, 5)
    np.testing.assert_allclose(found.iou()[0], oracle.numpy(), rtol=1e-6)
    interval = found.miou()
    assert (
        interval.value == pytest.approx(oracle.mean().item(), rel=1e-6)
        and interval.low < interval.value < interval.high
    )


def test_absent_classes_are_left_out_and_stay_out_under_resampling() -> None:
    truth, predicted = masks(1, k=3)
    predicted[0, 0, 0] = 4  # predicted, never true
    found = areas(truth, predicted, 6)
    assert found.present.tolist() == [True, True, True, False, False, False]
    assert found.miou().value == pytest.approx(found.iou()[0, :3].mean())


def test_a_resample_without_a_class_leaves_it_out() -> None:
    truth, predicted = np.zeros((2, 1, 4), dtype=int), np.zeros((2, 1, 4), dtype=int)
    truth[0, 0, 0] = predicted[0, 0, 0] = predicted[1, 0, 0] = 1  # class 1: in the first image; a false positive
    found = areas(truth, predicted, 2).iou(np.array([[1.0, 1.0], [0.0, 2.0]]))
    assert found[0].tolist() == [6 / 7, 0.5] and found[1][0] == 0.75 and np.isnan(found[1][1])


def test_predictions_outside_the_classes_are_an_error() -> None:
    truth, predicted = masks(2)
    predicted[0, 0, 0] = 7
    with pytest.raises(ValueError, match="beyond 5 classes"):
        sparse_confusion(truth, predicted, 5)


def features(seed: int, n: int = 300, d: int = 16, shift: float = 0.0) -> tuple[np.ndarray, list[str]]:
    random = np.random.default_rng(seed)
    mix = random.normal(size=(d, d)) / np.sqrt(d)
    return (random.normal(size=(n, d)) @ mix + shift).astype(np.float32), [f"id-{i}" for i in range(n)]


def test_frechet_equals_clean_fid_torchmetrics_and_the_closed_form() -> None:
    from cleanfid.fid import frechet_distance as clean_fid
    from torchmetrics.image.fid import _compute_fid

    (a, ids), (b, _) = features(0), features(1, shift=0.3)
    ma, ca = a.astype(np.float64).mean(0), np.cov(a.astype(np.float64), rowvar=False)
    mb, cb = b.astype(np.float64).mean(0), np.cov(b.astype(np.float64), rowvar=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        assert frechet_distance(ma, ca, mb, cb) == pytest.approx(clean_fid(ma, ca, mb, cb), rel=1e-6)
    oracle = _compute_fid(*(torch.from_numpy(v) for v in (ma, ca, mb, cb))).item()
    assert frechet(whole(a, ids), whole(b, ids)).interval.value == pytest.approx(oracle, rel=1e-6)
    diagonal = frechet_distance(np.zeros(3), np.diag([1.0, 4.0, 9.0]), np.ones(3), np.diag([4.0, 4.0, 1.0]))
    assert diagonal == pytest.approx(3 + (1 - 2) ** 2 + 0 + (3 - 1) ** 2)


def test_frechet_of_a_set_with_itself_is_zero_and_a_rank_deficient_one_finite() -> None:
    a, ids = features(0)
    assert frechet(whole(a, ids), whole(a, ids)).interval.value == pytest.approx(0, abs=1e-8)
    few, few_ids = features(3, n=8)
    assert np.isfinite(frechet(whole(few, few_ids), whole(a, ids)).interval.value)


def test_frechet_jackknife_deletes_groups_by_hand() -> None:
    (a, ids), (b, _) = features(0, n=200), features(1, n=200)
    groups = np.array([groups_of(ids)[i] for i in ids])
    without = [Moments.of(a[groups != g]).distance(Moments.of(b[groups != g])) for g in range(GROUPS)]
    found = frechet(whole(a, ids), whole(b, ids))
    assert found.without == pytest.approx(without, rel=1e-9)
    both = np.isin(groups, (3, 4))
    pair = Moments.of(a[~both]).distance(Moments.of(b[~both]))
    second = 20 * found.interval.value - 19 * (without[3] + without[4]) + 18 * pair
    assert found.second[3] == pytest.approx(second, rel=1e-6)
    variance = 19 / 20 * np.square(np.array(without) - np.mean(without)).sum() - np.var(found.second, ddof=1) / 2
    plain = 19 / 20 * np.square(np.array(without) - np.mean(without)).sum()
    half = student.ppf(0.975, 19 * variance / plain) * np.sqrt(variance)
    assert found.interval.high - found.interval.value == pytest.approx(half, rel=1e-5)


def test_groups_are_equally_large_and_fixed_by_the_ids() -> None:
    ids = [f"id-{i}" for i in range(203)]
    dealt = groups_of(ids)
    assert sorted(np.bincount(list(dealt.values()))) == [10] * 17 + [11] * 3
    assert groups_of(ids[::-1] + ids[:5]) == dealt


def test_the_corrected_error_of_a_quadratic_figure_is_the_true_one() -> None:
    """|mean|^2 of noise around nothing has no linear part: the plain jackknife doubles its variance."""
    from symmbench.bench.statistics import Jackknifed, jackknife_error

    random, values, plain, corrected = np.random.default_rng(0), [], [], []
    for _ in range(400):
        means = random.normal(size=(GROUPS, 30))

        def measure(keep: np.ndarray, means: np.ndarray = means) -> float:
            return float(np.square(means[keep].mean(axis=0)).sum())

        found = Jackknifed.of(np.ones(GROUPS, dtype=bool), measure, pairs=True)
        values.append(found.interval.value)
        plain.append(jackknife_error(found.without) ** 2)
        corrected.append(jackknife_error(found.without, found.second) ** 2)
    true = np.var(values, ddof=1)
    assert np.mean(plain) / true == pytest.approx(2, rel=0.25) and np.mean(corrected) / true == pytest.approx(
        1, rel=0.3
    )


def test_fid_infinity_takes_the_bias_of_few_samples_off() -> None:
    """Gaussians of one covariance whose means are one apart: their distance is one."""
    random, made, ids = np.random.default_rng(0), [], [f"s{i}" for i in range(300)]
    for _ in range(30):
        a, b = random.normal(size=(2, 300, 16))
        found = frechet(whole(a, ids), whole(b + 0.25, ids))
        made.append((found.interval.value, at_infinity(found).interval.value))
    mean, error = np.mean(made, axis=0), np.std(made, axis=0) / np.sqrt(len(made))
    assert mean[0] > 1 + 5 * error[0] and abs(mean[1] - 1) < 4 * error[1]


def test_features_in_blocks_give_the_same_figures() -> None:
    (a, ids), (b, _) = features(0, n=200), features(1, n=200)

    def blocks(x: np.ndarray) -> Any:
        return lambda: [(ids[i : i + 30], x[i : i + 30]) for i in range(0, 200, 30)]

    for measure in (frechet, kernel_distance):
        whole_, parts = measure(whole(a, ids), whole(b, ids)), measure(blocks(a), blocks(b))
        assert parts.interval.value == pytest.approx(whole_.interval.value, rel=1e-9)
        assert parts.without == pytest.approx(whole_.without, rel=1e-9)


def test_calibration() -> None:
    from symmbench.bench.metrics.calibration import brier, expected_calibration_error

    labels = np.repeat([0, 1], [90, 10])
    sure = np.tile([1.0, 0.0], (100, 1))  # always sure of class 0, right nine times of ten
    ids = [f"i{k}" for k in range(100)]
    assert expected_calibration_error(sure, labels, ids).interval.value == pytest.approx(0.1)
    assert expected_calibration_error(np.tile([0.9, 0.1], (100, 1)), labels, ids).interval.value == pytest.approx(0)
    assert brier(sure, labels).mean() == pytest.approx(0.2)


def test_calibration_error_equals_torchmetrics() -> None:
    from torchmetrics.functional.classification import multiclass_calibration_error

    from symmbench.bench.metrics.calibration import expected_calibration_error

    random = np.random.default_rng(0)
    logits, labels = random.normal(size=(500, 10)) * 2, random.integers(10, size=500)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    oracle = multiclass_calibration_error(torch.from_numpy(p), torch.from_numpy(labels), 10, n_bins=15, norm="l1")
    found = expected_calibration_error(p, labels, [f"i{k}" for k in range(500)])
    assert found.interval.value == pytest.approx(float(oracle), rel=1e-6)


def test_kid_equals_torchmetrics() -> None:
    from torchmetrics.image.kid import poly_mmd

    (a, ids), (b, _) = features(0), features(1, n=300, shift=0.2)
    oracle = poly_mmd(torch.from_numpy(a).double(), torch.from_numpy(b).double()).item()
    assert kernel_distance(whole(a, ids), whole(b, ids)).interval.value == pytest.approx(oracle, rel=1e-6)


def test_kid_jackknife_leaves_a_group_out() -> None:
    from torchmetrics.image.kid import poly_mmd

    (a, ids), (b, _) = features(0), features(1)
    groups = np.array([groups_of(ids)[i] for i in ids])
    without = [
        poly_mmd(torch.from_numpy(a[groups != g]).double(), torch.from_numpy(b[groups != g]).double()).item()
        for g in range(GROUPS)
    ]
    assert kernel_distance(whole(a, ids), whole(b, ids)).without == pytest.approx(without, rel=1e-5)


def test_features_need_two_axes() -> None:
    with pytest.raises(ValueError, match=r"\[n, D\]"):
        Moments.of(np.zeros(5))


def test_lpips_equals_torchmetrics_on_the_same_backbone() -> None:
    from torchmetrics.functional.image.lpips import _LPIPS

    ours = perceptual.build()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = _LPIPS(net="alex", pnet_rand=True, pretrained=True)
    backbone = {k.split(".", 1)[1]: v for k, v in oracle.net.state_dict().items()}
    perceptual.load_backbone(ours, backbone)
    random = np.random.default_rng(0)
    a, b = random.integers(0, 256, (2, 4, 3, 64, 64), dtype=np.uint8)
    distance = perceptual.as_distance(ours, "cpu")
    expected = oracle(torch.from_numpy(a) / 127.5 - 1, torch.from_numpy(b) / 127.5 - 1).flatten().detach().numpy()
    np.testing.assert_allclose(distance(a, b), expected, rtol=1e-5)
    assert (expected > 0).all() and np.abs(distance(a, a)).max() == 0
    gray = a[:, :1]
    assert distance(gray, b[:, :1]).shape == (4,)


def test_lpips_without_weights_says_why() -> None:
    said = perceptual.plan(datasets.card("digit-scenes"))
    assert isinstance(said, str) and "bench data get lpips-alex" in said
    assert "at least 32x32" in str(perceptual.plan(datasets.card("digits")))


class StandIn(torch.nn.Module):
    """Shaped as clean-fid uses the FID Inception: `.layers` maps [B, 3, 299, 299] to 2,048 features."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.AvgPool2d(99), torch.nn.Flatten(), torch.nn.Linear(27, 2048))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


def test_inception_path_with_a_stand_in_under_its_own_hash(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """Everything but the weights: pinned hash, TorchScript, clean-fid's resizing, the names of the metrics."""
    from dataclasses import replace

    from symmbench.symmflow.checkpoint import file_sha256

    monkeypatch.setenv("SYMMBENCH_WEIGHTS", str(tmp_path))
    card, file = datasets.card("mnist"), tmp_path / "inception-2015-12-05.pt"
    torch.manual_seed(0)
    model = StandIn().eval()
    torch.jit.script(model).save(str(file))
    with pytest.raises(InputError, match="is not inception"):
        extractors.plan(card, "inception")
    known = {**weights.KNOWN, "inception": replace(weights.KNOWN["inception"], sha256=file_sha256(file))}
    monkeypatch.setattr(weights, "KNOWN", known)
    chosen = extractors.plan(card)
    assert not isinstance(chosen, str) and chosen.name == "inception" and chosen.metric("fid") == "fid"
    images = np.random.default_rng(0).integers(0, 256, (1, 3, 40, 50), dtype=np.uint8)
    found = extractors.load(chosen, "cpu")(images)  # a batch of one keeps its axis
    assert found.shape == (1, 2048)
    from PIL import Image

    channels = [
        np.asarray(Image.fromarray(c.astype(np.float32), mode="F").resize((299, 299), Image.Resampling.BICUBIC)).clip(
            0, 255
        )
        for c in images[0]
    ]
    with torch.inference_mode():
        expected = model((torch.from_numpy(np.stack(channels))[None] - 128) / 128)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-4, atol=1e-5)


def test_extractors_are_chosen_by_data_set_and_weights() -> None:

    embedded = extractors.plan(datasets.card("digit-scenes"))
    assert not isinstance(embedded, str) and embedded.metric("fid") == "fid[digits-cnn]"
    assert "bench data get inception" in str(extractors.plan(datasets.card("fashion-mnist")))
    with pytest.raises(InputError, match="bench data get mobilenet-v2"):
        extractors.plan(datasets.card("fashion-mnist"), "mobilenet-v2")
    with pytest.raises(InputError, match="did you mean 'inception'"):
        extractors.plan(datasets.card("fashion-mnist"), "inceptoin")


def test_mobilenet_features(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    from torchvision.models import mobilenet_v2

    torch.save(mobilenet_v2(weights=None).state_dict(), tmp_path / "mobilenet_v2-b0353104.pth")
    chosen = extractors.Extractor("mobilenet-v2", "0" * 64, tmp_path / "mobilenet_v2-b0353104.pth")
    gray = np.random.default_rng(0).integers(0, 256, (2, 1, 28, 28), dtype=np.uint8)
    assert extractors.load(chosen, "cpu")(gray).shape == (2, 1280)
    assert chosen.metric("kid") == "kid[mobilenet-v2]"


def test_weights_are_fetched_verified_and_kept(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    import hashlib
    import http.server
    import threading
    from functools import partial

    content = b"some weights" * 1000
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "w.pth").write_bytes(content)
    monkeypatch.setenv("SYMMBENCH_WEIGHTS", str(tmp_path / "kept"))
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "served"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/w.pth"
    entry = weights.Weights("toy", "w.pth", url, hashlib.sha256(content).hexdigest(), "nothing")
    monkeypatch.setitem(weights.KNOWN, "toy", entry)
    steps: list[tuple[int, int]] = []
    try:
        path = weights.get("toy", lambda done, total: steps.append((done, total)))
        assert path.read_bytes() == content and steps[-1] == (len(content), len(content))
        monkeypatch.setitem(weights.KNOWN, "liar", weights.Weights("liar", "l.pth", url, "00", "nothing"))
        with pytest.raises(InputError, match="wrong SHA-256"):
            weights.get("liar")
        assert not (tmp_path / "kept" / "l.pth").exists() and not list((tmp_path / "kept").glob(".*"))
    finally:
        server.shutdown()
        server.server_close()
    assert weights.get("toy") == path  # no server needed any more
    monkeypatch.setitem(weights.KNOWN, "gone", weights.Weights("gone", "g.pth", url, "00", "nothing"))
    with pytest.raises(InputError, match="by hand"):
        weights.get("gone")
