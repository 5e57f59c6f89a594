"""The Search tab: several settings tried as runs, and what came of them."""
