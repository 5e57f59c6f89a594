"""Blind votes between two answers: ballots, votes kept in the run, what they say, and the pairs they leave."""
