"""
Which tasks help each other?
============================

What tasks have in common, and whether learning them together has paid: by one fit, which learns each task
alone, too.
"""

import matplotlib.pyplot as plt

from sklearn_mtl import MultiTaskAttentionRegressor
from sklearn_mtl.datasets import make_multitask
from sklearn_mtl.inspection import TaskAffinityDisplay, TransferDisplay, task_affinity, task_groups

# %%
# Two pairs of tasks; those of a pair are functions of the same columns, and pairs have nothing in common. Of
# one task there are forty labels, of the others four hundred.
groups = ["a", "a", "b", "b"]
table = make_multitask(400, 10, 4, groups=groups, relatedness=1, roughness=0.7, noise=0.2, random_state=0)
X, y = table.data, table.target.copy()
y.iloc[40:, 0] = float("nan")

# %%
# ``sharing="each"`` learns every task alone, too, and lets views of a task alone serve it where they are
# better.
model = MultiTaskAttentionRegressor(preset="fast", sharing="each", random_state=0).fit(X, y)
print(model.view_shares_.round(2))

# %%
# Hollow: alone; filled: together, both of rows that were not learned. The bar is the interval of the
# difference. The other pair is in the way of a task with many labels; forty are too few to tell.
TransferDisplay.from_estimator(model)

# %%
# Why? Errors that go together have causes that no column has, or that were not learned; attention overlaps
# where tasks look at the same columns; and gradients say whether tasks pull the shared layers the same way.
figure, axes = plt.subplots(1, 3, figsize=(13, 3.6), layout="constrained")
for ax, method in zip(axes, ["residuals", "attention", "gradient"], strict=True):
    TaskAffinityDisplay.from_estimator(model, X, y, method=method, ax=ax)
    ax.set_title(method)

# %%
# The truth, by which the table was drawn, and groups by what tasks look at: each could be learned by itself.
print(table.relatedness.round(2))
print(task_groups(task_affinity(model, method="attention"), n_groups=2))
plt.show()
