"""Examples as the model sees them."""
