import numpy as np
import pytest
import torch

from sklearn_mtl.encoding import Words
from sklearn_mtl.nn import TagHead, WordColumn, tag_losses
from sklearn_mtl.training._batches import WordRows

N_FOLDS, N_CODES, D = 2, 7, 6
FEATURES = np.array([[1, 2], [3, 0], [4, 2], [0, 0], [5, 6], [1, 1]], dtype=np.int32)
STARTS = np.array([0, 3, 3, 4, 6])  # rows of 3, 0, 1 and 2 words


@pytest.fixture
def rows():
    return WordRows(Words(FEATURES, STARTS), device="cpu")


@pytest.fixture
def column():
    generator = torch.Generator().manual_seed(0)
    sizes = {"n_tokens": 2, "d_word": D, "d_token": 3, "n_layers": 2}
    made = WordColumn(N_CODES, n_folds=N_FOLDS, generator=generator, dropout=0.5, **sizes).double()
    for parameter in made.parameters():  # branches start at zero
        parameter.data = 0.3 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    return made


def embedded(column, fold, features):
    """Add up the features of each word."""
    table = column.embedding.view(N_FOLDS, N_CODES, D)[fold]
    return torch.stack(
        [sum((table[f] for f in of_word if f), torch.zeros(D).double()) for of_word in features]
    )


def convolved(layer, fold, steps):
    """Pass the words of one text through a layer, word by word."""
    normed = (
        torch.nn.functional.layer_norm(steps, (D,)) * layer.norm.scale[fold, 0] + layer.norm.shift[fold, 0]
    )
    padded = torch.cat([torch.zeros(2, D), normed, torch.zeros(2, D)])
    out = []
    for place in range(len(steps)):
        window = padded[place : place + 5].reshape(-1)
        hidden = torch.nn.functional.gelu(window @ layer.weight[fold] + layer.bias[fold, 0])
        out.append(steps[place] + hidden @ layer.outward[fold])
    return torch.stack(out) if out else steps


def test_words_are_encoded_as_in_a_loop_over_texts(column, rows):
    order = torch.tensor([[3, 0, 1], [2, 3, 0]])
    by_row = column.encode(rows[order]).by_row()
    for fold in range(N_FOLDS):
        for place, row in enumerate(order[fold].tolist()):
            features = FEATURES[STARTS[row] : STARTS[row + 1]].tolist()
            if not features:
                continue
            expected = embedded(column, fold, features)
            for layer in column.encoder.layers:
                expected = convolved(layer, fold, expected)
            torch.testing.assert_close(by_row[fold, place, : len(features)], expected)


def test_a_text_is_encoded_alike_whatever_stands_beside_it(column, rows):
    alone = column.encode(rows[torch.tensor([[0]])])
    among = column.encode(rows[torch.tensor([[3, 0, 2]])])
    torch.testing.assert_close(alone.by_row()[:, 0], among.by_row()[:, 1])
    torch.testing.assert_close(column(alone)[:, :, 0], column(among)[:, :, 1])


def test_texts_without_words_have_tokens_of_their_own(column, rows):
    tokens = column(column.encode(rows[torch.tensor([[1, 1]])]))
    assert tokens.shape == (N_FOLDS, 2, 2, 3)
    assert tokens.isfinite().all()
    torch.testing.assert_close(tokens[:, :, 0], tokens[:, :, 1])


def test_folds_share_nothing(column, rows):
    column.encode(rows.all()).states[0].sum().backward()
    for parameter in column.parameters():
        if parameter.grad is not None:
            of_folds = parameter.grad.view(N_FOLDS, -1)
            assert not of_folds[1].any()


def test_features_are_dropped_in_training_alone(column, rows):
    batch = rows.all()
    generator = torch.Generator().manual_seed(0)
    plain = column.encode(batch).states
    assert not torch.equal(column.encode(batch, generator).states, plain)
    assert torch.equal(column.encode(batch).states, plain)


def test_what_words_have_is_laid_out_beside_them(rows):
    order = torch.tensor([[3, 0], [2, 1]])
    layout = rows.layout(order)
    laid_out = layout.spread(torch.arange(6), fill=-1)
    assert laid_out.tolist() == [[4, 5, -1, -1, 0, 1, 2, -1, -1], [3, -1, -1, -1, -1, -1, -1, -1, -1]]
    assert layout.gather(laid_out).tolist() == layout.entries.tolist() == [4, 5, 0, 1, 2, 3]


def test_words_without_a_tag_have_no_loss_and_no_gradient():
    logits = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    codes = torch.tensor([[0, -1, 3], [-1, 2, 1]])
    losses = tag_losses(logits, codes)
    expected = -torch.log_softmax(logits, 2).gather(2, codes.clamp_min(0).unsqueeze(2)).squeeze(2)
    torch.testing.assert_close(losses, expected * (codes >= 0))
    losses.sum().backward()
    assert not logits.grad[codes < 0].any()


def test_heads_begin_with_the_rates_of_tags():
    prior = torch.tensor([[0.2, 0.8], [0.5, 0.5]]).log()
    head = TagHead(prior, column=0, d_word=D, generator=torch.Generator().manual_seed(0))
    logits = head(torch.zeros(2, 1, D))
    torch.testing.assert_close(torch.softmax(logits, 2)[:, 0], prior.exp())
