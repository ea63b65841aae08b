"""Whose classes a model has, in which order, and what the table of published segmenters says."""

from __future__ import annotations

from pathlib import Path

import pytest

from symmbench import datasets, methods
from symmbench.methods.parts.baselines import BASELINES, MMSEG
from symmbench.methods.parts.classes import class_order, spelt
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.recipe import check_table

CARDS = [datasets.card(name) for name in ("coco-stuff", "cityscapes", "celebamask-hq", "camvid")]
STREETS = datasets.card("cityscapes")


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_no_two_classes_of_a_card_are_spelt_alike(card: datasets.Card) -> None:
    assert len(set(map(spelt, card.classes))) == len(card.classes)


def test_spelling_does_not_count_but_order_and_meaning_do() -> None:
    names = [name.upper().replace(" ", "_") for name in STREETS.classes]
    assert class_order(names, 19, STREETS, "m") is None
    assert class_order([name.replace("-other", "") for name in CARDS[0].classes], 171, CARDS[0], "m") is None
    turned = [*names[:7], names[8], names[7], *names[9:]]
    with pytest.raises(InputError, match="in another order: 7 is 'VEGETATION' there and 'traffic sign' here"):
        class_order(turned, 19, STREETS, "m")
    order = class_order(turned, 19, STREETS, "m", "by-name")
    assert order == (*range(7), 8, 7, *range(9, 19))
    other = [*names[:4], "hedge", *names[5:]]
    for how in ("card", "by-name"):
        with pytest.raises(InputError, match="has other classes than cityscapes: 4 is 'hedge' there and 'fence' here"):
            class_order(other, 19, STREETS, "m", how)  # type: ignore[arg-type]
    faces = datasets.card("celebamask-hq")  # as many classes, all of them others
    with pytest.raises(InputError, match="0 is 'background' there and 'road' here"):
        class_order(faces.classes, 19, STREETS, "m")
    with pytest.raises(InputError, match="has 150 classes and cityscapes 19"):
        class_order(None, 150, STREETS, "m")


def test_a_model_that_does_not_name_its_classes_is_taken_at_the_cards_word() -> None:
    assert class_order(None, 19, STREETS, "m") is None
    assert class_order([f"LABEL_{k}" for k in range(19)], 19, STREETS, "m") is None


def test_names_that_were_wrong_when_they_were_published_are_not_believed() -> None:
    faces = datasets.card("celebamask-hq")
    (known,) = [one for one in BASELINES if one.misnamed]
    assert sorted(name.removesuffix(".png") for name in known.misnamed) == sorted(faces.classes)
    for how in ("card", "by-name"):
        with pytest.raises(InputError, match="before its names were corrected"):
            class_order(known.misnamed, 19, faces, "m", how)  # type: ignore[arg-type]


def test_published_segmenters_are_those_of_the_installed_mmsegmentation() -> None:
    """Configs, weights, figures and windows against the index and the configs that come with the package."""
    mmseg = pytest.importorskip("mmseg", reason="mmsegmentation is not installed")
    pytest.importorskip("mmcv", reason="mmsegmentation is not installed", exc_type=ImportError)
    import yaml
    from mmengine.config import Config

    root = Path(mmseg.__file__).parent / ".mim" / "configs"
    for one in (one for one in BASELINES if one.method.startswith("mmseg:")):
        config = root / one.method.removeprefix("mmseg:")
        index = yaml.safe_load((config.parent / "metafile.yaml").read_text())
        (model,) = [m for m in index["Models"] if m["Weights"].endswith(f"/{one.weights}")]
        results = model["Results"] if isinstance(model["Results"], list) else [model["Results"]]
        assert model["Config"].endswith(one.method.removeprefix("mmseg:")) and one.source == MMSEG
        assert results[0]["Metrics"]["mIoU"] == one.miou
        assert results[0]["Dataset"].lower().replace(" 164k", "") == one.dataset.partition("@")[0]
        cfg = Config.fromfile(config).model.test_cfg
        slides = f"windows of {cfg.crop_size[0]}, {cfg.stride[0]} apart" if cfg.mode == "slide" else "whole"
        assert one.seen.startswith(slides)


def test_published_segmenters_name_data_and_options_that_there_are() -> None:
    assert {datasets.card(one.dataset).name.partition("@")[0] for one in BASELINES} == {c.name for c in CARDS[:3]}
    for one in BASELINES:
        method, colon, model = one.method.partition(":")
        assert colon and model and bool(one.weights) == (method == "mmseg")
        check_table(methods.method(method).Inference, dict(one.options), one.model)


def test_mmsegmentation_names_the_classes_as_the_cards_do() -> None:
    pytest.importorskip("mmcv", reason="mmsegmentation is not installed", exc_type=ImportError)
    from mmseg.datasets import CityscapesDataset, COCOStuffDataset

    for kind, card in ((COCOStuffDataset, CARDS[0]), (CityscapesDataset, STREETS)):
        assert class_order(kind.METAINFO["classes"], len(card.classes), card, "m") is None
