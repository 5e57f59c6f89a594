"""The Compare tab: several models answer the same question side by side, and a blind vote between them."""
