"""The one shape in which every loader hands out its table."""

from __future__ import annotations

import pandas as pd
from sklearn.utils import Bunch


def make_bunch(inputs: pd.DataFrame, targets: pd.DataFrame, *, description: str) -> Bunch:
    """Give a table the fields of scikit-learn's own data sets."""
    return Bunch(
        data=inputs,
        target=targets,
        frame=pd.concat([inputs, targets], axis="columns"),
        feature_names=list(inputs.columns),
        target_names=list(targets.columns),
        DESCR=description,
    )
