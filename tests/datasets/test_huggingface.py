"""`hf:`: Parquet files as the hub has them, from a hub on this machine and from a folder."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from symmbench import datasets
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.pixels import IGNORE

Array = np.ndarray
H, W = 12, 16
CLASS_LABEL = {"names": ["cat", "dog", "eel"], "_type": "ClassLabel"}


def pixels(number: int) -> Array:
    return np.random.default_rng(number).integers(0, 256, (H, W, 3), dtype=np.uint8)


def ids(number: int, classes: int = 3) -> Array:
    mask = np.random.default_rng(number).integers(0, classes, (H, W)).astype(np.uint8)
    mask[0, 0] = IGNORE
    return mask


def png(array: Array) -> bytes:
    whole = io.BytesIO()
    Image.fromarray(array).save(whole, "png")
    return whole.getvalue()


def file(features: dict[str, Any] | None = None, **columns: list[Any]) -> bytes:
    """A Parquet file as the hub's library writes it: bytes and paths of images, features in the head, small groups."""
    kinds = {"bytes": pa.struct([("bytes", pa.binary()), ("path", pa.string())])}
    arrays = {n: pa.array(v, kinds.get("bytes" if isinstance(v[0], dict) else "")) for n, v in columns.items()}
    table = pa.table(arrays)
    if features:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=2)
    return sink.getvalue()


def encoded(arrays: list[Array], stem: str | None = None) -> list[dict[str, Any]]:
    return [{"bytes": png(a), "path": stem and f"{stem}{n}.png"} for n, a in enumerate(arrays)]


def classes(count: int, first: int = 0, features: bool = True, **more: list[Any]) -> bytes:
    numbers = range(first, first + count)
    labels = [number % 3 for number in numbers]
    about = {"img": {"_type": "Image"}, "label": CLASS_LABEL} if features else None
    return file(about, img=encoded([pixels(n) for n in numbers]), label=labels, **more)


def masks(count: int, **more: list[Any]) -> bytes:
    images, labels = (encoded([make(n) for n in range(count)], "p") for make in (pixels, ids))
    return file({"image": {"_type": "Image"}, "mask": {"_type": "Image"}}, image=images, mask=labels, **more)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine"


def put(place: Path, **files: bytes) -> str:
    for name, content in files.items():
        path = place / (name.replace("__", "/").replace("_of_", "-of-").replace("_0", "-0") + ".parquet")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return f"hf:{place}"


def test_classes_of_a_folder(place: Path) -> None:
    name = put(
        place, data__train_00000_of_00002=classes(5), data__train_00001_of_00002=classes(2, 5), test=classes(4, 7)
    )
    card = datasets.card(name)
    assert (card.name, card.tasks, card.classes) == ("hf:mine", ("cls", "sis"), ("cat", "dog", "eel"))
    assert (card.shape, dict(card.splits), card.palette) == ((3, H, W), {"test": 4, "train": 7}, None)
    data = datasets.load(name, "train")
    assert data.ids == tuple(f"train-{n:05d}" for n in range(7))
    batch = data.batch([6, 0, 3])
    assert batch.labels.tolist() == [0, 0, 0] and data.batch(range(7)).labels.tolist() == [0, 1, 2, 0, 1, 2, 0]
    for row, number in enumerate((6, 0, 3)):
        assert np.array_equal(np.rint((batch.images[row].transpose(1, 2, 0) + 1) * 127.5), pixels(number))


def test_masks_of_a_folder(place: Path) -> None:
    name = put(place, validation=masks(5))
    card = datasets.card(name)
    assert card.tasks == ("ss", "sis") and card.classes == ("0", "1", "2") and len(card.palette or ()) == 3
    data = datasets.load(name, "validation")
    assert data.ids == ("p0", "p1", "p2", "p3", "p4")
    batch = data.batch([4, 1])
    assert np.array_equal(batch.labels, np.stack([ids(4), ids(1)])) and batch.labels[0, 0, 0] == IGNORE
    seen = datasets.load(f"{name}@6x8", "validation").batch([2])
    assert seen.images.shape == (1, 3, 6, 8) and datasets.card(f"{name}@6x8").name == "hf:mine@6x8"


