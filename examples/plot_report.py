"""
From a hospital's table to a page about it
==========================================

Fit, look inside, and write one page that can be sent and printed: data, scores, learning, attention,
calibration and coverage.
"""

from pathlib import Path
from tempfile import mkdtemp

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import sklearn_mtl
from sklearn_mtl import MultiTaskAttentionEstimator
from sklearn_mtl.inspection import CalibrationDisplay, LearningCurveDisplay

# %%
# A table as hospitals have it: numbers and categories with holes, and three outcomes that are known for some
# patients only.
rng = np.random.default_rng(0)
n = 1500
X = pd.DataFrame(
    {
        "age": rng.normal(62, 12, n).round(),
        "pressure": rng.normal(130, 20, n),
        "ward": pd.Categorical(rng.choice(["cardiology", "surgery", "intensive"], n)),
        "smoker": pd.array(rng.random(n) < 0.3, dtype="boolean"),
    }
)
risk = (X["age"] - 62) / 12 + (X["ward"] == "intensive") + 0.5 * X["smoker"].to_numpy(float)
Y = pd.DataFrame(
    {
        "days": np.exp(1 + 0.4 * risk + 0.3 * rng.normal(size=n)),
        "complication": pd.array(risk + rng.logistic(size=n) > 1.5, dtype="boolean"),
        "discharge": pd.cut(risk + rng.normal(size=n), [-9, 0, 1.5, 9], labels=["home", "care", "hospital"]),
    }
)
X = X.mask(rng.random(X.shape) < 0.05)
Y = Y.mask(rng.random(Y.shape) < [0.1, 0.4, 0.6])

# %%
# One fit for all outcomes. Lengths of stay are skewed: they are learned as logarithms.
model = MultiTaskAttentionEstimator(
    target_transform={"days": "log1p"}, calibrate=True, preset="fast", random_state=0
)
model.fit(X[:1000], Y[:1000])
print(model.tasks_)

# %%
# Did training end well? Losses of held-out rows, 1 if nothing was learned.
LearningCurveDisplay.from_estimator(model)

# %%
# Are probabilities right? Out of fold, that is on training rows, by networks that had not seen them.
CalibrationDisplay.from_estimator(model, y=Y[:1000])

# %%
# All of this, and more, on one page. It needs no network and no server.
path = sklearn_mtl.report(model, X[1000:], Y[1000:], path=Path(mkdtemp()) / "report.html")
print(f"{path.name}: {path.stat().st_size / 1024:.0f} KB")
plt.show()
