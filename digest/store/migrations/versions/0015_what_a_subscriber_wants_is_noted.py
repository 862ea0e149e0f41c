"""what a subscriber wants is noted

The notes are written by `digest.store.interests`; here is what strikes them out. A later revision
that makes `subscriber`, `interest` or `example` anew on SQLite drops these triggers first, and
makes them again. On PostgreSQL they hold the subscriber whether there is a note or not: else one could be
written meanwhile from what is no longer so.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None

STRIKE_OUT = 'UPDATE subscriber SET wants = NULL WHERE wants IS NOT NULL AND id IN'
HOLD = 'PERFORM 1 FROM subscriber WHERE id IN {whose} FOR NO KEY UPDATE;'
OF_INTEREST = '({row}.subscriber_id)'
OF_EXAMPLE = '(SELECT subscriber_id FROM interest WHERE id = {row}.interest_id)'
#: table, what happens to its rows, the row that knows whose note it is
EVENTS = [
    ('interest', 'INSERT', 'NEW'),
    ('interest', 'UPDATE', 'NEW'),
    ('interest', 'DELETE', 'OLD'),
    ('example', 'INSERT', 'NEW'),
    ('example', 'DELETE', 'OLD'),
]


def upgrade() -> None:
    with op.batch_alter_table('subscriber', schema=None) as batch_op:
        batch_op.add_column(sa.Column('wants', sa.String(), nullable=True))
    on_sqlite = op.get_bind().dialect.name == 'sqlite'
    for table, event, row in EVENTS:
        whose = (OF_INTEREST if table == 'interest' else OF_EXAMPLE).format(row=row)
        name, strike_out = f'{table}_{event.lower()}_strikes_out', f'{STRIKE_OUT} {whose};'
        if on_sqlite:
            op.execute(
                f'CREATE TRIGGER {name} AFTER {event} ON {table} BEGIN {strike_out} END'
            )
        else:
            op.execute(
                f'CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS '
                f'$$ BEGIN {HOLD.format(whose=whose)} {strike_out} RETURN NULL; END $$'
            )
            op.execute(
                f'CREATE TRIGGER {name} AFTER {event} ON {table} '
                f'FOR EACH ROW EXECUTE FUNCTION {name}()'
            )
