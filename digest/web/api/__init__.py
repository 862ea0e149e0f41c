"""The API: what the pages do, as JSON under /api/v1, for programs.

    guards of the pages | pace | token | scope | the same stories | JSON, or a problem (RFC 9457)

An application of its own below the pages' (`application`), so that its faults are JSON and its
contract (`contract`) speaks of nothing else. It decides nothing that a page does not: whatever
changes something is a verb of `digest.subscriptions`, `digest.feedback` or `digest.operations`.

Guarantee 6 holds here too: GET and HEAD change nothing that is stored, but for the hour in which a
token was last used, which is written down after the answer has left. No cookie is read or set, so
no other site can use a visitor's browser to act here (see `digest.web.origin`).
"""
