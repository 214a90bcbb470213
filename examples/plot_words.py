"""
Which words of a text does a task attend to?
============================================

Texts are columns like any other. Each task has an attention of its own to their words, whatever the script.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklearn_mtl import MultiTaskAttentionClassifier, TextColumns
from sklearn_mtl.inspection import WordAttentionDisplay

# %%
# Notes from a ward, some in English and some in Chinese: two complaints each, and what was said beside. Two
# outcomes, each of which depends on one complaint.
rng = np.random.default_rng(0)
n = 400
complaints = {
    "english": ["chest pain", "a high fever", "a dry cough", "dizziness", "abdominal pain", "weakness"],
    "chinese": ["胸痛", "发热", "咳嗽", "头晕", "腹痛", "乏力"],
}
remarks = {
    "english": ["since three days", "for a week", "worse at night", "after a walk", "never before"],
    "chinese": ["三天", "一周", "夜间加重", "活动后", "无既往史"],
}
templates = {"english": "The patient has {} {}, and {} {}.", "chinese": "患者{}{}、{}{}。"}
said = np.array([rng.choice(6, 2, replace=False) for _ in range(n)])
beside = rng.integers(0, 5, size=(n, 2))


def notes(language):
    """Write a note for each patient."""
    what, how = np.array(complaints[language])[said], np.array(remarks[language])[beside]
    parts = np.stack([what[:, 0], how[:, 0], what[:, 1], how[:, 1]], axis=1)
    return [templates[language].format(*of_note) for of_note in parts]


X = pd.DataFrame({language: notes(language) for language in templates})
Y = pd.DataFrame({"heart": (said == 0).any(axis=1), "lungs": (said == 2).any(axis=1)})
print(X.head(3))

# %%
# Words of English, and characters of Chinese one by one and in pairs; the script says which. One model for
# each language.
models = {
    language: MultiTaskAttentionClassifier(
        preset="fast", n_trees=0, linear_view=False, text=TextColumns(columns=[language]), random_state=0
    ).fit(X[[language]], Y)
    for language in X
}
print(pd.DataFrame({language: model.oof_task_scores_ for language, model in models.items()}).round(3))

# %%
# A note as it is written, shaded by where each task looks: by an attention of its own, beside one that all
# tasks share. In a notebook, a display shows itself as HTML; ``plot`` draws it.
row = int(np.flatnonzero(Y.all(axis="columns"))[0])
figure, axes = plt.subplots(2, 1, figsize=(8, 1.8), layout="constrained")
for ax, task in zip(axes, Y, strict=True):
    WordAttentionDisplay.from_estimator(models["english"], X[["english"]], row=row, task=task).plot(ax)

# %%
# The same in Chinese. Characters one by one and in pairs overlap: each gives its weight to what it covers.
WordAttentionDisplay.from_estimator(models["chinese"], X[["chinese"]], row=row, task="heart")

# %%
WordAttentionDisplay.from_estimator(models["chinese"], X[["chinese"]], row=row, task="lungs")

# %%
plt.show()
