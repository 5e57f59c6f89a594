"""What is wrong with examples."""
