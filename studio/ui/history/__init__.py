"""The History tab: all runs in a table, their curves over one another, where each came from."""
