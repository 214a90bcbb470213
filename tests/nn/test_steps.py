"""Steps: positions, encoders and pooling against loops in float64."""

import math

import pytest
import torch

from sklearn_mtl.nn import (
    STEP_ENCODERS,
    STEP_POOLINGS,
    StepPooling,
    StepPositions,
    build_step_encoder,
)

G, B, L, D, P = 2, 5, 9, 6, 5
LENGTHS = 9, 6, 1, 0, 4
ENCODERS = [
    ("self_attention", None),
    ("self_attention", 2),
    ("convolution", 2),
    ("convolution", 0),
    ("recurrent", None),
]


def steps_and_mask(generator_seed=0):
    generator = torch.Generator().manual_seed(generator_seed)
    steps = torch.randn(G, B, L, D, generator=generator, dtype=torch.float64)
    mask = (torch.arange(L) < torch.tensor(LENGTHS)[:, None])[None]
    return steps, mask


def randomised(module, seed=1):
    generator = torch.Generator().manual_seed(seed)
    module = module.double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(0.6 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return module


def encoder(kind, window=None, n_layers=2):
    generator = torch.Generator().manual_seed(0)
    sizes = {"n_folds": G, "d_token": D, "generator": generator}
    return build_step_encoder(kind, n_layers=n_layers, window=window, **sizes)


def pooling(kind, n_tokens=P, k=3):
    generator = torch.Generator().manual_seed(0)
    module = StepPooling(kind, n_folds=G, n_tokens=n_tokens, d_token=D, k=k, generator=generator)
    return randomised(module)


def norm(token, scale, shift):
    centred = token - token.mean()
    return centred / (centred.square().mean() + 1e-5).sqrt() * scale + shift


def attention_by_loops(layer, steps, fold, window):
    """One self-attention layer on the steps (n, D) of a row."""
    inner, n = layer.layer, len(steps)
    scales = [inner.scale[place][fold].flatten() for place in range(2)]
    shifts = [inner.shift[place][fold].flatten() for place in range(2)]
    parts = [norm(step, scales[0], shifts[0]) @ inner.inward[fold] for step in steps]
    width = inner.inward.shape[2] // 3 // inner.n_heads
    out = []
    for i in range(n):
        pooled = []
        for head in range(inner.n_heads):
            starts = [(part * inner.n_heads + head) * width for part in range(3)]
            query, key, value = (slice(start, start + width) for start in starts)
            seen = [j for j in range(n) if window is None or abs(i - j) <= window]
            scores = torch.stack([parts[i][query] @ parts[j][key] / math.sqrt(width) for j in seen])
            shares = scores.softmax(0)
            pooled.append(sum(share * parts[j][value] for share, j in zip(shares, seen, strict=True)))
        step = steps[i] + torch.cat(pooled) @ inner.outward[fold]
        hidden = norm(step, scales[1], shifts[1]) @ inner.up[fold] + inner.up_bias[fold, 0]
        hidden = torch.nn.functional.gelu(hidden)
        out.append(step + hidden @ inner.down[fold] + inner.down_bias[fold, 0])
    return torch.stack(out)


def convolution_by_loops(layer, steps, fold, window):
    scale, shift = layer.norm.scale[fold].flatten(), layer.norm.shift[fold].flatten()
    weight = layer.weight[fold].view(2 * window + 1, D, -1)
    out = []
    for i in range(len(steps)):
        hidden = layer.bias[fold, 0].clone()
        for k in range(-window, window + 1):
            if 0 <= i + k < len(steps):
                hidden = hidden + norm(steps[i + k], scale, shift) @ weight[k + window]
        out.append(steps[i] + torch.nn.functional.gelu(hidden) @ layer.outward[fold])
    return torch.stack(out)


def recurrent_by_torch(layer, steps, fold, _window):
    gru = torch.nn.GRU(D, D, bidirectional=True, batch_first=True).double()
    with torch.no_grad():
        for direction, name in enumerate(("", "_reverse")):
            getattr(gru, f"weight_ih_l0{name}").copy_(layer.inward[fold, direction].T)
            getattr(gru, f"weight_hh_l0{name}").copy_(layer.within[fold, direction].T)
            getattr(gru, f"bias_ih_l0{name}").copy_(layer.inward_bias[fold, direction, 0])
            getattr(gru, f"bias_hh_l0{name}").copy_(layer.within_bias[fold, direction, 0])
    scale, shift = layer.norm.scale[fold].flatten(), layer.norm.shift[fold].flatten()
    read, _ = gru(torch.stack([norm(step, scale, shift) for step in steps])[None])
    return steps + read[0] @ layer.outward[fold]


REFERENCES = {
    "self_attention": attention_by_loops,
    "convolution": convolution_by_loops,
    "recurrent": recurrent_by_torch,
}


@pytest.mark.parametrize(("kind", "window"), ENCODERS)
def test_encoders_equal_loops_over_the_steps_that_are_there(kind, window):
    steps, mask = steps_and_mask()
    module = randomised(encoder(kind, window))
    found = module(steps, mask)
    for fold in range(G):
        for row, length in enumerate(LENGTHS):
            expected = steps[fold, row, :length]
            for layer in module.layers if length else ():
                expected = REFERENCES[kind](layer, expected, fold, window)
            torch.testing.assert_close(found[fold, row, :length], expected, rtol=0, atol=1e-9)
            assert (found[fold, row, length:] == 0).all()


@pytest.mark.parametrize(("kind", "window"), ENCODERS)
def test_encoders_start_as_the_identity(kind, window):
    steps, mask = steps_and_mask()
    found = encoder(kind, window).double()(steps, mask)
    torch.testing.assert_close(found, steps * mask.unsqueeze(-1), rtol=0, atol=0)


@pytest.mark.parametrize(("kind", "window"), ENCODERS)
def test_gradients_of_encoders_are_those_of_differences(kind, window):
    steps, mask = steps_and_mask()
    module = randomised(encoder(kind, window, n_layers=1))
    steps = steps[:, :3, :4].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda s: module(s, mask[:, :3, :4]), (steps,))


