"""The scheduler: an alarm clock in UTC that asks "what is due?" and keeps no state of its own.

    alarm | rounds: read | compose | clean | watch        worker: drain

Everything it goes by is in the database: when each source was last asked, who is due, what waits in
the outbox. A missed tick, a restart, a second scheduler, a suspended machine or a stepped clock
therefore cost nothing but a look; guarantee 2 is kept by the stores, not here.
"""
