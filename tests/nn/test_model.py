import pytest
import torch
from torch.func import functional_call

from sklearn_mtl.nn._initial import dropout_mask

N_CODES = 7  # of both category columns


def is_alone_in(fold, name, gradient):
    """Say whether the gradient of a parameter is zero in all folds but one, and not in that one."""
    by_fold = gradient.reshape(2, N_CODES, -1) if name == "tokens.category_weight" else gradient
    return bool(by_fold[fold].any()) and not by_fold[1 - fold].any()


@pytest.mark.parametrize("n_slots", [1, 2, 3])
@pytest.mark.parametrize("fold", [0, 1])
def test_folds_share_no_parameter(fold, n_slots, make_model, make_inputs):
    model = make_model(n_slots=n_slots)
    model(*make_inputs(n_rows=50))[fold].square().sum().backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert all(is_alone_in(fold, name, gradient) for name, gradient in gradients.items())


def test_folds_share_no_dropout_and_no_rows(make_model, make_inputs):
    model, (numbers, codes) = make_model(dropout=0.5), make_inputs()
    numbers.requires_grad_()
    model(numbers, codes, torch.Generator().manual_seed(0))[0].sum().backward()
    assert numbers.grad[0].any()
    assert not numbers.grad[1].any()


def test_dropped_tokens_are_0_and_the_others_larger(make_model, make_inputs):
    model, inputs = make_model(), make_inputs()
    tokens = model.all_tokens(*inputs, ())
    mask = dropout_mask(1, 4, 5, 1, rate=0.5, generator=torch.Generator().manual_seed(1))
    assert set(mask.unique().tolist()) == {0.0, 2.0}
    expected = model.outputs_of(tokens * mask)
    model.token_dropout = 0.5
    torch.testing.assert_close(model(*inputs, torch.Generator().manual_seed(1)), expected)
    torch.testing.assert_close(model(*inputs), model.outputs_of(tokens))


@pytest.mark.parametrize("n_slots", [1, 2, 3])
def test_gradients_are_those_of_finite_differences(n_slots, make_model, make_inputs):
    model, inputs = make_model(n_slots=n_slots, dropout=0.3), make_inputs(n_rows=3)
    names, parameters = zip(*model.named_parameters(), strict=True)

    def outputs(*values):
        given = dict(zip(names, values, strict=True))
        return functional_call(model, given, (*inputs, torch.Generator().manual_seed(0)))

    assert torch.autograd.gradcheck(outputs, parameters, fast_mode=True)


def test_rows_shared_by_all_folds_equal_the_same_rows_given_to_each(make_model, make_inputs):
    model, (numbers, codes) = make_model(), make_inputs(n_folds=1)
    each = numbers.expand(2, -1, -1), codes.expand(2, -1, -1)
    torch.testing.assert_close(model(numbers, codes), model(*each))
    torch.testing.assert_close(model.task_attention(numbers, codes), model.task_attention(*each))


def test_a_row_does_not_depend_on_the_rows_beside_it(make_model, make_inputs):
    model, (numbers, codes) = make_model(), make_inputs()
    order = torch.tensor([3, 0, 4])
    torch.testing.assert_close(model(numbers[:, order], codes[:, order]), model(numbers, codes)[:, order])


def test_permuting_number_columns_leaves_the_outputs_and_permutes_attention(make_model, make_inputs):
    model, (numbers, codes) = make_model(), make_inputs(n_folds=1)
    outputs, attention = model(numbers, codes), model.task_attention(numbers, codes)
    swapped = [1, 0, 2, 3]
    with torch.no_grad():
        model.tokens.left, model.tokens.inverse_width = (
            model.tokens.left[[1, 0]],
            model.tokens.inverse_width[[1, 0]],
        )
        for parameter in (model.tokens.number_weight, model.tokens.number_bias):
            parameter.copy_(parameter[:, [1, 0]].clone())
        for name, parameter in model.attention.named_parameters():
            if name != "slot_value":  # of all columns
                parameter.copy_(parameter[:, swapped].clone())
    numbers = numbers[..., [1, 0]]
    torch.testing.assert_close(model(numbers, codes), outputs)
    torch.testing.assert_close(model.task_attention(numbers, codes), attention[..., swapped])


