import math
import pickle

import pytest
import torch

from sklearn_mtl.nn import ATTENTION_FUNCTIONS, with_temperature

NAMES = list(ATTENTION_FUNCTIONS)
SUMMING = [name for name in NAMES if name != "sigmoid"]
SPARSE = ["sparsemax", "entmax15"]


@pytest.fixture
def scores(generator):
    return 2 * torch.randn(3, 7, 40, generator=generator, dtype=torch.float64)


def softmax(scores):
    powers = [math.exp(score) for score in scores]
    return [power / sum(powers) for power in powers]


def sigmoid(scores):
    return [1 / (1 + (len(scores) - 1) * math.exp(-score)) for score in scores]


def largest_root(weight_of, low, high):
    """Find the threshold at which weights sum to 1, by halving."""
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if weight_of(middle) > 1 else (low, middle)
    return low


def sparsemax(scores):
    def weights(threshold):
        return [max(score - threshold, 0) for score in scores]

    return weights(largest_root(lambda t: sum(weights(t)), min(scores) - 1, max(scores)))


def entmax15(scores):
    def weights(threshold):
        return [max(score / 2 - threshold, 0) ** 2 for score in scores]

    return weights(largest_root(lambda t: sum(weights(t)), min(scores) / 2 - 1, max(scores) / 2))


def born(scores):
    squares = [score**2 for score in scores]
    return [square / sum(squares) for square in squares]


def uniform(scores):
    return [1 / len(scores) for _ in scores]


LOOPS = dict(zip(NAMES, (softmax, sigmoid, sparsemax, entmax15, born, uniform), strict=True))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n_tokens", [2, 7])
def test_weights_equal_a_plain_loop(name, n_tokens, scores):
    scores = scores[:, :n_tokens]
    weights = ATTENTION_FUNCTIONS[name](scores, 1)
    rows = [LOOPS[name](row) for row in scores.transpose(1, 2).flatten(0, 1).tolist()]
    expected = torch.tensor(rows, dtype=torch.float64).view(3, 40, n_tokens).transpose(1, 2)
    torch.testing.assert_close(weights, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_one_token_alone_has_all_weight_but_for_sigmoid(name, scores):
    weights = ATTENTION_FUNCTIONS[name](scores[:, :1], 1)
    expected = scores[:, :1].sigmoid() if name == "sigmoid" else torch.ones_like(weights)
    torch.testing.assert_close(weights, expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [0.0, 1e-3, 1.0, 1e3])
@pytest.mark.parametrize("name", NAMES)
def test_weights_are_not_negative_and_sum_to_1(name, size, dtype, scores):
    weights = ATTENTION_FUNCTIONS[name]((size * scores).to(dtype), 1)
    assert (weights >= 0).all()
    assert (weights <= 1).all()
    if name != "sigmoid":
        tolerance = 1e-3 if size == 1e3 and dtype == torch.float32 else 1e-5
        torch.testing.assert_close(weights.sum(1), torch.ones_like(weights[:, 0]), rtol=0, atol=tolerance)


def test_the_sum_of_sigmoid_weights_is_anything_up_to_the_number_of_tokens():
    sigmoid_weights = ATTENTION_FUNCTIONS["sigmoid"]
    assert sigmoid_weights(torch.full((7,), 50.0), 0).sum() == 7
    assert sigmoid_weights(torch.full((7,), -50.0), 0).sum() < 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_scores_of_0_give_equal_weights(name):
    weights = ATTENTION_FUNCTIONS[name](torch.zeros(2, 5, dtype=torch.float64), 1)
    torch.testing.assert_close(weights, torch.full_like(weights, 0.2))


@pytest.mark.parametrize("name", NAMES)
def test_permuting_scores_permutes_weights(name, scores):
    order = torch.tensor([3, 0, 6, 1, 5, 2, 4])
    function = ATTENTION_FUNCTIONS[name]
    torch.testing.assert_close(
        function(scores[:, order], 1), function(scores, 1)[:, order], rtol=0, atol=1e-15
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dim", [0, 2, -2])
def test_any_axis_will_do(name, dim, scores):
    function = ATTENTION_FUNCTIONS[name]
    expected = function(scores.transpose(dim, 0), 0).transpose(dim, 0)
    torch.testing.assert_close(function(scores, dim), expected)


@pytest.mark.parametrize("name", SPARSE)
def test_sparse_functions_give_exact_zeros_where_scores_are_low(name, scores):
    weights = ATTENTION_FUNCTIONS[name](scores, 1)
    reach = 1 if name == "sparsemax" else 2
    far = scores < scores.amax(1, keepdim=True) - reach
    assert far.any()
    assert (weights[far] == 0).all()
    assert ((weights == 0).sum(1) < 7).all()


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_finite_differences(name, scores):
    def function(given):
        return ATTENTION_FUNCTIONS[name](given, 1)

    given = scores[:, :, :5].clone().requires_grad_()
    if name == "uniform":
        assert not function(given).requires_grad
    else:
        assert torch.autograd.gradcheck(function, given)


@pytest.mark.parametrize("name", SPARSE)
def test_gradients_are_finite_where_scores_are_equal(name):
    scores = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    (ATTENTION_FUNCTIONS[name](scores, 0) @ torch.arange(4.0, dtype=torch.float64)).backward()
    assert scores.grad.isfinite().all()
    assert scores.grad.any()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("born", "uniform")])
def test_a_lower_temperature_is_sharper(name, scores):
    greatest = [
        with_temperature(ATTENTION_FUNCTIONS[name], temperature)(scores, 1).amax(1).mean().item()
        for temperature in (4.0, 1.0, 0.25)
    ]
    assert greatest == sorted(greatest)
    assert greatest[0] < greatest[2]


@pytest.mark.parametrize("name", ["softmax", *SPARSE])
@pytest.mark.parametrize("n_tokens", [2, 5, 30])
def test_by_default_weights_change_with_equal_scores_as_those_of_softmax(name, n_tokens):
    def slope(function):
        scores = torch.zeros(n_tokens, dtype=torch.float64, requires_grad=True)
        function(scores, 0)[0].backward()
        return scores.grad

    torch.testing.assert_close(slope(with_temperature(ATTENTION_FUNCTIONS[name])), slope(torch.softmax))


@pytest.mark.parametrize("temperature", [None, 1.0, 0.5])
@pytest.mark.parametrize("name", NAMES)
def test_functions_are_pickled(name, temperature, scores):
    function = with_temperature(ATTENTION_FUNCTIONS[name], temperature)
    loaded = pickle.loads(pickle.dumps(function))
    assert torch.equal(loaded(scores, 1), function(scores, 1))