def test_the_content_is_of_the_files_not_of_where_they_lie(place: Path, tmp_path: Path) -> None:
    name, content = put(place, test=masks(3)), datasets.manifest(f"hf:{place}", "test").content_sha256
    (tmp_path / "elsewhere").mkdir()
    other = put(tmp_path / "elsewhere", test=masks(3))
    assert datasets.manifest(other, "test").content_sha256 == content
    assert datasets.manifest("hf:mine", "test", tmp_path / "elsewhere").content_sha256 == content
    put(place, test=masks(4))
    assert datasets.manifest(name, "test").content_sha256 != content and len(datasets.load(name, "test")) == 4


def test_a_toml_says_what_the_files_do_not(place: Path) -> None:
    palette = [(250, 0, 0), (0, 250, 0), (9, 9, 9)]
    mask = ids(0)
    coloured = np.array([*palette, *[(0, 0, 0)] * 253], dtype=np.uint8)[mask]
    content = file(image=encoded([pixels(0)]), annotation=encoded([coloured]))
    name = put(place, test=content)
    with pytest.raises(InputError, match=r"test.parquet:annotation.bytes\[0\] is a mask in colour .* dataset.toml"):
        datasets.card(name)
    said = f"masks = 'colours'\nvoid = [[0, 0, 0]]\npalette = {[list(c) for c in palette]}\nlicence = 'mine'\n"
    (place / "dataset.toml").write_text(f"classes = ['a', 'b', 'c']\n{said}")
    card = datasets.card(name)
    assert card.classes == ("a", "b", "c") and card.palette == tuple(palette) and card.licence == "mine"
    assert np.array_equal(datasets.load(name, "test").batch([0]).labels[0], mask)


@pytest.mark.parametrize("named", ["id2label", "page", "texts", "numbers"])
def test_names_of_classes(place: Path, named: str) -> None:
    kind = "texts" if named == "texts" else "numbers"
    labels = {"texts": ["eel", "cat", "eel"], "numbers": [2, 0, 2]}[kind]
    name = put(place, test=file(image=encoded([pixels(n) for n in range(3)]), label=labels))
    if named == "id2label":
        (place / "id2label.json").write_text('{"0": "cat", "1": "dog", "2": "eel"}')
    if named == "page":
        names = "".join(f"\n          '{n}': {c}" for n, c in enumerate(CLASS_LABEL["names"]))
        page = f"dataset_info:\n  features:\n  - name: label\n    dtype:\n      class_label:\n        names:{names}"
        (place / "README.md").write_text(f"---\n{page}\nlicense: mit\npretty_name: Pets\n---\n# Pets\n")
    known = {"texts": ("cat", "eel"), "numbers": ("0", "1", "2")}.get(named, ("cat", "dog", "eel"))
    assert datasets.card(name).classes == known
    assert datasets.load(name, "test").batch(range(3)).labels.tolist() == ([1, 0, 1] if named == "texts" else [2, 0, 2])
    assert (datasets.card(name).title, datasets.card(name).licence) == (
        ("Pets", "mit") if named == "page" else ("mine", "not stated")
    )


def test_the_number_of_a_name_is_that_among_all(place: Path) -> None:
    def pets(names: list[str]) -> bytes:
        return file(image=encoded([pixels(n) for n in range(len(names))]), label=names)

    name = put(place, test=pets(["dog", "cat"]))
    before = datasets.load(name, "test")
    assert before.batch([0, 1]).labels.tolist() == [1, 0]
    put(place, train=pets(["bat"]))
    after = datasets.load(name, "test")
    assert after.batch([0, 1]).labels.tolist() == [2, 1] and after.found_sha256 != before.found_sha256
    put(place, train=file(image=encoded([pixels(0)])))
    with pytest.raises(InputError, match=rf"{place}/train.parquet has no column label, which other files have"):
        datasets.load(name, "train")
    other = put(place, test=masks(2), train=file(image=encoded([pixels(0)])))
    with pytest.raises(InputError, match=rf"{place}/train.parquet has no column mask.bytes, which other files have"):
        datasets.card(other)


