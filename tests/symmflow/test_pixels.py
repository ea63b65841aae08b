import numpy as np
import torch

from symmbench.symmflow.pixels import from_uint8, to_pixels, to_uint8

ALL = np.arange(256, dtype=np.uint8)


def test_every_pixel_comes_back() -> None:
    signal = from_uint8(ALL)
    assert signal.dtype == np.float32 and signal[0] == -1 and signal[-1] == 1
    np.testing.assert_allclose(signal, (ALL.astype(np.float64) - 127.5) / 127.5, atol=1e-7)
    np.testing.assert_array_equal(to_uint8(signal), ALL)
    np.testing.assert_allclose(to_pixels(signal), ALL, atol=2e-5)


def test_numpy_and_torch_agree_bit_for_bit() -> None:
    tensor = from_uint8(torch.from_numpy(ALL))
    assert tensor.dtype == torch.float32
    np.testing.assert_array_equal(tensor.numpy(), from_uint8(ALL))
    np.testing.assert_array_equal(to_pixels(tensor).numpy(), to_pixels(from_uint8(ALL)))


def test_halves_go_to_the_even_pixel_or_down() -> None:
    signal = np.array(
        [0.0, 1 / 127.5 * 1.0, 0.9999, -2.0, 2.0]
    )  # pixels 127.5, 128.5, almost 255, two beyond the range
    assert to_uint8(signal).tolist() == [128, 128, 255, 0, 255]
    assert to_uint8(signal, "truncate").tolist() == [127, 128, 254, 0, 255]
