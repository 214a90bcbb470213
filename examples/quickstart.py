"""
Three half-labelled targets, one model
======================================

How were 17,472 films received? Nearly all have a critics' meter, four in ten a Metacritic score, one in six a
known box office. One multi-task model learns from every label that is there; the usual way is one model per
task, each on the films that have its label.
"""

# sphinx_gallery_thumbnail_path = '_static/quickstart.png'
from time import perf_counter

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from sklearn_mtl import MultiTaskAttentionRegressor
from sklearn_mtl.datasets import load_movies
from sklearn_mtl.metrics import multitask_score

# %%
# Year, runtime, flags for genres, and categories with up to thousands of levels, many of them missing. All of
# it was settled before the first review: what came later (numbers of reviews, awards) would give the targets
# away and is not among the inputs.
X, y = load_movies(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=0)

# %%
# One model for all tasks takes both tables as they are.
start = perf_counter()
model = MultiTaskAttentionRegressor(random_state=0, verbose=1).fit(X_train, y_train)
scores = {"one for all": multitask_score(y_test, model.predict(X_test), metric="r2", average=None)}
seconds = {"one for all": perf_counter() - start}

# %%
# It takes texts as well: title and cast.
films, _ = load_movies(texts=True, return_X_y=True)
films_train, films_test = films.loc[X_train.index], films.loc[X_test.index]
start = perf_counter()
reader = MultiTaskAttentionRegressor(random_state=0, verbose=1).fit(films_train, y_train)
predicted = reader.predict(films_test)
scores["with texts"] = multitask_score(y_test, predicted, metric="r2", average=None)
seconds["with texts"] = perf_counter() - start

# %%
# One model per task needs its inputs prepared and sees only the films that have its label.
categories = make_column_selector(dtype_include="category")
per_task = {
    "forests": make_pipeline(
        make_column_transformer(
            (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), categories),
            remainder="passthrough",
        ),
        RandomForestRegressor(random_state=0),
    ),
    "ridges": make_pipeline(
        make_column_transformer(
            (OneHotEncoder(min_frequency=2, handle_unknown="infrequent_if_exist"), categories),
            remainder=make_pipeline(SimpleImputer(), StandardScaler()),
        ),
        RidgeCV(),
    ),
}
for name, alone in per_task.items():
    start = perf_counter()
    scores[name] = {}
    for task in y:
        train, test = y_train[task].dropna(), y_test[task].dropna()
        print(f"{name}: {task} from {len(train)} films")
        alone.fit(X_train.loc[train.index], train)
        scores[name][task] = r2_score(test, alone.predict(X_test.loc[test.index]))
    seconds[name] = perf_counter() - start

table = pd.DataFrame(scores).loc[y.columns].map("{:.3f}".format)
table.insert(0, "labelled", y_train.count().map("{:,}".format))
table.loc["seconds"] = pd.Series(seconds).map("{:.0f}".format)
print("\nR² on the same held-out films\n", table.fillna("").to_string(), sep="\n")

# %%
# Which columns does each task attend to? 1 is the share that every column gets if none is preferred.
attention = model.feature_attention_.T * X.shape[1]  # (C, T)
attention = attention.loc[attention.max(axis="columns").sort_values().index]

figure, ax = plt.subplots(figsize=(7, 8), layout="constrained")
ax.axvline(1, color="0.7", linewidth=1)
ax.hlines(
    attention.index, attention.min(axis="columns"), attention.max(axis="columns"), color="0.85", linewidth=3
)
for task in attention:
    ax.plot(attention[task], attention.index, "o", label=task)
ax.set(title="Which columns each task attends to", xlabel="attention, 1 = as much as every other column")
ax.legend(loc="lower right")
figure.savefig("quickstart.png", dpi=150)
print("\nWhich columns each task attends to: quickstart.png")
