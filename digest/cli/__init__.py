"""The command line: one small module a noun, and `main` around them all.

    arguments | command | story | result on stdout        progress, notes and faults on stderr

Exit codes: 0 done; 1 a fault of ours or of the set-up; 2 wrong usage or configuration; 3 done, but
a source, a digest, a delivery or a line of an import failed. Start-up stays fast because commands
import what is heavy (database, templates, models) when they run.
"""

from digest.cli.entry import main

__all__ = ["main"]
