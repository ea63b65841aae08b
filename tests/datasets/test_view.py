"""Views: sizes and crops, images bicubic with antialiasing, masks nearest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from symmbench.datasets import View, named, split_name, view
from symmbench.datasets.view import nearest
from symmbench.symmflow.errors import InputError

IMAGE = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
MASK = np.random.default_rng(1).integers(0, 11, (60, 80), dtype=np.uint8)
SIDES = st.integers(1, 90)


def test_names_hold_the_view() -> None:
    assert str(view("256")) == "256" and view("256").size == (256, 256)
    assert str(view("96x128", "center")) == "96x128-center"
    for name in ("camvid@96x128", "celebamask-hq@256-by-id", "folder:street@64-center"):
        base, seen = split_name(name)
        assert seen and f"{base}@{seen}" == name
    assert split_name("folder:me@home") == ("folder:me@home", None)
    assert named("camvid", 96) == named("camvid@96", "96") == "camvid@96" and named("camvid", None) == "camvid"


@pytest.mark.parametrize(
    ("size", "crop"), [("big", "whole"), ("0x5", "whole"), ("9000", "whole"), ("64", "left"), ("64-center", "by-id")]
)
def test_what_is_no_view_is_refused(size: str, crop: str) -> None:
    with pytest.raises(InputError, match=f"--size {size}"):
        view(size, crop)


def test_a_name_and_a_size_that_disagree_are_refused() -> None:
    with pytest.raises(InputError, match="names another view than --size 64"):
        named("camvid@96", "64")
    with pytest.raises(InputError, match="--crop center needs --size"):
        named("camvid", None, "center")


def test_images_are_what_pillow_and_torchvision_make_of_them() -> None:
    from torchvision.transforms.functional import InterpolationMode, resize

    seen = View((24, 20)).image(IMAGE, "a")
    picture = Image.fromarray(IMAGE)
    assert np.array_equal(seen, np.asarray(picture.resize((20, 24), Image.Resampling.BICUBIC)))
    assert np.array_equal(seen, np.asarray(resize(picture, [24, 20], InterpolationMode.BICUBIC, antialias=True)))


@settings(max_examples=60, deadline=None)
@given(SIDES, SIDES)
def test_masks_are_what_pillow_s_nearest_makes_of_them(height: int, width: int) -> None:
    wanted = np.asarray(Image.fromarray(MASK).resize((width, height), Image.Resampling.NEAREST))
    made = View((height, width)).mask(MASK, "a")
    # a centre on the border of two pixels is as near to both, and Pillow's rounding decides
    rows, columns = (np.arange(n) * 2 * size + size for n, size in ((height, 60), (width, 80)))
    clear = (rows % (2 * height) != 0)[:, None] & (columns % (2 * width) != 0)
    assert np.array_equal(made[clear], wanted[clear]) and np.array_equal(nearest(MASK, (height, width)), made)


def test_a_view_of_the_same_size_changes_nothing() -> None:
    seen = View((60, 80))
    assert np.array_equal(seen.image(IMAGE, "a"), IMAGE) and np.array_equal(seen.mask(MASK, "a"), MASK)


@settings(max_examples=60, deadline=None)
@given(SIDES, SIDES, st.text(max_size=4))
def test_crops_have_the_view_s_proportions_and_lie_in_the_image(height: int, width: int, sample_id: str) -> None:
    for crop in ("center", "by-id"):
        left, top, right, bottom = View((height, width), crop).box((60, 80), sample_id)  # type: ignore[arg-type]
        assert 0 <= left < right <= 80 and 0 <= top < bottom <= 60
        assert right - left == 80 or bottom - top == 60  # the largest box
        scale = min(60 / height, 80 / width)
        assert abs((bottom - top) - height * scale) <= 0.5 and abs((right - left) - width * scale) <= 0.5


def test_the_middle_is_cut_out_of_image_and_mask_alike() -> None:
    seen = View((30, 30), "center")
    middle = IMAGE[:, 10:70]
    assert np.array_equal(
        seen.image(IMAGE, "a"), np.asarray(Image.fromarray(middle).resize((30, 30), Image.Resampling.BICUBIC))
    )
    assert np.array_equal(seen.mask(MASK, "a"), MASK[1::2, 11:70:2])


def test_an_id_always_draws_the_same_place_and_ids_draw_different_ones() -> None:
    seen = View((30, 30), "by-id")
    places = {seen.box((60, 80), f"{i}")[0] for i in range(20)}
    assert seen.box((60, 80), "a") == seen.box((60, 80), "a") and len(places) > 5


def test_a_mask_of_half_the_size_is_cut_where_its_image_is() -> None:
    seen = View((30, 30), "by-id")
    left, top, *_ = seen.box((60, 80), "a")
    assert seen.box((30, 40), "a") == pytest.approx((left / 2, top / 2, left / 2 + 30, top / 2 + 30), abs=0.5)
