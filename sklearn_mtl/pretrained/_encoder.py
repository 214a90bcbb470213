"""An encoder that is there: texts as vectors of their tokens."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch.nn import functional

from ..encoding import TextVectors
from ._folder import EncoderFolder

_TOKENS_AT_ONCE = 4096
_TEXTS_AT_ONCE = 4096  # of the tokenizer
_MOST_TOKENS = 512  # of a text, where nobody says
_LARGEST = float(np.finfo(np.float16).max)
_UNUSED = "pooler"  # part of a model, of which no vector depends


@dataclass(frozen=True, eq=False)
class PieceWords:
    """The words behind the tokens of rows: pieces of one word count together.

    Attributes
    ----------
    words : list of str
        Those of all rows, one after the other; marks such as ``[CLS]`` are words of their own.
    n_words : ndarray of shape (B,), int64
        How many each row has.
    word_of_token : ndarray of shape (E,), int64
        The word of each token of all rows.
    """

    words: list[str]
    n_words: NDArray[np.int64]
    word_of_token: NDArray[np.int64]


class LoadedEncoder:
    """A pretrained encoder, loaded when it is made and again after it was pickled.

    A pickle holds the path or name and a fingerprint of weights and tokenizer, not the weights: another model
    under the same name is an error.

    Parameters
    ----------
    path : str or path-like
        A folder, or a name in the local cache.
    max_length : int or None
        Most tokens of a text.
    max_gigabytes : float
        Most memory for the vectors of a column.
    device : str
        Where it computes.
    owner : str
        Who asks; errors start with it.

    Attributes
    ----------
    max_length : int
        As resolved.

    Raises
    ------
    ValueError
        There is no such encoder, or it cannot be used.
    ImportError
        transformers is not installed.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        max_length: int | None,
        max_gigabytes: float,
        device: str,
        owner: str,
    ) -> None:
        self.owner, self.max_gigabytes, self.device = owner, max_gigabytes, device
        self.name = fspath(path)
        if Path(self.name).expanduser().is_dir():
            self.name = str(Path(self.name).expanduser().resolve())
        folder = self._load()
        self.fingerprint = folder.fingerprint()
        self.max_length = self._most_tokens(folder) if max_length is None else max_length
        self._check_length()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_model", "_tokenizer")}

    def encode(self, texts: Collection[str | None]) -> TextVectors:
        """Give texts their vectors, each different text once.

        Texts of equally many tokens are computed together, without padding.

        Parameters
        ----------
        texts : collection of str or None, length B
            None is a missing text.

        Returns
        -------
        TextVectors

        Raises
        ------
        ValueError
            The vectors would take more memory than is allowed, or the encoder is no longer what it was.
        """
        self._ensure()
        different = sorted({text for text in texts if text is not None})
        ids = self._token_ids(different)
        n_tokens = np.array([len(of_text) for of_text in ids], dtype=np.int64)
        order = np.argsort(n_tokens, kind="stable")
        starts = np.concatenate([np.zeros(2, dtype=np.int64), np.cumsum(n_tokens[order])])
        width = self._model.config.hidden_size
        self._check_memory(int(starts[-1]) * width * 2, n_texts=len(different))
        tokens = np.empty((starts[-1], width), dtype=np.float16)
        sentences = np.zeros((len(starts) - 1, width), dtype=np.float32)
        for first, last in _blocks(n_tokens[order]):
            vectors = self._vectors([ids[place] for place in order[first:last]])  # (B, L, d)
            tokens[starts[first + 1] : starts[last + 1]] = _flat(vectors)
            sentences[first + 1 : last + 1] = self._pooled(vectors).cpu().numpy()
        sorted_texts = [different[place] for place in order]
        place_of = {text: place for place, text in enumerate(sorted_texts, start=1)}
        return TextVectors(
            texts=np.array([0 if text is None else place_of[text] for text in texts], dtype=np.int64),
            starts=starts,
            tokens=tokens,
            sentences=sentences,
            hashes=_hashes(sorted_texts),
        )

    def words(self, texts: Collection[str | None]) -> PieceWords:
        """Join the pieces of words.

        Parameters
        ----------
        texts : collection of str or None, length B

        Returns
        -------
        PieceWords
        """
        self._ensure()
        words: list[str] = []
        n_words, word_of_token = [], []
        for text in texts:
            n_before, previous = len(words), None
            if text is not None:
                encoded = self._tokenize([text], return_offsets_mapping=True)
                parts = zip(encoded.word_ids(0), encoded["offset_mapping"][0], encoded.tokens(0), strict=True)
                for word, (first, last), token in parts:
                    if word is None:
                        words.append(token)
                    elif word == previous:
                        words[-1] += self._cased(text)[first:last]
                    else:
                        words.append(self._cased(text)[first:last].strip())
                    previous = word
                    word_of_token.append(len(words) - 1)
            n_words.append(len(words) - n_before)
        return PieceWords(words, np.array(n_words, np.int64), np.array(word_of_token, np.int64))

    def _ensure(self) -> None:
        """Load the model after it was pickled."""
        if hasattr(self, "_model"):
            return
        if self._load().fingerprint() != self.fingerprint:
            raise ValueError(
                f"{self.owner}: the text encoder {self.name!r} is not the one of fit: its weights, "
                "configuration or tokenizer have changed; put the same model there, or fit again."
            )

    def _load(self) -> EncoderFolder:
        """Load tokenizer and model from the folder, and give it."""
        transformers = _import_transformers(self.owner)
        from safetensors import SafetensorError

        folder = _folder_of(self.name, owner=self.owner)
        options = {"local_files_only": True, "trust_remote_code": False}
        with _quietly(transformers):
            try:
                tokenizer = transformers.AutoTokenizer.from_pretrained(folder.path, **options)
                model, info = transformers.AutoModel.from_pretrained(
                    folder.path, dtype=torch.float32, output_loading_info=True, **options
                )
            except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
                raise ValueError(
                    f"{self.owner}: the text encoder in {folder.path} cannot be loaded: {error}"
                ) from error
        self._check_parts(tokenizer, model, info["missing_keys"])
        self._folder, self._tokenizer = folder, tokenizer
        self._model = model.eval().requires_grad_(requires_grad=False).to(self.device)
        return folder

    def _check_parts(self, tokenizer: Any, model: Any, missing: Sequence[str]) -> None:
        """Refuse what cannot be used."""
        lacking = [name for name in missing if not name.startswith(_UNUSED)]
        reasons = {
            "it has a decoder, too; give an encoder such as BERT": model.config.is_encoder_decoder,
            "its tokenizer is not a fast one, which says which pieces are one word": not tokenizer.is_fast,
            f"its weights lack {lacking[:3]}": bool(lacking),
        }
        for reason, holds in reasons.items():
            if holds:
                raise ValueError(f"{self.owner}: the text encoder {self.name!r} cannot be used: {reason}.")

    def _limit(self) -> int:
        """Give the most tokens that the model has places for."""
        positions = getattr(self._model.config, "max_position_embeddings", None) or _MOST_TOKENS
        return int(min(positions, self._tokenizer.model_max_length))

    def _most_tokens(self, folder: EncoderFolder) -> int:
        return int(min(folder.max_length or _MOST_TOKENS, self._limit(), _MOST_TOKENS))

    def _check_length(self) -> None:
        if self.max_length > self._limit():
            raise ValueError(
                f"{self.owner}: text_encoder=PretrainedEncoder(max_length={self.max_length}), but "
                f"{self.name!r} has places for {self._limit()} tokens; choose {self._limit()} or less."
            )

    def _check_memory(self, n_bytes: int, *, n_texts: int) -> None:
        gigabytes = n_bytes / 1e9
        if gigabytes > self.max_gigabytes:
            raise ValueError(
                f"{self.owner}: the token vectors of {n_texts} texts would take {gigabytes:.1f} GB, more "
                f"than text_encoder=PretrainedEncoder(max_gigabytes={self.max_gigabytes:g}); raise that, "
                f"lower max_length (now {self.max_length} tokens), or give fewer rows at a time to predict."
            )

    def _cased(self, text: str) -> str:
        return text.lower() if self._folder.is_lower_case else text

    def _tokenize(self, texts: Sequence[str], **options: Any) -> Any:
        cased = [self._cased(text) for text in texts]
        return self._tokenizer(
            cased, truncation=True, max_length=self.max_length, return_attention_mask=False, **options
        )

    def _token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        ids: list[list[int]] = []
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            ids.extend(self._tokenize(texts[start : start + _TEXTS_AT_ONCE])["input_ids"])
        return ids

    @torch.inference_mode()
    def _vectors(self, ids: list[list[int]]) -> torch.Tensor:
        """Compute the vectors of texts of equally many tokens; (B, L, d)."""
        given = torch.tensor(ids, device=self.device)
        vectors: torch.Tensor = self._model(
            input_ids=given, attention_mask=torch.ones_like(given)
        ).last_hidden_state
        return vectors

    def _pooled(self, vectors: torch.Tensor) -> torch.Tensor:
        """Make one vector of each text; (B, L, d) to (B, d)."""
        pooled = vectors[:, 0] if self._folder.pooling == "cls" else vectors.mean(1)
        return functional.normalize(pooled, dim=1) if self._folder.is_normalised else pooled


