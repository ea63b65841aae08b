import hashlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from symmbench import datasets
from symmbench.datasets import digit_scenes
from symmbench.datasets.digit_scenes import SIDE, scene
from symmbench.datasets.digits import positions
from symmbench.datasets.split import content_sha256
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.labels import Palette

EMBEDDED = ["two-spirals", "digits", "digits-by-writer", "digit-scenes", "digit-presence"]


@pytest.mark.parametrize("name", EMBEDDED)
def test_splits_have_the_promised_size_and_unique_ids(name: str) -> None:
    card = datasets.card(name)
    seen: set[str] = set()
    for split, count in card.splits.items():
        if name in ("digit-scenes", "digit-presence") and split == "train":
            continue  # 20,000 scenes take a while; the other splits are made the same way
        data = datasets.load(name, split)
        assert len(data) == count == len(set(data.ids))
        assert not seen & set(data.ids)
        seen |= set(data.ids)
        batch = data.batch([0, 1, 2])
        assert batch.images.shape == (3, *card.shape) and batch.images.dtype == np.float32
        assert batch.labels.dtype == np.int64 and batch.labels.max() < len(card.classes)
        if not card.is_points:
            assert batch.images.min() >= -1 and batch.images.max() <= 1


def test_digit_splits_are_stratified_disjoint_and_complete() -> None:
    parts = {split: positions(split) for split in ("train", "validation", "test")}
    assert sorted(np.concatenate(list(parts.values()))) == list(range(1797))
    assert np.bincount(datasets.load("digits", "test").labels).tolist() == [40] * 10
    assert np.bincount(datasets.load("digits", "validation").labels).tolist() == [30] * 10
    blocks = {split: positions(split, by_writer=True) for split in parts}
    assert blocks["train"].max() < blocks["validation"].min() and blocks["validation"].max() < blocks["test"].min()


@pytest.mark.parametrize("name", EMBEDDED)
def test_content_is_what_it_is_known_as(name: str) -> None:
    """Another scikit-learn, Pillow or NumPy that changes a pixel makes this fail: the data would need a new version."""
    for split in datasets.card(name).splits:
        if name in ("digit-scenes", "digit-presence") and split == "train":
            continue  # `bench doctor` takes the time
        data = datasets.load(name, split)
        data.verify()
        assert data.manifest == datasets.manifest(name, split)


