"""Places that announce papers: each kind fetched politely, read without trust, judged honestly."""
