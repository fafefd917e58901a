"""What the engine costs, next to the least that the same rows could cost: ``make bench``."""