def test_splits_and_configurations_as_the_page_lists_them(hub: Any) -> None:
    page = """---
configs:
- config_name: small
  default: true
  data_files:
  - split: train
    path: a/*
  - split: val
    path: [b/one.parquet, b/two.parquet]
- config_name: large
  data_files: c/*.parquet
---
"""
    files = {
        "a/x.parquet": classes(2),
        "b/one.parquet": classes(1),
        "b/two.parquet": classes(3),
        "c/y.parquet": classes(6),
    }
    hub.put("datasets/owner/pets", {"README.md": page.encode(), **files})
    assert dict(datasets.card("hf:owner/pets").splits) == {"train": 2, "validation": 4}
    assert not any(path.endswith("y.parquet") for path in hub.fetched())  # of another configuration
    assert dict(datasets.card("hf:owner/pets/large").splits) == {"train": 6}
    with pytest.raises(InputError, match=r"unknown configuration of owner/pets 'lrge'; did you mean 'large'\?"):
        datasets.card("hf:owner/pets/lrge")


def test_a_set_of_the_hub_is_fetched_once_and_stays_at_its_commit(hub: Any) -> None:
    page = b"---\nlicense: cc-by-4.0\n---\n"
    commit = hub.put(
        "datasets/owner/pets", {"data/test-00000-of-00001.parquet": classes(4), "README.md": page, "x.py": b""}
    )
    data = datasets.load("hf:owner/pets", "test")
    assert len(data) == 4 and data.card.name == "hf:owner/pets" and data.card.licence == "cc-by-4.0"
    assert data.card.source == f"huggingface.co/datasets/owner/pets, commit {commit}"
    asked = len(hub.asked)
    newer = hub.put("datasets/owner/pets", {"data/test-00000-of-00001.parquet": classes(5)})
    assert len(datasets.load("hf:owner/pets", "test")) == 4 and len(hub.asked) == asked
    assert datasets.get("hf:owner/pets").name == newer and len(datasets.load("hf:owner/pets", "test")) == 5
    hub.close()
    assert len(datasets.load("hf:owner/pets", "test")) == 5
    assert not any(path.endswith("x.py") for path in hub.fetched())


def test_a_damaged_file_of_the_hubs_cache_is_named(hub: Any) -> None:
    hub.put("datasets/owner/pets", {"test.parquet": classes(3)})
    path = (datasets.get("hf:owner/pets") / "test.parquet").resolve()
    damaged = bytearray(path.read_bytes())
    damaged[200] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(InputError, match=rf"{path} is damaged: its SHA-256 is another than its name; remove it"):
        datasets.load("hf:owner/pets", "test")


def test_bytes_of_a_hub_are_reported(hub: Any, capsys: Any) -> None:
    large = bytes(2_000_000)
    hub.put("datasets/owner/any", {"a.parquet": large, "b.parquet": large[:1000], "c.parquet": b""})
    said: list[tuple[str, int, int]] = []
    folder = datasets.get("hf:owner/any", None, lambda *now: said.append(now))  # no data set is opened for that
    assert (folder / "a.parquet").read_bytes() == large
    assert {name for name, *_ in said} == {"owner/any"} and max(said) == ("owner/any", 2_001_000, 2_001_000)
    assert capsys.readouterr() == ("", "")


def test_what_the_hub_has_converted(hub: Any) -> None:
    hub.put("datasets/owner/pets", {"pictures.zip": b"..."})
    converted = {"default/train/0000.parquet": classes(2), "default/partial-test/0000.parquet": classes(1)}
    hub.put("datasets/owner/pets", converted, "refs/convert/parquet")
    assert dict(datasets.card("hf:owner/pets").splits) == {"partial-test": 1, "train": 2}
    assert len(datasets.load("hf:owner/pets", "train")) == 2
    several = {f"{name}/test/0000.parquet": classes(n) for n, name in enumerate(("one", "two"), 1)}
    hub.put("datasets/owner/two", several)
    with pytest.raises(InputError, match=r"several configurations; choose one: hf:owner/two/one, hf:owner/two/two"):
        datasets.card("hf:owner/two")
    assert dict(datasets.card("hf:owner/two/two").splits) == {"test": 2}


