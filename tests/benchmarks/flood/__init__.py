"""One client against a real server, and what others feel of it."""
