"""Tools an agent may be given: the web, a sandbox for Python, exact arithmetic, the calendar."""
