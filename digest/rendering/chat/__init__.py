"""Chat: a digest as the posts of one channel, drawn from the view that the mail is drawn from.

    Post (view, digest, links) | units | pack -> bodies, one a post

Pure functions of the post, so a retry draws the same parts. What a channel's members could do harm
with is left out: no unsubscribe link, no link to somebody's preferences. How posts leave is for
`digest.delivery`.
"""
