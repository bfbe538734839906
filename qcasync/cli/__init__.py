"""The command line: a thin face over the public API and the simulator. Needs the extra `cli`.

Results go to stdout, messages to stderr. A terminal gets tables and progress, everything else JSON lines. One file per
command; `app` puts them together, `__main__` turns errors into sentences and exit codes. Nothing in here knows more of
qcasync than what `import qcasync` shows.
"""