@pytest.mark.parametrize(("kind", "window"), ENCODERS)
def test_what_is_not_there_changes_nothing(kind, window):
    steps, mask = steps_and_mask()
    other = torch.where(mask.unsqueeze(-1), steps, 1e3)
    module = randomised(encoder(kind, window))
    torch.testing.assert_close(module(other, mask), module(steps, mask), rtol=0, atol=0)


def test_self_attention_follows_a_permutation_of_steps():
    steps, _ = steps_and_mask()
    mask = torch.ones(1, B, L, dtype=torch.bool)
    order = torch.randperm(L, generator=torch.Generator().manual_seed(0))
    module = randomised(encoder("self_attention"))
    torch.testing.assert_close(
        module(steps[:, :, order], mask), module(steps, mask)[:, :, order], rtol=0, atol=1e-9
    )


@pytest.mark.parametrize(("kind", "window"), [("self_attention", 2), ("convolution", 2)])
def test_one_layer_sees_no_further_than_its_window(kind, window):
    steps, _ = steps_and_mask()
    mask = torch.ones(1, B, L, dtype=torch.bool)
    module = randomised(encoder(kind, window, n_layers=1))
    changed = steps.clone()
    changed[:, :, 4] += 1
    is_changed = (module(changed, mask) != module(steps, mask)).any(-1).any(1).any(0)
    assert is_changed.nonzero().flatten().tolist() == [2, 3, 4, 5, 6]


def test_without_an_encoder_there_is_none():
    assert encoder("none") is None
    assert set(STEP_ENCODERS) == {"none", *REFERENCES}


