"""Logging in over HTTP: routes, cookies, other providers of identity."""
