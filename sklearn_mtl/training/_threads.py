"""Threads of torch and BLAS, for the time of a call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def all_threads(n_threads: int) -> Iterator[None]:
    """Let torch and the BLAS libraries use so many threads inside the block, and as many as before after it.

    The order of sums, and with it the last bits of results, depends on the number of threads.

    Parameters
    ----------
    n_threads : int
        At least 1.
    """
    with threadpool_limits(n_threads, user_api="blas"), torch_threads(n_threads):
        yield
