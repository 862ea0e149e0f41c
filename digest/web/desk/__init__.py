"""The operator's pages, under /desk: how the installation stands, who gets what, and what to do.

    door       signing in and out; every other page wants somebody who did
    overview | readers, person | sources | deliveries, bounces | outbox | wishes | runs | previews

In English only: they are for whoever runs the program, and speak its own words. GET changes nothing
(guarantee 6); what a button does is a story that the command line has, too.
"""
