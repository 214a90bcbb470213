"""Words in their order: what they mean where they stand, their tags, and tokens of their text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ._initial import dropout_mask, normal, zeros
from ._steps import StepPooling, build_step_encoder

# Places without a word between two rows: as far as a convolution reaches.
WORD_GAP = 2
_FEATURE_STD = 0.3  # about ten features of a word are added up


@dataclass(frozen=True, eq=False)
class WordBatch:
    """The words of some rows, one after the other with gaps between rows: nearly nothing is padded.

    Attributes
    ----------
    features : Tensor of int64, shape (G, S, F) or (1, S, F)
        Codes of what is known of each word, 0 for nothing. With 1 in front, all folds get the same rows.
    is_word : Tensor of bool, shape (G, S) or (1, S)
        Where there are words.
    places : Tensor of int64, shape (G, B, L) or (1, B, L)
        At which of the S places the words of each row are; 0 beyond its last.
    is_there : Tensor of bool, shape (G, B, L) or (1, B, L)
        Up to the last word of each row.
    """

    features: Tensor
    is_word: Tensor
    places: Tensor
    is_there: Tensor

    def __len__(self) -> int:
        """G, or 1; the length of each part of a batch."""
        return len(self.features)


@dataclass(frozen=True, eq=False)
class WordStates:
    """What words mean where they stand.

    Attributes
    ----------
    states : Tensor of shape (G, S, D)
        0 where there is no word.
    batch : WordBatch
        The words.
    """

    states: Tensor
    batch: WordBatch

    def by_row(self) -> Tensor:
        """Give the states of each row's words, (G, B, L, D); anything beyond its last."""
        places = self.batch.places.expand(len(self.states), -1, -1)
        index = places.flatten(1).unsqueeze(2).expand(-1, -1, self.states.shape[2])
        return self.states.gather(1, index).view(*places.shape, -1)


