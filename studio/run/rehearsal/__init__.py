"""The dress rehearsal: two real steps of a recipe on the longest rows, in a process like the run's own."""
