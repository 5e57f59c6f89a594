"""Atelier: a fine-tuning studio in the browser.

Pairs become a recipe; a recipe becomes a run; a run leaves events and an adapter; everything else looks at those.
"""

__version__ = "0.1.0"
