"""Threads as files: written whole as JSON, or as Markdown to be read; and taken in again."""

from __future__ import annotations
