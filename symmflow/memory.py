"""Running out of memory: told from other failures, and given back."""

from __future__ import annotations

ALLOCATIONS = ("CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED", "CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION")
"""What CUDA's libraries say where they find no room for themselves; torch has no type for it."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error, or one that it was raised from, is that a device or the machine has no memory left."""
    import torch
    from accelerate.utils.memory import should_reduce_batch_size

    while not isinstance(error, torch.OutOfMemoryError | MemoryError) and error.__cause__:
        error = error.__cause__
    if not isinstance(error, RuntimeError):
        return isinstance(error, MemoryError)
    said = str(error)
    if isinstance(error, torch.OutOfMemoryError) or any(name in said for name in ALLOCATIONS):
        return True
    # it knows the sentences of allocators, and takes a convolution that a library lacks for one
    return "CUDNN_STATUS_NOT_SUPPORTED" not in said and should_reduce_batch_size(error)


def free_memory() -> None:
    """Give back what nobody holds any more, to the device too."""
    from accelerate.utils.memory import release_memory

    release_memory()