def test_the_content_hash_covers_images_labels_types_and_shapes() -> None:
    images, labels = np.arange(8, dtype=np.uint8).reshape(2, 1, 2, 2), np.array([0, 1], dtype=np.uint8)
    known = hashlib.sha256(
        b"('|u1', (2, 1, 2, 2))" + images.tobytes() + b"('<i8', (2,))" + bytes([0] * 8 + [1] + [0] * 7)
    )
    assert content_sha256(images, labels) == known.hexdigest()
    assert content_sha256(images[:, :, :, ::-1], labels) != known.hexdigest()


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_manifest_of_scenes_makes_none(split: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(scene_id: str) -> None:
        raise AssertionError(f"made {scene_id}")

    monkeypatch.setattr(digit_scenes, "scene", refuse)
    manifest = datasets.manifest("digit-scenes", split)
    assert len(manifest) == datasets.card("digit-scenes").splits[split] == len(set(manifest.ids))
    assert manifest.shape == (3, 32, 32) and manifest.ids[7] == f"{split}-00007"


def test_ids_are_pinned() -> None:
    known = {"digits": "8a9698f9a351e3ae", "digits-by-writer": "e7a6a26d7d6a3678", "digit-scenes": "193cf9d165bf3529"}
    assert {name: datasets.manifest(name, "test").ids_sha256[:16] for name in known} == known
    assert datasets.manifest("digit-presence", "train").ids_sha256[:16] == "07e0e172c3b2414b"


def test_scenes_are_pure_functions_of_their_id() -> None:
    image, mask = scene("test-00007")
    data = datasets.load("digit-scenes", "test")
    assert np.array_equal(data.images[7], image) and np.array_equal(data.labels[7], mask)
    assert not np.array_equal(scene("validation-00007")[0], image)


def test_scenes_hold_two_or_three_digits_of_the_right_size() -> None:
    data = datasets.load("digit-scenes", "test")
    shares = np.bincount(data.labels.ravel(), minlength=11) / data.labels.size
    assert 0.75 < shares[0] < 0.9 and (shares[1:] > 0.01).all()
    kinds = [len(np.unique(mask[mask > 0])) for mask in data.labels]
    assert min(kinds) >= 1 and max(kinds) <= 3
    for mask in data.labels[:100]:
        rows = np.flatnonzero((mask > 0).any(axis=1))
        assert len(rows) >= 8 and mask.shape == (SIDE, SIDE)


def test_a_colour_histogram_tells_nothing_about_the_digit() -> None:
    """A classifier of the colours under a digit's mask stays at chance (10 %)."""
    from sklearn.ensemble import RandomForestClassifier

    def examples(split: str, count: int) -> tuple[np.ndarray, np.ndarray]:
        data = datasets.load("digit-scenes", split)
        features, classes = [], []
        for image, mask in zip(data.images[:count], data.labels[:count], strict=True):
            for k in np.unique(mask[mask > 0]):
                pixels = image[:, mask == k]
                histogram = [np.histogram(channel, bins=8, range=(0, 256))[0] / pixels.shape[1] for channel in pixels]
                features.append(np.concatenate([*histogram, pixels.mean(axis=1) / 255]))
                classes.append(k)
        return np.array(features), np.array(classes)

    x, y = examples("validation", 500)
    test_x, test_y = examples("test", 500)
    forest = RandomForestClassifier(200, random_state=0, n_jobs=1).fit(x, y)
    accuracy = forest.score(test_x, test_y)
    assert accuracy < 0.1 + 3 * np.sqrt(0.1 * 0.9 / len(test_y))


def test_scene_palette_holds_the_papers_noise() -> None:
    colors = datasets.card("digit-scenes").palette
    assert colors is not None and Palette(colors, beta=10).noise_limit > 60


def test_spirals_are_two_arms_half_a_turn_apart() -> None:
    data = datasets.load("two-spirals", "test")
    assert np.bincount(data.labels).tolist() == [1000, 1000]
    # a nearest neighbour in the training split tells the arms apart; a straight line does not
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    train = datasets.load("two-spirals", "train")
    assert KNeighborsClassifier(1).fit(train.images, train.labels).score(data.images, data.labels) > 0.999
    assert LogisticRegression().fit(train.images, train.labels).score(data.images, data.labels) < 0.75


def test_limit_takes_the_first_and_changes_the_hash() -> None:
    data = datasets.load("digits", "test")
    assert data.first(10).ids == data.ids[:10]
    assert data.first(None) is data and data.first(10_000) is data
    few, whole = data.first(10).manifest, data.manifest
    assert few.ids_sha256 != whole.ids_sha256 and few.content_sha256 == whole.content_sha256
    assert few == datasets.manifest("digits", "test").first(10) and data.first(50).first(10).manifest == few


def test_the_first_samples_are_those_of_the_whole_and_no_others() -> None:
    data = datasets.load("digits", "test")
    some, same = data.first(10).batch([9, 0]), data.batch([9, 0])
    assert some.ids == same.ids and np.array_equal(some.images, same.images)
    for outside in ([0, 10], [-1]):
        with pytest.raises(IndexError, match="of 10 samples"):
            data.first(10).batch(outside)


def test_other_data_than_known_is_refused() -> None:
    data = datasets.load("digits", "test")
    images = data.images.copy()
    images[399, 0, 4, 4] ^= 1
    spoilt = replace(data, images=images)
    for split in (spoilt, spoilt.first(10)):  # a limit does not hide it
        with pytest.raises(InputError, match="this machine makes other data of digits test than is known"):
            split.verify()


def test_presence_flags_match_the_masks() -> None:
    flags, scenes = datasets.load("digit-presence", "validation"), datasets.load("digit-scenes", "validation")
    for row in range(20):
        assert {int(k) - 1 for k in np.unique(scenes.labels[row]) if k} == set(np.flatnonzero(flags.labels[row]))


@pytest.mark.parametrize("ask", [datasets.load, datasets.manifest])
@pytest.mark.parametrize(
    ("name", "split", "said"), [("digitss", "test", "did you mean 'digits'"), ("digits", "tst", "did you mean 'test'")]
)
def test_unknown_names(ask: Callable[..., object], name: str, split: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        ask(name, split)
