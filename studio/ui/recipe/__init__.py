"""The Recipe tab: what should be learned, by which method and how, and what that will take."""
