"""What the model in training is asked on the way: a film strip of its answers, and a needle for what it forgets."""
