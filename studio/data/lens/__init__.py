"""The bias lens: how rows speak of named groups."""