def weights_by_loops(module, steps, fold):
    """Shares of the steps (n, D) of a row in each token; (P, n)."""
    n, shares = len(steps), torch.zeros(P, len(steps), dtype=torch.float64)
    for p in range(P):
        if module.kind in ("attention", "top_k"):
            scores = [float(step @ module.query[fold, p]) for step in steps]
            kept = sorted(range(n), key=scores.__getitem__, reverse=True)
            kept = kept[: module.k] if module.kind == "top_k" else kept
            total = sum(math.exp(scores[i]) for i in kept)
            for i in kept:
                shares[p, i] = math.exp(scores[i]) / total
            continue
        is_stride = module.kind == "strides" or (module.kind == "hybrid" and p > 1)
        n_parts, part = (P, p) if module.kind == "strides" else (P - 2, p - 2)
        of_token = [i for i in range(n) if not is_stride or i * n_parts // n == part]
        for i in of_token:
            shares[p, i] = 1 / len(of_token)
    return shares


@pytest.mark.parametrize("kind", STEP_POOLINGS)
@torch.no_grad()
def test_pooling_equals_loops_over_the_steps_that_are_there(kind):
    steps, mask = steps_and_mask()
    module = pooling(kind)
    found, weights = module(steps, mask), module.weights(steps, mask)
    for fold in range(G):
        for row, length in enumerate(LENGTHS):
            there = steps[fold, row, :length]
            shares = weights_by_loops(module, there, fold)
            torch.testing.assert_close(weights[fold, row, :, :length], shares, rtol=0, atol=1e-9)
            assert (weights[fold, row, :, length:] == 0).all()
            for p in range(P):
                expected = sum(
                    (share * step for share, step in zip(shares[p], there, strict=True)),
                    torch.zeros(D).double(),
                )
                if length and (kind == "max" or (kind == "hybrid" and p == 1)):
                    expected = torch.stack([max(there[:, unit]) for unit in range(D)])
                expected = expected @ module.value[fold, p]
                if not shares[p].any():
                    expected = module.empty[fold, p, 0]
                torch.testing.assert_close(found[fold, p, row], expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", STEP_POOLINGS)
def test_gradients_of_pooling_are_those_of_differences(kind):
    steps, mask = steps_and_mask()
    module = pooling(kind)
    steps = steps.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda s: module(s, mask), (steps,))


@pytest.mark.parametrize("kind", ["attention", "top_k", "mean", "max"])
def test_pooling_of_all_steps_ignores_their_order(kind):
    steps, _ = steps_and_mask()
    mask = torch.ones(1, B, L, dtype=torch.bool)
    order = torch.randperm(L, generator=torch.Generator().manual_seed(0))
    module = pooling(kind)
    torch.testing.assert_close(module(steps[:, :, order], mask), module(steps, mask), rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", STEP_POOLINGS)
def test_pooling_ignores_what_is_not_there(kind):
    steps, mask = steps_and_mask()
    module = pooling(kind)
    other = torch.where(mask.unsqueeze(-1), steps, 1e3)
    torch.testing.assert_close(module(other, mask), module(steps, mask), rtol=0, atol=0)


@torch.no_grad()
def test_positions_equal_waves_by_loops():
    _, mask = steps_and_mask()
    module = randomised(StepPositions(n_folds=G, d_token=D, generator=torch.Generator().manual_seed(0)))
    found = module(mask)
    for row, length in enumerate(LENGTHS):
        assert (found[:, row, length:] == 0).all()
        for i in range(length):
            waves, ends = [], (i, length - 1 - i)
            for wave in (math.sin, math.cos):
                waves += [wave(end / 10_000 ** (k / 8)) for end in ends for k in range(8)]
            share = i / max(length - 1, 1)
            waves += [math.cos(math.pi * k * share) for k in range(1, 5)]
            expected = torch.tensor(waves, dtype=torch.float64) @ module.weight
            torch.testing.assert_close(found[:, row, i], expected, rtol=0, atol=1e-9)


def test_positions_of_full_rows_do_not_depend_on_the_rows_beside_them():
    _, mask = steps_and_mask()
    module = randomised(StepPositions(n_folds=G, d_token=D, generator=torch.Generator().manual_seed(0)))
    torch.testing.assert_close(module(mask[:, :1]), module(mask)[:, :1], rtol=0, atol=1e-12)


@torch.no_grad()
def test_positions_are_of_half_a_unit_at_first():
    module = StepPositions(n_folds=G, d_token=64, generator=torch.Generator().manual_seed(0))
    size = module(torch.ones(1, 1, 50, dtype=torch.bool)).square().mean().sqrt()
    assert 0.4 < float(size) < 0.7
