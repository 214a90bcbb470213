import itertools
import math

import pytest
import torch

N_FOLDS, N_VIEWS, N_SLOTS, N_COLUMNS, D_TOKEN, N_ROWS, N_HEADS = 2, 2, 3, 4, 5, 3, 2
D_HEAD = 3  # five units in two heads, rounded up
KINDS = ("token", "superposed", "context", "multihead", "task")


@pytest.fixture
def tokens(generator):
    return torch.randn(N_FOLDS, N_COLUMNS, N_ROWS, D_TOKEN, generator=generator, dtype=torch.float64)


@pytest.fixture
def make(make_queries, randomised):
    return lambda kind: randomised(make_queries(kind, n_slots=N_SLOTS, d_token=D_TOKEN))


def of_token(q, fold, column, view, slot):
    query, bias = q.view_query[fold, column, :, view, 0], q.view_bias[fold, column, 0, view, 0]
    if slot is None:
        return query, bias
    return query + q.slot_query[fold, column, :, 0, slot], bias + q.slot_bias[fold, column, 0, 0, slot]


def token_score(q, row, fold, column, view, slot, head):
    del head
    query, bias = of_token(q, fold, column, view, slot)
    return query @ row[column] + bias


def superposed_score(q, row, fold, column, view, slot, head):
    del head
    query, bias = q.view_query[fold, column, :, view, 0], q.view_bias[fold, column, 0, view, 0]
    if slot is None:
        return query @ row[column] + bias
    of_column = q.slot_of_column[fold, column, 0, 0, slot]
    return of_column * ((q.slot_of_token[fold, 0, :, 0, slot] * query) @ row[column] + bias)


def context_score(q, row, fold, column, view, slot, head):
    del head
    query, bias = of_token(q.own, fold, column, view, slot)
    matrix = q.view_map[fold, :, :, view, 0]
    if slot is not None:
        matrix = matrix + q.slot_map[fold, :, :, 0, slot]
    return (query + matrix.T @ row.mean(0)) @ row[column] + bias


def multihead_score(q, row, fold, column, view, slot, head):
    query = row.mean(0) @ q.of_context[fold, head] + q.view_query[fold, head, :, view, 0]
    if slot is not None:
        query = query + q.slot_query[fold, head, :, 0, slot]
    return query @ (row[column] @ q.key[fold, head]) / math.sqrt(D_HEAD)


def task_score(q, row, fold, column, view, slot, head):
    embedding = q.view_embedding[fold, 0, :, view, 0]
    if slot is not None:
        embedding = embedding + q.slot_embedding[fold, 0, :, 0, slot]
    return (q.query[fold, head] @ embedding) @ (row[column] @ q.key[fold, head]) / math.sqrt(D_HEAD)


LOOPS = dict(
    zip(KINDS, (token_score, superposed_score, context_score, multihead_score, task_score), strict=True)
)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_equal_a_loop(kind, make, tokens):
    queries = make(kind)
    scores = queries(tokens)
    n_heads = N_HEADS if kind in ("multihead", "task") else 1
    assert queries.n_heads == n_heads
    assert scores.shape == (N_FOLDS, N_COLUMNS, N_ROWS, n_heads * N_VIEWS * (1 + N_SLOTS))
    of_views, of_slots = torch.split(scores, [n_heads * N_VIEWS, n_heads * N_VIEWS * N_SLOTS], dim=3)
    of_views = of_views.unflatten(3, (n_heads, N_VIEWS))
    of_slots = of_slots.unflatten(3, (n_heads, N_VIEWS, N_SLOTS))
    for fold, column, at, view, head in itertools.product(
        *map(range, (N_FOLDS, N_COLUMNS, N_ROWS, N_VIEWS, n_heads))
    ):
        row = tokens[fold, :, at]  # (C, D)
        expected = LOOPS[kind](queries, row, fold, column, view, None, head)
        torch.testing.assert_close(of_views[fold, column, at, head, view], expected, rtol=1e-6, atol=1e-9)
        for slot in range(N_SLOTS):
            expected = LOOPS[kind](queries, row, fold, column, view, slot, head)
            torch.testing.assert_close(of_slots[fold, column, at, head, view, slot], expected)


@pytest.mark.parametrize("kind", KINDS)
def test_views_start_apart_and_slots_as_their_view_but_for_superposed_ones(kind, make_queries, tokens):
    queries = make_queries(kind, n_slots=N_SLOTS, d_token=D_TOKEN).double()
    n_heads = queries.n_heads
    of_views, of_slots = torch.split(queries(tokens), [n_heads * N_VIEWS, n_heads * N_VIEWS * N_SLOTS], dim=3)
    of_views = of_views.unflatten(3, (n_heads, N_VIEWS))
    of_slots = of_slots.unflatten(3, (n_heads, N_VIEWS, N_SLOTS))
    assert ((of_views[..., 0] - of_views[..., 1]).abs().amax((1, 2, 3)) > 0.01).all()
    if kind == "superposed":
        signs = queries.slot_of_column.detach()
        assert torch.equal(signs.abs(), torch.ones_like(signs))
    else:
        torch.testing.assert_close(of_slots, of_views.unsqueeze(5).expand_as(of_slots))


@pytest.mark.parametrize("kind", KINDS)
def test_the_parts_of_slots_are_each_slots_own(kind, make, tokens):
    queries = make(kind)
    scores = queries(tokens)[..., queries.n_heads * N_VIEWS :].unflatten(3, (-1, N_SLOTS))
    scores[..., 0].sum().backward()
    for name in queries.of_slots:
        gradient = queries.get_parameter(name).grad
        assert gradient[..., 0].any()
        assert not gradient[..., 1:].any()
