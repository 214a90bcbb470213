"""Measurements against peers; see README.md. One thread for all, unless OMP_NUM_THREADS says otherwise."""

import os

# Before numpy and torch are imported: both read it once.
os.environ.setdefault("OMP_NUM_THREADS", "1")
