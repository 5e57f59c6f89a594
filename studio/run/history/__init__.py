"""What is known of all runs: summaries, a person's notes on them, where each came from, deleting one."""
