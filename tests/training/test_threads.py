import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from sklearn_mtl.training import all_threads, torch_threads


def blas_threads():
    return {pool["filepath"]: pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.mark.parametrize("context", [torch_threads, all_threads])
def test_threads_inside_are_as_many_as_asked_for_and_as_before_after_it(context):
    before, blas_before = torch.get_num_threads(), blas_threads()
    with context(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
    assert blas_threads() == blas_before


@pytest.mark.parametrize("context", [torch_threads, all_threads])
def test_threads_are_as_before_after_an_error(context):
    before, blas_before = torch.get_num_threads(), blas_threads()
    with pytest.raises(KeyboardInterrupt), context(before + 1):
        raise KeyboardInterrupt
    assert torch.get_num_threads() == before
    assert blas_threads() == blas_before


@pytest.mark.parametrize(("context", "expected"), [(all_threads, 1), (torch_threads, 2)])
def test_blas_is_limited_by_all_threads_alone(context, expected):
    with threadpool_limits(2, user_api="blas"):
        with context(1):
            assert set(blas_threads().values()) == {expected}
        assert set(blas_threads().values()) == {2}


def test_contexts_nest():
    before = torch.get_num_threads()
    with torch_threads(before + 2):
        with torch_threads(before + 1):
            assert torch.get_num_threads() == before + 1
        assert torch.get_num_threads() == before + 2
    assert torch.get_num_threads() == before


def test_overlapping_blocks_leave_blas_as_it_was_before_the_first():
    with threadpool_limits(2, user_api="blas"):
        first, second = all_threads(1), all_threads(1)
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert set(blas_threads().values()) == {1}
        second.__exit__(None, None, None)
        assert set(blas_threads().values()) == {2}