@pytest.mark.parametrize("n_slots", [1, 2, 3])
def test_task_attention_is_the_gated_mean_over_folds_and_views(n_slots, make_model, make_inputs):
    model, inputs = make_model(n_slots=n_slots), make_inputs()
    weights = model.attention.weights(model.tokens(*inputs))  # (G, B, V, S, C)
    gates = model.heads.gates()  # (G, V, T, S)
    expected = torch.zeros(5, 3, 4, dtype=torch.float64)
    for fold in range(2):
        for view in range(2):
            for task in range(3):
                for slot in range(n_slots):
                    share = gates[fold, view, task, slot] / 4
                    expected[:, task] += (share * weights[fold, :, view, slot]).detach()
    torch.testing.assert_close(model.task_attention(*inputs), expected)


@pytest.mark.parametrize("n_slots", [1, 2, 3])
def test_task_attention_sums_to_1_over_columns(n_slots, make_model, make_inputs):
    attention = make_model(n_slots=n_slots).task_attention(*make_inputs())
    assert attention.shape == (5, 3, 4)
    assert (attention >= 0).all()
    torch.testing.assert_close(attention.sum(2), torch.ones(5, 3, dtype=torch.float64))


def test_outputs_are_those_of_heads_on_the_network_on_pooled_tokens(make_model, make_inputs):
    model, inputs = make_model(), make_inputs()
    hidden = model.network(*model.attention(model.tokens(*inputs)))
    outputs = model(*inputs)
    assert outputs.shape == (2, 5, 2, 5)
    assert torch.equal(outputs, model.heads(*hidden))


PARTS = {
    "superposed": {"queries": "superposed"},
    "context": {"queries": "context"},
    "multihead": {"queries": "multihead"},
    "task": {"queries": "task"},
    "encoder": {"encoder": True},
    "residual": {"interaction": "residual"},
    "attention": {"interaction": "attention"},
}
each_part = pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)


@each_part
@pytest.mark.parametrize("fold", [0, 1])
def test_folds_share_nothing_of_any_part(fold, part, make_model, make_inputs):
    model = make_model(n_slots=3, **part)
    model(*make_inputs(n_rows=50))[fold].square().sum().backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert all(is_alone_in(fold, name, gradient) for name, gradient in gradients.items())


@each_part
def test_gradients_of_any_part_are_those_of_finite_differences(part, make_model, make_inputs):
    model, inputs = make_model(n_slots=3, dropout=0.3, **part), make_inputs(n_rows=3)
    names, parameters = zip(*model.named_parameters(), strict=True)

    def outputs(*values):
        given = dict(zip(names, values, strict=True))
        return functional_call(model, given, (*inputs, torch.Generator().manual_seed(0)))

    assert torch.autograd.gradcheck(outputs, parameters, fast_mode=True)


@each_part
def test_with_any_part_a_row_does_not_depend_on_the_rows_beside_it(part, make_model, make_inputs):
    model, (numbers, codes) = make_model(n_slots=3, **part), make_inputs()
    order = torch.tensor([3, 0, 4])
    torch.testing.assert_close(model(numbers[:, order], codes[:, order]), model(numbers, codes)[:, order])
    attention = model.task_attention(numbers, codes)
    assert attention.shape == (5, 3, 4)
    torch.testing.assert_close(attention.sum(2), torch.ones(5, 3, dtype=torch.float64))


@each_part
def test_parameters_of_tasks_are_those_that_one_task_may_change_alone(part, make_model, make_inputs):
    model, inputs = make_model(n_slots=3, **part), make_inputs()
    before = model(*inputs)[..., 0].detach()  # of the first task
    model(*inputs)[..., 4].sum().backward()  # of the last
    with torch.no_grad():
        for parameter in model.parameters_of_tasks():
            parameter.sub_(parameter.grad)
    if model.interaction is None:
        torch.testing.assert_close(model(*inputs)[..., 0], before, rtol=0, atol=0)
    assert not torch.equal(model(*inputs)[..., 4], before)


def test_without_slots_of_their_own_heads_are_all_that_tasks_have(make_model):
    for n_slots in (1, 2):
        model = make_model(n_slots=n_slots)
        assert list(map(id, model.parameters_of_tasks())) == list(map(id, model.heads.parameters()))
