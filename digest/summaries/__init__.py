"""Summaries: one TL;DR a paper, shared by all its readers; the list of files is the story.

    extract     the abstract's own most telling sentence; no model, no network
    endpoint    an OpenAI-compatible chat service, asked for one answer
    writing     what such a service is told, and what of its answer may be shown
    rounds      papers without a summary | make them, within budget and deadline | keep them

Nothing here holds up a digest: what is not made by the time a digest is drawn is not in it.
"""
