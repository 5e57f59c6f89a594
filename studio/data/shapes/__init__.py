"""What rows are: recognised or said by hand, and made into examples."""
