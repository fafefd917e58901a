"""What a tab sees and what it costs: real sockets on a real server, ``make bench-live``."""
