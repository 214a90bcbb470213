"""Suite `atis`: what a sentence asks for and the slots of its words, by one model; the peers have two."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline

from benchmarks import records
from benchmarks.cases import Case, fill
from benchmarks.peers import OURS, importable
from benchmarks.records import Record
from benchmarks.tables import compare, machines, markdown
from sklearn_mtl import MultiTaskAttentionEstimator
from sklearn_mtl.metrics import tag_score

SUITE = "atis"
DATASETS = ("atis",)

_CAPTION = (
    "Accuracy of the intent, and of the slots the share of words with the right tag and the F1 of spans, as "
    "CoNLL counts them, on the 893 sentences of the test part; trained on the 4,978 of the training and "
    "development parts. Higher is better."
)
_REACH = 2  # words on each side


class _WindowTags:
    """A logistic model for each sentence and, for each word, a linear one on the words around it."""

    def fit(self, X: pd.DataFrame, y: pd.DataFrame) -> _WindowTags:
        self.intent_ = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=2000))
        self.intent_.fit(X["text"], y["intent"])
        self.slots_ = make_pipeline(
            CountVectorizer(analyzer=_named), SGDClassifier(loss="modified_huber", random_state=0)
        )
        self.slots_.fit(
            [window for text in X["text"] for window in _windows(text.split())],
            [tag for tags in y["slots"] for tag in tags],
        )
        return self

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        slots = [self.slots_.predict(_windows(text.split())).tolist() for text in X["text"]]
        return pd.DataFrame({"intent": self.intent_.predict(X["text"]), "slots": slots}, index=X.index)


def sklearn_mtl() -> Any:
    """Make ours."""
    return MultiTaskAttentionEstimator(task_types={"slots": "tagging"}, random_state=0)


def tfidf_and_windows() -> _WindowTags:
    """Make a logistic regression on TF-IDF for the intent, and a linear model on windows for the slots."""
    return _WindowTags()


METHODS: dict[str, Callable[[], Any]] = {make.__name__: make for make in (sklearn_mtl, tfidf_and_windows)}


def run(*, folder: Path, datasets: Sequence[str], methods: Sequence[str]) -> None:
    """Measure what has no record yet."""
    fill(SUITE, (case for name in datasets for case in _cases(name, folder=folder, methods=methods)))


def report() -> str:
    """Return the tables of all records, in Markdown."""
    measured = pd.DataFrame(records.read(SUITE))
    scores = measured.set_index("method")[["intent_accuracy", "slot_accuracy", "slot_span_f1"]].T
    seconds = measured.set_index("method")[["fit_seconds", "predict_seconds"]].T
    return "\n\n".join(
        [
            markdown(compare(scores, ours=OURS, ranked=False, higher_is_better=True), caption=_CAPTION),
            markdown(compare(seconds, ours=OURS, ranked=False), caption="Seconds, one thread."),
            machines(measured),
        ]
    )


def _cases(name: str, *, folder: Path, methods: Sequence[str]) -> Iterator[Case]:
    for method, make in importable(methods, METHODS).items():
        yield {"dataset": name, "method": method}, partial(_measure, make, folder)


def _measure(make: Callable[[], Any], folder: Path) -> Record:
    """Train on the training and development parts, score on the test part."""
    parts = [_read(part, folder) for part in ("train", "dev", "test")]
    X, y = (pd.concat(kind, ignore_index=True) for kind in zip(*parts[:2], strict=True))
    X_test, y_test = parts[2]
    model = make()
    start = perf_counter()
    model.fit(X, y)
    fitted = perf_counter()
    predicted = model.predict(X_test)
    return {
        "fit_seconds": fitted - start,
        "predict_seconds": perf_counter() - fitted,
        "intent_accuracy": float((predicted["intent"] == y_test["intent"]).mean()),
        "slot_accuracy": tag_score(y_test["slots"], predicted["slots"]),
        "slot_span_f1": tag_score(y_test["slots"], predicted["slots"], metric="span_f1"),
    }


def _read(part: str, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    texts, tags, intents = (
        next(folder.rglob(f"atis/{part}.{kind}")).read_text().splitlines()
        for kind in ("seq.in", "seq.out", "label")
    )
    y = pd.DataFrame({"intent": intents, "slots": [row.split() for row in tags]})
    return pd.DataFrame({"text": texts}), y


def _named(window: dict[str, str]) -> list[str]:
    return [f"{name} {value}" for name, value in window.items()]


def _windows(words: Sequence[str]) -> list[dict[str, str]]:
    """Describe each word by itself, its ends and its neighbours."""
    padded = ["<"] * _REACH + list(words) + [">"] * _REACH
    return [
        {f"word {step}": padded[place + _REACH + step] for step in range(-_REACH, _REACH + 1)}
        | {
            "suffix": word[-3:],
            "prefix": word[:3],
            "digits": "".join("0" if c.isdigit() else "x" for c in word),
        }
        | {"pair before": " ".join(padded[place + _REACH - 1 : place + _REACH + 1])}
        | {"pair after": " ".join(padded[place + _REACH : place + _REACH + 2])}
        for place, word in enumerate(words)
    ]
