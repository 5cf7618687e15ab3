"""How a device computes: in which precision, and what to do where its memory is too small."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def computing_on(device: str, batch_size: int) -> Iterator[None]:
    """Computes in whole float32 on every device: a GPU's TF32, which keeps 10 bits of 23, is off.

    Args:
        device: where tensors are.
        batch_size: queries in a batch, for the message.

    Raises:
        ValueError: where the device's memory runs out; the message says what to lower.
    """
    matrices, networks = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matrices.allow_tf32, networks.allow_tf32
    matrices.allow_tf32 = networks.allow_tf32 = False
    try:
        yield
    except torch.OutOfMemoryError as error:
        reason = str(error).partition(". ")[0]
        raise ValueError(
            f"device {device}: its memory is too small for batches of {batch_size} queries; lower "
            f"training.batch_size or inputs.max_clips, or end what else runs on it ({reason})"
        ) from None
    finally:
        matrices.allow_tf32, networks.allow_tf32 = before
