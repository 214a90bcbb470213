import math

import numpy as np
import pytest

from sklearn_mtl.training._cycles import Cycles, cycle_lengths


def epochs_until_over(losses, *, max_epochs):
    """Count the epochs that are trained if their losses are these."""
    cycles = Cycles(max_epochs)
    for n_epochs, loss in enumerate(losses, start=1):
        cycles.record(loss)
        if cycles.is_over:
            return n_epochs
    raise AssertionError("training would go on")


def falling(n_epochs, *, start=1.0):
    return [start - 0.001 * epoch for epoch in range(n_epochs)]


def test_cycles_are_each_twice_as_long_as_the_one_before():
    for max_epochs in range(1, 300):
        lengths = np.array(cycle_lengths(max_epochs))
        assert (np.abs(lengths[1:] - 2 * lengths[:-1]) <= 2).all()  # but for rounding


def test_the_last_cycle_ends_with_the_last_epoch_and_none_is_empty():
    n_cycles = len(cycle_lengths(10_000))
    for max_epochs in range(1, 300):
        lengths = cycle_lengths(max_epochs)
        assert sum(lengths) == max_epochs
        assert min(lengths) > 0
        assert 1 <= len(lengths) <= n_cycles
    assert len(cycle_lengths(84)) == n_cycles > 2


@pytest.mark.parametrize("max_epochs", [1, 2, 7, 14, 84])
def test_shares_fall_along_half_a_cosine_in_each_cycle_while_losses_fall(max_epochs):
    cycles, n_epochs = Cycles(max_epochs), 0
    for length in cycle_lengths(max_epochs):
        for epoch in range(length):
            assert not cycles.is_over
            assert cycles.share == pytest.approx(0.5 + 0.5 * math.cos(math.pi * epoch / length))
            assert cycles.is_at_a_begin == (epoch == 0)
            n_epochs += 1
            cycles.record(-n_epochs)
    assert cycles.is_over


def test_losses_that_fall_take_all_epochs():
    for max_epochs in range(1, 100):
        assert epochs_until_over(falling(max_epochs), max_epochs=max_epochs) == max_epochs


def test_a_cycle_ends_when_a_quarter_of_it_has_brought_nothing_better():
    # Cycles of 16, 32, 64 and 128 epochs: the first is cut by 4 epochs without progress, the second by 8.
    losses = [*falling(5), *[2.0] * 4, *falling(10, start=0.9), *[2.0] * 8, *falling(64, start=0.8)]
    cycles = Cycles(240)
    shares = []
    for loss in losses:
        shares.append(cycles.share)
        cycles.record(loss)
    begins = [epoch for epoch, share in enumerate(shares) if share == 1.0]
    assert begins == [0, 9, 27]
    assert not cycles.is_over


def test_at_least_three_epochs_without_progress_are_borne():
    second = [0.9, 2.0, 2.0, 0.8, 2.0, 2.0, 2.0]  # of 11
    third = [2.0] * 7  # of 22: a quarter is more than 3
    assert epochs_until_over([*falling(6), *second, *third], max_epochs=84) == 20


def test_a_cycle_that_brings_nothing_better_is_the_last():
    lengths = cycle_lengths(84)
    worse = falling(lengths[1], start=2.0)
    assert epochs_until_over([*falling(lengths[0]), *worse], max_epochs=84) == lengths[0] + lengths[1]
    better = falling(lengths[1], start=0.9)
    losses = [*falling(lengths[0]), *better, *falling(lengths[2], start=2.0)]
    assert epochs_until_over(losses, max_epochs=84) == sum(lengths[:3])


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_losses_that_are_not_finite_are_never_better(loss):
    assert epochs_until_over([*falling(6), *[loss] * 3], max_epochs=84) == 9
    assert epochs_until_over([loss] * 3, max_epochs=84) == 3


def test_a_single_cycle_goes_through_all_epochs():
    cycles = Cycles(10, single=True)
    shares = []
    while not cycles.is_over:
        shares.append(cycles.share)
        cycles.record(1.0)
    assert len(shares) == 10
    assert shares == sorted(shares, reverse=True)
