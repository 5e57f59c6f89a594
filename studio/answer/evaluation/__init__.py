"""Evaluations: rows answered by base, tuned model and others, and judged. Each is a folder, done by a child."""
