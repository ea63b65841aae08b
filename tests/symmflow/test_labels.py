import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from symmbench.symmflow.errors import InputError
from symmbench.symmflow.labels import ClassMap, Palette, anchors
from symmbench.symmflow.pixels import IGNORE

CELEBAMASK = (
    "0,0,0; 204,0,0; 76,153,0; 204,204,0; 51,51,255; 204,0,204; 0,255,255; 255,204,204; 102,51,0; 255,0,0; 102,204,0; "
    "255,255,0; 0,0,153; 0,0,204; 255,51,153; 0,204,204; 0,51,0; 255,153,51; 0,204,0"
)
CELEBAMASK_COLORS = tuple(tuple(float(v) for v in c.split(",")) for c in CELEBAMASK.split("; "))


def limit_by_hand(colors: tuple[tuple[float, ...], ...]) -> float:
    """A corner of the noise cube touches the bisecting plane of two colours."""
    pairs = itertools.combinations(colors, 2)
    return min(
        sum((a - b) ** 2 for a, b in zip(p, q, strict=True)) / (2 * sum(abs(a - b) for a, b in zip(p, q, strict=True)))
        for p, q in pairs
    )


@settings(max_examples=60, deadline=None)
@given(
    classes=st.integers(2, 40),
    scaling=st.sampled_from(["paper", "official"]),
    share=st.floats(0, 0.99),
    seed=st.integers(0, 2**31),
)
def test_class_maps_decode_what_they_encode(classes: int, scaling: str, share: float, seed: int) -> None:
    spacing = ClassMap(classes, scaling).spacing
    codec = ClassMap(classes, scaling, beta=share * spacing / 2)
    labels = torch.arange(classes)
    clean = codec.encode(labels, (1, 1))  # one pixel: the mean cannot average the noise away
    noise = torch.rand(clean.shape, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(codec.decode(codec.dequantize(clean, noise)), labels)


@settings(max_examples=60, deadline=None)
@given(
    colors=st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=2, max_size=12, unique=True),
    share=st.floats(0.01, 2),
    seed=st.integers(0, 2**31),
)
def test_palettes_hold_their_noise_or_are_refused(colors: list[tuple[int, int, int]], share: float, seed: int) -> None:
    table = tuple(tuple(float(v) for v in c) for c in colors)
    beta = share * limit_by_hand(table)
    if share >= 1.0001:
        with pytest.raises(InputError, match="holds less than"):
            Palette(table, beta=beta)
        return
    if share > 0.999:
        return  # float32 decides the tie
    codec = Palette(table, beta=beta)
    labels = torch.arange(len(table)).reshape(1, 1, -1).expand(1, 7, -1)
    clean = codec.encode(labels, labels.shape[1:])
    corners = (torch.rand(clean.shape, generator=torch.Generator().manual_seed(seed)) > 0.5).float()  # the worst case
    assert torch.equal(codec.decode(codec.dequantize(clean, corners)), labels)


def test_noise_limits_of_the_papers_tables() -> None:
    assert Palette(CELEBAMASK_COLORS, beta=10).noise_limit == pytest.approx(21.28, abs=0.01)
    assert Palette(CELEBAMASK_COLORS, beta=10).noise_limit == pytest.approx(limit_by_hand(CELEBAMASK_COLORS))
    assert anchors(171).noise_limit == pytest.approx(25)  # s / 2


def test_official_scaling_is_the_authors_formula() -> None:
    k, eta = 10, 4.0
    codec = ClassMap(k, "official", eta)
    expected = torch.tensor([(eta / 2) * (2 * c / (k - 1) - 1) for c in range(k)])
    assert torch.allclose(codec.encode(torch.arange(k), ()).flatten(), expected)
    d = (eta / 2) / (k - 1)
    zero, one = codec.dequantize(torch.zeros(1), torch.zeros(1)), codec.dequantize(torch.zeros(1), torch.ones(1))
    assert (zero.item(), one.item()) == (pytest.approx(-d / 2), pytest.approx(d / 2))


def test_toy_labels_are_the_papers() -> None:
    codec = ClassMap(2, "official", eta=2)
    clean = codec.encode(torch.tensor([0, 1]), ())
    assert torch.allclose(codec.dequantize(clean, torch.zeros(2, 1)), torch.tensor([[-1.5], [0.5]]))
    assert torch.allclose(codec.dequantize(clean, torch.ones(2, 1)), torch.tensor([[-0.5], [1.5]]))


def test_official_palette_noise_is_half_as_wide() -> None:
    clean = torch.zeros(1, 3, 1, 1)
    paper = Palette(CELEBAMASK_COLORS, beta=10).dequantize(clean, torch.ones_like(clean))
    official = Palette(CELEBAMASK_COLORS, beta=10, official=True).dequantize(clean, torch.ones_like(clean))
    assert paper.flatten()[0].item() == pytest.approx(10 / 127.5)
    assert official.flatten()[0].item() == pytest.approx(5 / 127.5)


def test_anchors_are_semflows_equation_seven() -> None:
    codec = anchors(171)
    assert codec.colors[0] == (0, 0, 0) and codec.colors[1] == (0, 0, 50) and codec.colors[6] == (0, 50, 0)
    assert codec.colors[170] == (50 * (170 // 36), 50 * (170 // 6 % 6), 50 * (170 % 6))
    with pytest.raises(InputError, match="do not fit"):
        anchors(217)


def test_void_pixels_are_mid_grey_and_never_decoded() -> None:
    codec = Palette(CELEBAMASK_COLORS, beta=10)
    mask = torch.tensor([[[0, IGNORE], [3, 18]]])
    clean = codec.encode(mask, (2, 2))
    assert torch.equal(clean[0, :, 0, 1], torch.zeros(3))
    assert codec.decode(clean).max() < 19


def test_class_maps_decode_the_mean_over_pixels() -> None:
    codec = ClassMap(10, "official")
    clean = codec.encode(torch.tensor([4]), (8, 8))
    noise = torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert codec.decode(clean + noise - noise.mean()).item() == 4


@pytest.mark.parametrize("beta", [-1.0, 0.12, 1.0])
def test_class_map_noise_that_mixes_classes_is_refused(beta: float) -> None:
    with pytest.raises(InputError, match="mix classes"):
        ClassMap(10, "paper", beta=beta)


def test_same_colour_twice_is_refused() -> None:
    with pytest.raises(InputError, match="same colour"):
        Palette(((0, 0, 0), (0, 0, 0)), beta=0)


def test_decoding_under_autocast_is_exact() -> None:
    codec = anchors(171)
    labels = torch.arange(171).reshape(1, 9, 19)
    clean = codec.encode(labels, (9, 19))
    noise = torch.rand(clean.shape, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(codec.decode(clean + 0.19 * (2 * noise - 1)), labels)
