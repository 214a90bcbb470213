import os
from pathlib import Path

import pytest


@pytest.fixture
def collection() -> Path:
    """Folder of the real tables: SKLEARN_MTL_DATA, or shared/data beside the repository."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    path = Path(os.environ.get("SKLEARN_MTL_DATA", beside))
    if not path.is_dir():
        pytest.skip(f"the real tables are not in {path}; set SKLEARN_MTL_DATA to their folder")
    return path
