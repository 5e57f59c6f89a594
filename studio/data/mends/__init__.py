"""What can be mended in examples."""
