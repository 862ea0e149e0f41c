"""Paper Digest: each day's new research papers, and to each subscriber the few that matter."""

__version__ = "0.1.0"
