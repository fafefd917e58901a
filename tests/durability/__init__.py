"""Processes that die, freeze and fight, and databases that fail: what is kept, and how often."""
