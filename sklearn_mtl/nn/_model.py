"""The model that joins tokens, attention, views and heads."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ._attention import ColumnAttention
from ._bags import BagBatch, BagTokens
from ._encoder import TokenEncoder
from ._heads import TaskHeads
from ._initial import dropout_mask
from ._interaction import AttentionInteraction, ResidualInteraction
from ._sequences import StepBatch, StepTokens
from ._tags import TagHead, WordBatch, WordColumn, WordStates
from ._tokens import ColumnTokens
from ._vectors import VectorBatch, VectorTokens
from ._views import ViewNetwork


class ColumnAttentionModel(nn.Module):
    """All folds and views of an estimator in one module.

    Nothing that is learned is shared between folds, so a fold's outputs on rows that it was not
    trained on are honest.

    Parameters
    ----------
    tokens : ColumnTokens
    attention : ColumnAttention
    network : ViewNetwork
    heads : TaskHeads
        For the same numbers of folds, views and slots.
    encoder : TokenEncoder, optional
        Between tokens and attention.
    interaction : ResidualInteraction or AttentionInteraction, optional
        Between the slots' units and the heads.
    bags : sequence of StepTokens, BagTokens or VectorTokens, default=()
        One for each sequence column, then one for each bag column, then one for each text with vectors. Their
        tokens come after those of numbers and categories; the attention takes each of them for a column.
    words : sequence of WordColumn, default=()
        One for each text column whose words have tags; their tokens come last.
    tag_heads : sequence of TagHead, default=()
        One for each task of tags.
    """

    def __init__(
        self,
        tokens: ColumnTokens,
        attention: ColumnAttention,
        network: ViewNetwork,
        heads: TaskHeads,
        *,
        encoder: TokenEncoder | None = None,
        interaction: ResidualInteraction | AttentionInteraction | None = None,
        bags: Sequence[StepTokens | BagTokens | VectorTokens] = (),
        words: Sequence[WordColumn] = (),
        tag_heads: Sequence[TagHead] = (),
    ) -> None:
        super().__init__()
        self.tokens = tokens
        self.encoder = encoder
        self.interaction = interaction
        self.bags = nn.ModuleList(bags)
        self.bag_widths = [bag.n_heads for bag in bags]
        self.words = nn.ModuleList(words)
        self.word_widths = [column.n_heads for column in words]
        self.words_of_tags: nn.ModuleList | None = None
        self.tag_heads, self.tag_columns = nn.ModuleList(tag_heads), [head.column for head in tag_heads]
        self.attention = attention
        self.network = network
        self.heads = heads
        self.token_dropout = 0.0

    def forward(
        self,
        numbers: Tensor,
        categories: Tensor,
        dropout_generator: torch.Generator | None = None,
        *,
        bags: Sequence[StepBatch | BagBatch | VectorBatch] = (),
        words: Sequence[WordStates] = (),
    ) -> Tensor:
        """Compute the outputs of all folds, views and tasks.

        Parameters
        ----------
        numbers : Tensor of shape (G, B, N) or (1, B, N)
            Scaled numbers, NaN where missing; with 1 in front, all folds get the same rows.
        categories : Tensor of int64, shape (G, B, M) or (1, B, M)
            Codes.
        dropout_generator : torch.Generator, optional
            Draws the dropout of a training step; without it nothing is dropped.
        bags : sequence of StepBatch, BagBatch or VectorBatch, default=()
            The same rows, of each sequence column, each bag column, and texts with vectors.
        words : sequence of WordStates, default=()
            The same rows, of each text column with tags, as `encode` gives them.

        Returns
        -------
        Tensor of shape (G, B, V, O)
            Numbers in training units, logits of classes.
        """
        tokens = self.all_tokens(numbers, categories, bags, dropout_generator, words=words)
        return self.outputs_of(tokens, dropout_generator)

    def encode(
        self, words: Sequence[WordBatch], dropout_generator: torch.Generator | None = None
    ) -> list[WordStates]:
        """Say what words mean where they stand, in each text column with tags.

        Parameters
        ----------
        words : sequence of WordBatch
        dropout_generator : torch.Generator, optional
            As in `forward`.

        Returns
        -------
        list of WordStates
        """
        return _encode(self.words, words, dropout_generator)

    def tag_logits(self, words: Sequence[WordStates]) -> list[Tensor]:
        """Give the logits of every word's tags, (G, S, K) of each task of tags."""
        pairs = zip(self.tag_heads, self.tag_columns, strict=True)
        return [head(words[column].states) for head, column in pairs]

    def give_tags_words(self, state: Mapping[str, Tensor]) -> None:
        """Let tags be read from words of their own from now on, with the parameters in `state`."""
        self.words_of_tags = copy.deepcopy(self.words)
        for name, module in (("words.", self.words_of_tags), ("tag_heads.", self.tag_heads)):
            module.load_state_dict(
                {key.removeprefix(name): value for key, value in state.items() if key.startswith(name)}
            )

    def predict_tags(self, words: Sequence[WordBatch]) -> list[Tensor]:
        """Give the probabilities of every word's tags, (G, S, K) of each task of tags."""
        states = _encode(self.words if self.words_of_tags is None else self.words_of_tags, words)
        return [torch.softmax(logits, dim=2) for logits in self.tag_logits(states)]

    def outputs_of(self, tokens: Tensor, dropout_generator: torch.Generator | None = None) -> Tensor:
        """Compute the outputs of all folds, views and tasks from tokens.

        Parameters
        ----------
        tokens : Tensor of shape (G, C, B, D)
            As `all_tokens` gives them.
        dropout_generator : torch.Generator, optional
            As in `forward`. Whole tokens are dropped, too, `token_dropout` of them.

        Returns
        -------
        Tensor of shape (G, B, V, O)
        """
        if dropout_generator is not None and self.token_dropout > 0:
            shape = (1, *tokens.shape[1:3], 1)  # one mask for all folds, as in the view network
            tokens = tokens * dropout_mask(*shape, rate=self.token_dropout, generator=dropout_generator)
        of_views, of_slots = self.attention(self._encoded(tokens), dropout_generator)
        shared, own = self.network(of_views, of_slots, dropout_generator)
        outputs: Tensor = self.heads(shared, own if self.interaction is None else self.interaction(own))
        return outputs

    def _encoded(self, tokens: Tensor) -> Tensor:
        return tokens if self.encoder is None else self.encoder(tokens)

    def all_tokens(
        self,
        numbers: Tensor,
        categories: Tensor,
        bags: Sequence[StepBatch | BagBatch | VectorBatch],
        dropout_generator: torch.Generator | None = None,
        *,
        words: Sequence[WordStates] = (),
    ) -> Tensor:
        """Give the tokens of numbers, categories, bags and words.

        Parameters
        ----------
        numbers, categories, bags, dropout_generator, words
            As in `forward`.

        Returns
        -------
        Tensor of shape (G, C, B, D)
        """
        tokens: Tensor = self.tokens(numbers, categories)
        if not bags and not words:
            return tokens
        of_bags = [module(bag, dropout_generator) for module, bag in zip(self.bags, bags, strict=True)]
        of_words = [module(states) for module, states in zip(self.words, words, strict=True)]
        return torch.cat([tokens, *of_bags, *of_words], dim=1)

    def view_attention(self, tokens: Tensor) -> Tensor:
        """Give the attention of views over tokens, that of each head by itself.

        Parameters
        ----------
        tokens : Tensor of shape (G, C, B, D)
            As `all_tokens` gives them.

        Returns
        -------
        Tensor of shape (G, B, N V, C)
        """
        return self.attention.view_weights(self._encoded(tokens))

    def task_attention(
        self,
        numbers: Tensor,
        categories: Tensor,
        *,
        bags: Sequence[StepBatch | BagBatch | VectorBatch] = (),
        words: Sequence[WordStates] = (),
        per_view: bool = False,
    ) -> Tensor:
        """Give each task's attention over columns, the mean over folds and views, or that of each view.

        Parameters
        ----------
        numbers, categories, bags, words
            As in `forward`.
        per_view : bool, default=False
            Keep views apart.

        Returns
        -------
        Tensor of shape (B, T, C), or (B, G V, T, C)
            Sums to 1 over C, the tokens of bags among them, but for functions whose weights do not.
        """
        by_slot = self._slot_weights(numbers, categories, bags, words)
        if per_view:
            return torch.einsum("gbvsc,gvts->bgvtc", by_slot, self.heads.gates()).flatten(1, 2)
        return torch.einsum("gbvsc,gvts->btc", by_slot, self.heads.gates()) / by_slot[:, 0, :, 0, 0].numel()

    def _slot_weights(
        self,
        numbers: Tensor,
        categories: Tensor,
        bags: Sequence[StepBatch | BagBatch | VectorBatch],
        words: Sequence[WordStates],
    ) -> Tensor:
        """Give the attention of slots over all tokens, (G, B, V, S, C)."""
        return self.attention.weights(self._encoded(self.all_tokens(numbers, categories, bags, words=words)))

    def entry_attention(
        self,
        numbers: Tensor,
        categories: Tensor,
        *,
        bags: Sequence[StepBatch | BagBatch | VectorBatch],
        words: Sequence[WordStates] = (),
    ) -> tuple[Tensor, ...]:
        """Give each task's attention to the entries of bags and steps, the mean over folds and views.

        An entry gets what a task gives to the tokens of its bag, times its share of each of them.

        Parameters
        ----------
        numbers, categories, bags, words
            As in `forward`, the same rows for all folds.

        Returns
        -------
        tuple of Tensor of shape (E, T)
            In the order of each bag's entries, and of the steps that are there. Over all entries of a
            row, with the task's attention to numbers, categories and columns without entries, it sums to 1.
        """
        by_slot = self._slot_weights(numbers, categories, bags, words)  # (G, B, V, S, C)
        by_task = torch.einsum("gbvsc,gvts->gbtc", by_slot, self.heads.gates()) / by_slot.shape[2]
        first, entries = self.tokens.n_columns, []
        for module, bag in zip(self.bags, bags, strict=True):
            assert isinstance(module, StepTokens | BagTokens | VectorTokens)  # ModuleList does not say so
            rows = bag.row_of_entry()
            of_tokens = by_task[..., first : first + module.n_heads]  # (G, B, T, P)
            of_entries: Tensor = module.weights(bag)  # type: ignore[arg-type]  # each its own kind; (G, E, P)
            by_fold = [
                torch.einsum("etp,ep->et", of_fold[rows], shares)
                for of_fold, shares in zip(of_tokens, of_entries, strict=True)
            ]
            entries.append(torch.stack(by_fold).mean(0))
            first += module.n_heads
        return tuple(entries)

    def column_effects(self, numbers: Tensor, categories: Tensor) -> Tensor:
        r"""Say what each column changes in the outputs, to first order.

        .. math:: \Big| \frac{1}{G V} \sum_{gv} \Big\langle
                  \frac{\partial o_{gv}}{\partial e_j}, e_j - \bar e_j \Big\rangle \Big|

        is how far the mean output o would move if the token of column j were the mean of these rows' [1]_.

        Parameters
        ----------
        numbers, categories : Tensor
            As in `forward`.

        Returns
        -------
        Tensor of shape (B, O, C)

        References
        ----------
        .. [1] Shrikumar, Greenside, Shcherbina, Kundaje (2016). Not just a black box: learning important
           features through propagating activation differences. arXiv:1605.01713.
        """
        tokens = self.tokens(numbers, categories).detach()  # (G, C, B, D)
        away = tokens - tokens.mean(2, keepdim=True)
        tokens.requires_grad_()
        outputs = self.outputs_of(tokens).mean(2)  # (G, B, O)
        effects = []
        for output in outputs.sum((0, 1)):
            (slope,) = torch.autograd.grad(output, tokens, retain_graph=True)
            effects.append((slope * away).sum(3).mean(0).abs().T)  # (B, C)
        return torch.stack(effects, dim=1)

    def parameters_of_tasks(self) -> list[nn.Parameter]:
        """Give the parameters of which each task has a part of its own; the others are the trunk."""
        own = list(self.heads.parameters())
        _, _, n_slots = self.attention.sizes
        if self.heads.gate is None and n_slots > 1:
            own += self.attention.parameters_of_slots()
        return own


def _encode(
    columns: nn.ModuleList, words: Sequence[WordBatch], dropout_generator: torch.Generator | None = None
) -> list[WordStates]:
    states = []
    for column, batch in zip(columns, words, strict=True):
        assert isinstance(column, WordColumn)  # ModuleList does not say so
        states.append(column.encode(batch, dropout_generator))
    return states
