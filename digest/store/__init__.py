"""The store: rows, transactions and migrations; the only room that speaks SQL."""

# Every module here takes its tables from SQLModel's metadata, which knows them once this has run,
# whatever is imported first.
from digest.store import tables as tables
