"""
How sure is a prediction?
=========================

Intervals from out-of-fold errors hold a label of a new row as often as they say, and are wider where
predictions are worse.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklearn_mtl import MultiTaskAttentionEstimator

# %%
# One column decides, and the noise grows with it. Beside a number there are three classes.
rng = np.random.default_rng(0)
X = pd.DataFrame({"x": rng.uniform(-3, 3, 3000), "z": rng.normal(size=3000)})
noise = 0.1 + 0.3 * np.clip(X["x"], 0, None)
size = np.sin(X["x"]) + noise * rng.normal(size=3000)
kind = pd.cut(X["x"] + rng.normal(size=3000), [-9, -1, 1, 9], labels=["low", "middle", "high"])
Y = pd.DataFrame({"size": size, "kind": kind})
model = MultiTaskAttentionEstimator(preset="fast", random_state=0).fit(X[:600], Y[:600])

# %%
# 90 % intervals of the 2,400 rows that were left out, and how many of them hold their label.
bounds, new = model.predict_interval(X[600:], coverage=0.9)["size"], Y[600:]
inside = new["size"].between(bounds["lower"], bounds["upper"])
print(f"inside: {inside.mean():.3f}")

order = X.loc[600:, "x"].sort_values().index
figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.fill_between(X.loc[order, "x"], *bounds.loc[order].to_numpy().T, alpha=0.3, label="90 % interval")
ax.plot(X.loc[order, "x"], model.predict(X.loc[order])["size"], label="prediction")
ax.scatter(X.loc[600:, "x"], new["size"], s=2, color="0.4", label="new labels")
ax.set(xlabel="x", ylabel="size")
ax.legend(frameon=False)

# %%
# Of classes there are sets: one class where it is clear, several where it is not.
sets = pd.DataFrame(model.predict_set(X[600:], coverage=0.9)["kind"], columns=model.classes_["kind"])
held = sets.to_numpy()[np.arange(2400), pd.Index(sets.columns).get_indexer(new["kind"])]
print(f"in the set: {held.mean():.3f}")
print(sets.sum(axis="columns").value_counts().rename("rows").rename_axis("classes in the set"))
plt.show()
