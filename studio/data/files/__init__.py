"""Any file as a table."""
