"""What takes a tokenizer or a long time to know of a recipe's rows, done apart from the page and kept."""
