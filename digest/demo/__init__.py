"""The demo: invented papers, the listings that announce them, and a page to look at the result.

Every text here was written for it; no paper, author, journal or laboratory in it exists. Nothing
else in the package depends on this one.
"""
