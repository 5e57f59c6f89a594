"""Trying several settings, each a run of its own, and keeping the best."""
