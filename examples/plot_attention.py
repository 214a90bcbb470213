"""
What each task looks at, and what it depends on
===============================================

Attention comes with every fit; gradients and permutation cost a little more. On a drawn table it is known
which columns matter for which task, so all three can be compared with the truth.
"""

import matplotlib.pyplot as plt

from sklearn_mtl import MultiTaskAttentionRegressor
from sklearn_mtl.datasets import make_multitask
from sklearn_mtl.inspection import AttentionDisplay, global_importance

# %%
# Two pairs of tasks; those of a pair are functions of the same three columns out of twelve.
table = make_multitask(800, 12, 4, groups=["a", "a", "b", "b"], relatedness=1, random_state=0)
X, y = table.data, table.target
model = MultiTaskAttentionRegressor(preset="fast", random_state=0).fit(X[:600], y[:600])
print(model.oof_task_scores_.round(3))

# %%
# The mean attention of the training rows, in units of what every column gets if none is preferred.
AttentionDisplay.from_estimator(model)

# %%
# Attention says where the networks look. What the predictions depend on is another question: gradients answer
# it for the networks, permutation for the whole estimator.
methods = ["attention", "gradient", "permutation"]
measures = {
    method: global_importance(model, X[600:], y[600:], method=method, random_state=0) for method in methods
}
figure, axes = plt.subplots(1, 4, figsize=(10, 4), sharey=True, layout="constrained")
pictures = {"truth": table.relevant.astype(float)} | measures
for ax, (name, values) in zip(axes, pictures.items(), strict=True):
    ax.imshow(values.div(values.max(axis="columns"), axis="index").T, cmap="Blues", vmin=0)
    ax.set_title(name)
    ax.set_xticks(range(4), y.columns, rotation=90)
axes[0].set_yticks(range(12), X.columns)

# %%
# How many of the three columns that rank first matter to the task?
for name, values in measures.items():
    found = {
        task: int(table.relevant.loc[task, row.nlargest(3).index].sum()) for task, row in values.iterrows()
    }
    print(f"{name:12}", found)
plt.show()
