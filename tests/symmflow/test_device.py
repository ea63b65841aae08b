import pytest
import torch

from symmbench.symmflow.device import exact_kernels, resolve_device
from symmbench.symmflow.errors import InputError


def test_auto_is_cuda_where_there_is_one() -> None:
    assert resolve_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    assert resolve_device("cpu") == "cpu"


@pytest.mark.parametrize(
    ("wanted", "said"), [("gpu", "is no device"), ("cuda:99", "not on this machine"), ("meta", "is not supported")]
)
def test_a_device_that_is_not_there_is_refused(wanted: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        resolve_device(wanted)


def test_exact_kernels_leave_no_tf32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    exact_kernels()
    assert not torch.backends.cudnn.allow_tf32 and not torch.backends.cuda.matmul.allow_tf32
    assert torch.backends.cudnn.deterministic and not torch.backends.cudnn.benchmark