class WordColumn(nn.Module):
    """Encode the words of a text column, and pool them into a few tokens.

    The features of a word are added up and pass through layers of convolution over the words of the text
    [1]_. Tags are read from what comes out, and so are the tokens that all other tasks attend to, by a
    distribution over the words each: what one task teaches of words, the others can use.

    Parameters
    ----------
    n_codes : int
        Of features, with 0 for nothing.
    n_folds : int
        G.
    n_tokens : int
        P.
    d_word, d_token : int
        Width of words and of tokens.
    n_layers : int
        Of convolution.
    generator : torch.Generator
        Draws the initial values.
    dropout : float, default=0.0
        Share of features, and of what comes out, that is dropped in each training step.

    References
    ----------
    .. [1] Collobert, Weston, Bottou, Karlen, Kavukcuoglu, Kuksa (2011). Natural language processing (almost)
       from scratch. JMLR 12, 2493-2537.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> sizes = {"n_tokens": 3, "d_word": 16, "d_token": 8, "n_layers": 1}
    >>> column = WordColumn(9, n_folds=2, generator=generator, **sizes)
    >>> batch = WordBatch(
    ...     features=torch.tensor([[[1, 2], [3, 2], [0, 0], [0, 0], [3, 0]]]),
    ...     is_word=torch.tensor([[True, True, False, False, True]]),
    ...     places=torch.tensor([[[0, 1], [4, 0]]]),
    ...     is_there=torch.tensor([[[True, True], [True, False]]]),
    ... )
    >>> states = column.encode(batch)
    >>> states.states.shape, column(states).shape
    (torch.Size([2, 5, 16]), torch.Size([2, 3, 2, 8]))
    """

    def __init__(
        self,
        n_codes: int,
        *,
        n_folds: int,
        n_tokens: int,
        d_word: int,
        d_token: int,
        n_layers: int,
        generator: torch.Generator,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.n_codes, self.n_heads, self.dropout = n_codes, n_tokens, dropout
        shared: dict[str, Any] = {"n_folds": n_folds, "generator": generator}
        self.embedding = normal(n_folds * n_codes, d_word, std=_FEATURE_STD, generator=generator)
        self.encoder = build_step_encoder(
            "convolution", d_token=d_word, n_layers=n_layers, window=WORD_GAP, **shared
        )
        self.pooling = StepPooling("attention", n_tokens=n_tokens, d_token=d_word, **shared)
        self.outward = normal(n_folds, 1, d_word, d_token, std=d_word**-0.5, generator=generator)

    def encode(self, batch: WordBatch, dropout_generator: torch.Generator | None = None) -> WordStates:
        """Say what words mean where they stand.

        Parameters
        ----------
        batch : WordBatch
        dropout_generator : torch.Generator, optional
            Draws what is dropped in a training step; without it nothing is.

        Returns
        -------
        WordStates
        """
        n_folds = len(self.outward)
        features = batch.features.expand(n_folds, -1, -1)
        known = (features > 0).to(self.embedding.dtype)
        if dropout_generator is not None and self.dropout > 0:
            mask = dropout_mask(*known.shape, rate=self.dropout, generator=dropout_generator)
            known = known * mask.to(known.dtype)
        codes = features + self.n_codes * torch.arange(n_folds, device=features.device)[:, None, None]
        steps = functional.embedding_bag(
            codes.flatten(0, 1), self.embedding, mode="sum", per_sample_weights=known.flatten(0, 1)
        ).view(n_folds, 1, features.shape[1], -1)
        if self.encoder is not None:
            steps = self.encoder(steps, batch.is_word.unsqueeze(1))
        states = steps.squeeze(1)
        if dropout_generator is not None and self.dropout > 0:
            mask = dropout_mask(*states.shape, rate=self.dropout, generator=dropout_generator)
            states = states * mask.to(states.dtype)
        return WordStates(states, batch)

    def forward(self, words: WordStates) -> Tensor:
        """Pool.

        Parameters
        ----------
        words : WordStates
            Of B rows.

        Returns
        -------
        Tensor of shape (G, P, B, D)
        """
        tokens: Tensor = self.pooling(words.by_row(), words.batch.is_there)
        return tokens @ self.outward


class TagHead(nn.Module):
    """A linear map from what a word means where it stands to the logits of its tags.

    Parameters
    ----------
    prior : Tensor of shape (G, K)
        Logits of the tags' rates: initial biases.
    column : int
        Which of the text columns with tags it reads.
    d_word : int
        D.
    generator : torch.Generator
        Draws the initial values.

    Examples
    --------
    >>> head = TagHead(torch.zeros(2, 5), column=0, d_word=16, generator=torch.Generator().manual_seed(0))
    >>> head(torch.randn(2, 7, 16)).shape
    torch.Size([2, 7, 5])
    """

    def __init__(self, prior: Tensor, *, column: int, d_word: int, generator: torch.Generator) -> None:
        super().__init__()
        self.column = column
        n_folds, n_tags = prior.shape
        self.weight = normal(n_folds, d_word, n_tags, std=d_word**-0.5, generator=generator)
        self.bias = zeros(n_folds, 1, n_tags)
        with torch.no_grad():
            self.bias.add_(prior.unsqueeze(1))

    def forward(self, states: Tensor) -> Tensor:
        """Give logits; (G, S, D) to (G, S, K)."""
        return states @ self.weight + self.bias


def tag_losses(logits: Tensor, codes: Tensor) -> Tensor:
    """Compute the negative logarithm of the probability of each word's tag.

    Parameters
    ----------
    logits : Tensor of shape (..., K)
    codes : Tensor of int64, shape (...)
        -1 for words without a tag.

    Returns
    -------
    Tensor of shape (...)
        0 for words without a tag.
    """
    losses = functional.cross_entropy(
        logits.flatten(0, -2), codes.flatten(), ignore_index=-1, reduction="none"
    )
    return losses.view(codes.shape)
