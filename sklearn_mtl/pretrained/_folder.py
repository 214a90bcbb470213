"""Folders of pretrained encoders, as transformers and sentence-transformers write them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_KNOWN_MODULES = ("Transformer", "Pooling", "Normalize")
_NOT_HASHED = (".md", ".gitattributes", ".h5", ".onnx", ".msgpack", ".ot", ".lock", ".metadata")
_BYTES_AT_ONCE = 2**20


@dataclass(frozen=True)
class EncoderFolder:
    """Where an encoder is, and how it makes one vector of a text.

    Attributes
    ----------
    path : Path
        The folder with the weights, the configuration and the tokenizer.
    pooling : {"mean", "cls"}
        The mean over the vectors of all tokens, or the first one.
    is_normalised : bool
        Vectors of whole texts are brought to a norm of 1.
    is_lower_case : bool
        Texts are brought to lower case before they are cut into tokens.
    max_length : int or None
        Most tokens of a text that the encoder was made for, where the folder says so.
    """

    path: Path
    pooling: str = "mean"
    is_normalised: bool = False
    is_lower_case: bool = False
    max_length: int | None = None

    @classmethod
    def read(cls, folder: Path) -> EncoderFolder:
        """Read a folder of either library.

        Parameters
        ----------
        folder : Path
            There must be a ``modules.json`` in it, as sentence-transformers writes it, or a ``config.json``.

        Returns
        -------
        EncoderFolder

        Raises
        ------
        ValueError
            There is neither, or a part that is not known.
        """
        if not (folder / "modules.json").exists():
            if not (folder / "config.json").exists():
                raise ValueError(
                    f"the folder {folder} has neither config.json nor modules.json; give one that "
                    "save_pretrained of transformers, or save of sentence-transformers, has written."
                )
            return cls(folder)
        modules = {
            _kind(module["type"]): folder / module["path"] for module in _json(folder / "modules.json")
        }
        unknown = [kind for kind in modules if kind not in _KNOWN_MODULES]
        if unknown or "Transformer" not in modules:
            raise ValueError(
                f"the folder {folder} has the modules {list(modules)}; only {list(_KNOWN_MODULES)} are known."
            )
        path = modules["Transformer"]
        options = _json(path / "sentence_bert_config.json")
        return cls(
            path,
            pooling=_pooling(modules["Pooling"]) if "Pooling" in modules else "mean",
            is_normalised="Normalize" in modules,
            is_lower_case=bool(options.get("do_lower_case", False)),
            max_length=options.get("max_seq_length"),
        )

    def fingerprint(self) -> str:
        """Hash all that vectors depend on: weights, configuration and tokenizer.

        Returns
        -------
        str
            SHA-256, in hexadecimal.
        """
        digest = hashlib.sha256(f"{self.pooling} {self.is_normalised} {self.is_lower_case}".encode())
        for path in sorted(self.path.iterdir()):
            if path.is_dir() or path.name.endswith(_NOT_HASHED):
                continue
            digest.update(path.name.encode())
            with path.open("rb") as file:
                while block := file.read(_BYTES_AT_ONCE):
                    digest.update(block)
        return digest.hexdigest()


def _kind(name: str) -> str:
    return name.rpartition(".")[2]


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _pooling(folder: Path) -> str:
    """Read how tokens are pooled: a switch for each way in older versions, ``pooling_mode`` in newer ones."""
    options = _json(folder / "config.json")
    older = {"cls_token": "cls", "mean_tokens": "mean"}
    chosen = [name.removeprefix("pooling_mode_") for name, is_on in options.items() if is_on is True]
    given = options.get(
        "pooling_mode", [older.get(name, name) for name in chosen if name != "include_prompt"]
    )
    modes = [given] if isinstance(given, str) else list(given)
    if modes not in (["mean"], ["cls"]):
        raise ValueError(f"the folder {folder} pools tokens by {modes}; only 'mean' and 'cls' are known.")
    return str(modes[0])
