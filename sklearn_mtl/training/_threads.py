"""Threads of torch and BLAS, for the time of a call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import torch
from threadpoolctl import threadpool_limits


@contextmanager
def torch_threads(n_threads: int) -> Iterator[None]:
    """Let torch use so many threads inside the block, and as many as before after it.

    Parameters
    ----------
    n_threads : int
        At least 1.
    """
    before = torch.get_num_threads()
    if before == n_threads:
        yield
        return
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _BlasLimit:
    """The limit of a process's BLAS threads, shared by the blocks that overlap in Python's threads."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.n_users = 0

    def enter(self, n_threads: int) -> None:
        """Set the limit, unless another block has."""
        with self.lock:
            if not self.n_users:
                self.limits = threadpool_limits(n_threads, user_api="blas")
            self.n_users += 1

    def leave(self) -> None:
        """Take it back with the last block."""
        with self.lock:
            self.n_users -= 1
            if not self.n_users:
                self.limits.restore_original_limits()


_BLAS_LIMIT = _BlasLimit()


@contextmanager
def _without_subnormals() -> Iterator[None]:
    """Let this thread take numbers below 1e-38 for 0 inside the block, and as before after it.

    Gradients of units that are all but dead are such numbers, and arithmetic with them is many times slower.
    """
    smallest = torch.tensor(torch.finfo(torch.float32).tiny)
    was_flushed = not bool(smallest / 2)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(was_flushed)


@contextmanager
def all_threads(n_threads: int) -> Iterator[None]:
    """Let torch and the BLAS libraries use so many threads inside the block, and as many as before after it.

    Numbers too small for their format count as 0 meanwhile.

    The order of sums, and with it the last bits of results, depends on the number of threads. BLAS has one
    limit for the whole process: of blocks that overlap in Python's threads, the first sets it.

    Parameters
    ----------
    n_threads : int
        At least 1.
    """
    _BLAS_LIMIT.enter(n_threads)
    try:
        with torch_threads(n_threads), _without_subnormals():
            yield
    finally:
        _BLAS_LIMIT.leave()
