"""How digests leave: the channels, their retry policy and the journal of what went out.

Not the queue (`digest.store.outbox`) and not the loop over it (`digest.outbox`).
"""