def test_one_of_several_columns(place: Path) -> None:
    coarse = [0, 1, 1, 0]
    features = {"img": {"_type": "Image"}, "fine": CLASS_LABEL, "coarse": {**CLASS_LABEL, "names": ["pet", "fish"]}}
    images = encoded([pixels(n) for n in range(4)])
    name = put(place, test=file(features, img=images, fine=[0, 1, 2, 0], coarse=coarse))
    with pytest.raises(
        InputError, match=r"several columns of classes or masks \(fine, coarse\); name one .* hf:...:COLUMN"
    ):
        datasets.card(name)
    card = datasets.card(f"{name}:coarse")
    assert card.name == "hf:mine:coarse" and card.classes == ("pet", "fish")
    assert datasets.load(f"{name}:coarse", "test").batch(range(4)).labels.tolist() == coarse
    with pytest.raises(InputError, match="has no column cuorse; it has"):
        datasets.card(f"{name}:cuorse")


def test_bad_files(place: Path) -> None:
    name = put(place, test=classes(3))
    refused = {
        "no whole Parquet file": b"PAR1 and no more",
        "has no column of encoded images": file(text=["a"], label=[1]),
        "has none that is known as such; name one after a colon": file(image=encoded([pixels(0)]), number=[1.5]),
        r"label\[1\] is -1, none of 3 classes": file(None, img=encoded([pixels(0)] * 2), label=[2, -1]),
        r"img.bytes\[0\] is empty": file(None, img=[{"bytes": b"", "path": "a"}], label=[0]),
        r"img.bytes\[0\] holds no bytes": file(None, img=[{"bytes": None, "path": "a"}], label=[0]),
        r"img.bytes\[1\] is not an image": file(
            None, img=[*encoded([pixels(0)]), {"bytes": b"x", "path": "a"}], label=[0, 0]
        ),
    }
    for said, content in refused.items():
        put(place, test=content)
        with pytest.raises(InputError, match=rf"{place}/test.parquet.*{said}"):
            datasets.load(name, "test")


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("gone", "there is no folder gone, and the hub's data sets are called OWNER/NAME"),
        ("./gone/too", "there is no folder ./gone/too"),
        ("owner/gone", "dataset 'owner/gone' cannot be had from the hub: it is not there, or private"),
        ("owner/text", "dataset 'owner/text' of the hub has no Parquet files, neither its own nor converted."),
        ("owner/gated", "accept its terms on its page"),
    ],
)
def test_names_that_are_none(hub: Any, argument: str, said: str) -> None:
    hub.put("datasets/owner/text", {"data.csv": b"a,b"})
    hub.put("datasets/owner/gated", {"a.parquet": b""})
    hub.gated.add("datasets/owner/gated")
    with pytest.raises(InputError) as raised:
        datasets.card(f"hf:{argument}")
    assert said in str(raised.value)


def test_folders_that_are_none(place: Path) -> None:
    with pytest.raises(InputError, match=f"{place} holds no Parquet file; hf: takes Parquet files with"):
        datasets.card(f"hf:{place}")
    name = put(place, train_00000_of_00002=classes(1))
    with pytest.raises(InputError, match=rf"holds Parquet files; call it {name}\."):
        datasets.card(f"folder:{place}")
    with pytest.raises(InputError, match="1 of 2 files of the split train are here; get the others too"):
        datasets.card(name)
    (place / "train-00000-of-00002.parquet").unlink()
    put(place, test=classes(1), pictures=classes(1))
    with pytest.raises(InputError, match=r"pictures.parquet is of no split that its name says"):
        datasets.card(name)
    (place / "test.parquet").unlink()
    assert dict(datasets.card(name).splits) == {"test": 1}
    (place / "README.md").write_text("---\na: [\n---\n")
    with pytest.raises(InputError, match=r"the head of .*README.md cannot be read"):
        datasets.card(name)