def _blocks(n_tokens: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Cut texts, ascending by their tokens, into blocks of equally many; those without any are left out."""
    bounds = np.flatnonzero(np.diff(n_tokens, prepend=0)).tolist()
    for first, last in pairwise([*bounds, len(n_tokens)]):
        step = max(1, _TOKENS_AT_ONCE // int(n_tokens[first]))
        for start in range(first, last, step):
            yield start, min(start + step, last)


def _flat(vectors: torch.Tensor) -> NDArray[np.float16]:
    """Put the tokens of texts one after the other; (B, L, d) to (B L, d)."""
    halves: NDArray[np.float16] = vectors.clamp(-_LARGEST, _LARGEST).flatten(0, 1).half().cpu().numpy()
    return halves


def _hashes(texts: Sequence[str]) -> NDArray[np.uint64]:
    """Hash each text; that of missing ones comes first and is 0."""
    hashed = pd.util.hash_array(np.array(texts, dtype=object), categorize=False)
    return np.concatenate([np.zeros(1, dtype=np.uint64), hashed])


def _import_transformers(owner: str) -> Any:
    try:
        import transformers
    except ImportError as error:
        raise ImportError(
            f"{owner}: text_encoder needs transformers: pip install 'sklearn_mtl[text]'."
        ) from error
    return transformers


def _folder_of(name: str, *, owner: str) -> EncoderFolder:
    """Find the folder of an encoder; nothing is downloaded."""
    try:
        return EncoderFolder.read(_local_path(name))
    except FileNotFoundError as error:
        raise ValueError(
            f"{owner}: text_encoder={name!r} is no folder here, and no model of this name is in the local "
            "cache of the Hugging Face hub. Nothing is downloaded: get a model by `hf download NAME`, or "
            "give a folder that save_pretrained of transformers, or save of sentence-transformers, wrote."
        ) from error
    except ValueError as error:
        raise ValueError(f"{owner}: text_encoder={name!r}: {error}") from error


def _local_path(name: str) -> Path:
    if Path(name).is_dir():
        return Path(name)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except HFValidationError as error:  # a path, which is no name
        raise FileNotFoundError(name) from error


@contextmanager
def _quietly(transformers: Any) -> Iterator[None]:
    """Load without bars, notices, or a draw from torch's generator; restore what was set."""
    logging = transformers.utils.logging
    verbosity, has_bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        logging.set_verbosity(verbosity)
        if has_bar:
            logging.enable_progress_bar()
