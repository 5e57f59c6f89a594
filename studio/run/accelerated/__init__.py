"""One run done by several processes together: what they share, what only the first does, and what starts them."""
