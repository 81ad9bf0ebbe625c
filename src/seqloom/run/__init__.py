"""Runs: a recipe and a corpus become a run folder (`train.py`); a run folder becomes a model that works (`load.py`)."""
