"""How good answers are. To add a metric, write its function and put it in the tuple of `registry.py`."""
