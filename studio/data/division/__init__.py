"""Which rows are trained on, which held out, and which sets are mixed."""
