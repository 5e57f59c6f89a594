"""What a recipe is checked for, by the part of it that is to change. Each rule is a function of a `Case`."""
