"""Decisions: pure, synchronous functions and small state objects.

Nothing here performs I/O, reads a clock, draws a random number, or logs; time and chance arrive as arguments.
The import contracts in `pyproject.toml` hold this package to it.
"""
