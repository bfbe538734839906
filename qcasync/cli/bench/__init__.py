"""Benchmarks that anyone can run, on seeded payloads or on their own. What they measure is in `docs/performance.md`.

Measuring (`payloads`, `contenders`, `timing`, `memory`, `stall`, `measuring`) knows nothing of terminals; `report` and
`picture` show what was measured; `command` is the command line. Libraries to compare with are imported on first use,
and left out where they are not installed.
"""
