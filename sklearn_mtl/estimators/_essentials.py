"""What a fit has to say of itself: notes, and a few lines for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

from ..metrics import METRICS

_FEW_LABELS = 50
_FEW_OF_A_CLASS = 10
_MOST_NAMED = 6
_MOST_TASKS = 10  # whose scores are not folded away


def notes_of_fit(estimator: Any) -> Iterator[tuple[str, str]]:
    """Find what is worth a look in a fit.

    Parameters
    ----------
    estimator : estimator
        Fitted.

    Yields
    ------
    tuple of str
        What is there, and what it means.
    """
    yield from _of_labels(estimator)
    yield from _of_training(estimator)
    surprises = estimator._surprises
    for name, surprise in surprises[:_MOST_NAMED]:
        yield f"Column {name!r}", surprise
    if len(surprises) > _MOST_NAMED:
        yield f"{len(surprises) - _MOST_NAMED} more columns", "are surprising; fit with verbose=1 names them."


def _of_labels(estimator: Any) -> Iterator[tuple[str, str]]:
    tasks = estimator.tasks_
    if names := named(tasks.index[tasks["n_labelled"] < _FEW_LABELS]):
        yield (
            f"Less than {_FEW_LABELS} labels: {names}.",
            "Scores, shares and temperatures of such tasks are rough estimates.",
        )
    rare = [
        f"{name} ({scores.values.shape[0]} labels)"
        for name, scores in estimator._scores_of_classes.items()
        if len(scores.values) < _FEW_OF_A_CLASS * len(estimator._task_set.classes[name])
    ]
    if names := named(rare):
        yield (
            f"Less than {_FEW_OF_A_CLASS} labels a class: {names}.",
            "Rare classes are hardly learned; put some of them together.",
        )


def _of_training(estimator: Any) -> Iterator[tuple[str, str]]:
    if estimator.net_.was_interrupted_:
        yield "Training was interrupted.", f"Epoch {estimator.best_epoch_}, the best so far, was kept."
    elif estimator.best_epoch_ == estimator.max_epochs_:
        yield (
            "The last epoch was the best.",
            "Longer training may help: raise max_epochs, or take preset='best'.",
        )


def named(names: Iterable[Any]) -> str:
    """List some names.

    Parameters
    ----------
    names : iterable

    Returns
    -------
    str
        Six at most, and how many more there are.
    """
    names = [str(name) for name in names]
    rest = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def essentials(estimator: Any) -> str:
    """Write scores and notes of a fit for a notebook.

    Parameters
    ----------
    estimator : estimator
        Fitted.

    Returns
    -------
    str
        HTML, in the colours of what is around it.
    """
    tasks, scores = estimator.tasks_, estimator.oof_task_scores_
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(str(name))}</th><td>{task.kind}</td>"
        f"<td>{task.n_labelled:,}</td><td>{METRICS[task.kind][0]} {score:.3f}</td></tr>"
        for name, task, score in zip(tasks.index, tasks.itertuples(), scores, strict=True)
    )
    head = "<tr><th></th><th>kind</th><th>labels</th><th>score</th></tr>"
    is_open = " open" if len(tasks) <= _MOST_TASKS else ""
    notes = "".join(
        f"<li><b>{escape(what)}</b> {escape(meaning)}</li>" for what, meaning in notes_of_fit(estimator)
    )
    return (
        "<div style='color:inherit;max-width:60em;margin-top:0.5em'>"
        f"<details{is_open}><summary>Scores out of fold, mean {estimator.oof_score_:.3f}</summary>"
        f"<table>{head}{rows}</table></details>"
        + (f"<ul>{notes}</ul>" if notes else "")
        + "<p>More: <code>sklearn_mtl.report(estimator, X, y)</code> writes a page.</p></div>"
    )
