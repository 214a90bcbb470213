import math

import pytest
import torch

from sklearn_mtl.nn import ColumnTokens

from .conftest import CARDINALITIES, LEFT, WIDTH


def number_token(value, column, weight, bias):
    """One token by the formula; `weight` has the rows of the bins, of the value and of "missing"."""
    if math.isnan(value):
        return weight[-1] + bias
    token = value * weight[-2] + bias
    for place, (left, width) in enumerate(zip(LEFT[column], WIDTH[column], strict=True)):
        if width > 0:
            token = token + min(max((value - left) / width, 0.0), 1.0) * weight[place]
    return token


def tokens_by_loop(module, numbers, categories):
    n_folds, n_rows, n_numbers = numbers.shape
    tokens = torch.empty(n_folds, n_numbers + len(CARDINALITIES), n_rows, 3, dtype=torch.float64)
    codes_of_fold = module.category_weight.detach().reshape(n_folds, sum(CARDINALITIES), 3)
    for fold in range(n_folds):
        for row in range(n_rows):
            for column in range(n_numbers):
                weight, bias = module.number_weight[fold, column], module.number_bias[fold, column, 0]
                value = numbers[fold, row, column].item()
                tokens[fold, column, row] = number_token(value, column, weight.detach(), bias.detach())
            for column, code in enumerate(categories[fold, row].tolist()):
                place = sum(CARDINALITIES[:column]) + code
                tokens[fold, n_numbers + column, row] = codes_of_fold[fold, place]
    return tokens


def test_tokens_equal_a_loop_over_folds_rows_columns_and_bins(make_tokens, make_inputs):
    module, inputs = make_tokens(), make_inputs(n_rows=20)
    torch.testing.assert_close(module(*inputs), tokens_by_loop(module, *inputs), rtol=1e-12, atol=1e-12)


def test_rows_shared_by_all_folds_equal_the_same_rows_given_to_each(make_tokens, make_inputs):
    module, (numbers, codes) = make_tokens(n_folds=3), make_inputs(n_folds=1)
    shared = module(numbers, codes)
    each = module(numbers.expand(3, -1, -1), codes.expand(3, -1, -1))
    assert shared.shape == (3, 4, 5, 3)
    torch.testing.assert_close(shared, each, rtol=1e-12, atol=1e-12)


def test_numbers_encoded_before_give_the_same_tokens(make_tokens, make_inputs):
    module, (numbers, codes) = make_tokens(), make_inputs()
    encoded = module.encode(numbers)
    assert encoded.shape == (2, 5, 2, 3 + 2)
    assert torch.equal(module(encoded, codes), module(numbers, codes))
    assert torch.equal(module(encoded[:1], codes[:1]), module(numbers[:1], codes[:1]))


def test_an_encoding_says_what_is_missing_and_nothing_else_of_it(make_tokens):
    encoded = make_tokens().encode(torch.tensor([[torch.nan, 0.75]], dtype=torch.float64))
    assert encoded[0].tolist() == [[0.0, 0.0, 0.0, 0.0, 1.0], [0.5, 0.0, 0.0, 0.75, 0.0]]


def test_missing_numbers_give_the_learned_token_of_their_column(make_tokens):
    module = make_tokens()
    numbers = torch.full((2, 4, 2), torch.nan, dtype=torch.float64)
    tokens = module(numbers, torch.zeros(2, 4, 2, dtype=torch.long))[:, :2]  # (G, N, B, D)
    learned = module.number_weight[:, :, -1:] + module.number_bias
    torch.testing.assert_close(tokens, learned.expand(-1, -1, 4, -1))


def test_numbers_out_of_range_are_encoded_as_the_nearest_in_range(make_tokens):
    module = make_tokens()
    with torch.no_grad():
        module.number_weight[:, :, -2] = 0  # the linear part goes on
    ends = torch.tensor([[-1.0, 0.5], [2.5, 3.0]], dtype=torch.float64)
    beyond = torch.tensor([[-50.0, -50.0], [70.0, 70.0]], dtype=torch.float64)
    codes = torch.zeros(1, 2, 2, dtype=torch.long)
    assert torch.equal(module(beyond[None], codes), module(ends[None], codes))


def test_the_linear_part_goes_on_out_of_range(make_tokens):
    module = make_tokens()
    numbers = torch.tensor([[10.0, 10.0], [11.0, 11.0]], dtype=torch.float64)
    low, high = module(numbers[None], torch.zeros(1, 2, 2, dtype=torch.long))[:, :2].unbind(2)
    torch.testing.assert_close(high - low, module.number_weight[:, :, -2])


def test_unused_bins_get_no_gradient(make_tokens, make_inputs):
    module = make_tokens()
    module(*make_inputs()).sum().backward()
    assert not module.number_weight.grad[:, 1, 2].any()
    assert module.number_weight.grad[:, 1, 1].any()


@pytest.mark.parametrize("kind", ["numbers", "categories"])
def test_tables_of_one_kind_give_the_tokens_of_that_kind(kind, make_tokens, make_inputs, generator):
    module, (numbers, codes) = make_tokens(), make_inputs()
    bins, cardinalities = (2, []) if kind == "numbers" else (0, CARDINALITIES)
    alone = ColumnTokens(
        torch.tensor(LEFT)[:bins], torch.tensor(WIDTH)[:bins], cardinalities,
        n_folds=2, d_token=3, generator=generator,
    ).double()  # fmt: skip
    with torch.no_grad():
        if kind == "numbers":
            alone.number_weight.copy_(module.number_weight)
            alone.number_bias.copy_(module.number_bias)
        else:
            alone.category_weight.copy_(module.category_weight)
    tokens, all_tokens = alone(numbers[..., :bins], codes[..., : len(cardinalities)]), module(numbers, codes)
    assert alone.n_columns == 2
    torch.testing.assert_close(tokens, all_tokens[:, :2] if kind == "numbers" else all_tokens[:, 2:])


def test_bins_of_a_column_together_start_as_strong_as_its_linear_part(generator):
    left, width = torch.arange(400.0).expand(1, -1), torch.ones(1, 400)
    module = ColumnTokens(left, width, [], n_folds=1, d_token=50, generator=generator)
    bins, linear = module.number_weight[0, 0, :400], module.number_weight[0, 0, 400]
    torch.testing.assert_close(bins.square().sum(), linear.square().sum(), rtol=0.5, atol=0)
