"""Sliding windows: where they lie, and that scores are averaged as mmsegmentation averages them."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from symmbench.methods.parts.windows import SegmenterInference, Window, chosen_window, configured_window, slid
from symmbench.symmflow.errors import InputError
from symmbench.symmflow.recipe import check_table

SIDES = st.integers(1, 40)


@given(size=st.tuples(SIDES, SIDES), window=st.tuples(SIDES, SIDES), data=st.data())
def test_windows_cover_an_image_none_is_larger_and_no_more_than_needed(
    size: tuple[int, int], window: tuple[int, int], data: st.DataObject
) -> None:
    stride = tuple(data.draw(st.integers(1, side)) for side in window)
    places = Window(window, stride).places(size)  # type: ignore[arg-type]
    seen = torch.zeros(size)
    for rows, columns in places:
        part = seen[rows, columns]
        assert part.shape == tuple(map(min, size, window))
        part += 1
    assert seen.min() == 1 and (len(places) == 1) == (size <= window and size[1] <= window[1])


def test_scores_where_windows_overlap_are_the_mean_of_theirs_by_hand() -> None:
    image = torch.arange(5.0).reshape(1, 1, 1, 5)
    found = slid(lambda part: part - part.mean(dim=-1, keepdim=True), image, Window((1, 3), (1, 2)))
    # windows 0 1 2 and 2 3 4, each less its mean
    assert found.flatten().tolist() == [-1.0, 0.0, (1.0 - 1.0) / 2, 0.0, 1.0]


@pytest.mark.parametrize(("size", "crop", "stride"), [((40, 72), (32, 32), (20, 24)), ((32, 50), (48, 40), (32, 7))])
def test_scores_are_those_of_mmsegmentations_own_sliding(
    size: tuple[int, int], crop: tuple[int, int], stride: tuple[int, int]
) -> None:
    pytest.importorskip("mmcv", reason="mmsegmentation is not installed", exc_type=ImportError)
    from symmbench.methods.parts.mmseg_config import read_config
    from symmbench.methods.parts.mmseg_network import build

    config = read_config("segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py", {"model.backbone.embed_dims": 4})
    config["decode_head"]["in_channels"] = [4, 8, 20, 32]
    own = {"mode": "slide", "crop_size": crop, "stride": stride}
    torch.manual_seed(0)
    network = build(config, 5).eval()
    images = torch.rand(2, 3, *size) * 2 - 1
    with torch.no_grad():
        ours = slid(network, images, configured_window(own, "own"))  # type: ignore[arg-type]
        network.model.test_cfg.update(own)
        torch.testing.assert_close(ours, network(images), rtol=1e-4, atol=1e-5)


def test_a_window_is_the_one_that_is_asked_for_or_the_models_own() -> None:
    own = Window((769, 769), (513, 513))
    assert chosen_window(SegmenterInference(), own) == own and chosen_window(SegmenterInference()) is None
    assert chosen_window(SegmenterInference(window=0), own) is None
    assert chosen_window(SegmenterInference(window=769)) == own
    assert chosen_window(SegmenterInference(window=8, stride=2), own) == Window((8, 8), (2, 2))
    assert configured_window({"mode": "whole"}, "a config") is None
    for wrong in ({}, {"crop_size": (3, 3)}, {"crop_size": 3, "stride": 2}, {"crop_size": (3, 3), "stride": (2, 0)}):
        with pytest.raises(InputError, match="of a config slides without a crop_size and a stride"):
            configured_window({"mode": "slide", **wrong}, "a config")
    for strange in ({"stride": 3}, {"window": 2, "stride": 3}, {"window": 0, "stride": 1}):
        with pytest.raises(InputError, match="takes a window of at least as many pixels"):
            check_table(SegmenterInference, strange, "--set")
