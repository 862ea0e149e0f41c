"""what a digest told is one row

It was a row for each of its papers. Rows are packed some subscribers at a time, so that no sorting
grows with their number. Of a digest that was purged since, the last of its papers' fetches stands
for the end of its window: what is looked for was brought no later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None

_AT_ONCE = 200  # subscribers
_BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
_PACK = """
    INSERT INTO sent (subscriber_id, fetch_upto, digest_id, papers)
    SELECT told.subscriber_id,
           max(coalesce(digest.fetch_upto, paper.fetch_id, 0)),
           coalesce(told.digest_id, 0),
           {join}(CASE told.version
               WHEN 1 THEN CAST(told.paper_id AS TEXT)
               ELSE CAST(told.paper_id AS TEXT) || ',v' || CAST(told.version AS TEXT)
           END, ',')
    FROM sent_before AS told
    LEFT JOIN digest ON digest.id = told.digest_id
    LEFT JOIN paper ON paper.id = told.paper_id
    WHERE told.subscriber_id > :after AND told.subscriber_id <= :upto
    GROUP BY told.subscriber_id, coalesce(told.digest_id, 0)
"""


def upgrade() -> None:
    connection = op.get_bind()
    join = 'group_concat'
    if connection.dialect.name == 'postgresql':
        join = 'string_agg'
        op.execute('ALTER TABLE sent RENAME CONSTRAINT pk_sent TO pk_sent_before')
        op.execute('ALTER TABLE sent RENAME CONSTRAINT fk_sent_subscriber_id_subscriber TO fk_sent_before')
    op.rename_table('sent', 'sent_before')
    op.create_table('sent',
    sa.Column('subscriber_id', _BIG, nullable=False),
    sa.Column('fetch_upto', _BIG, nullable=False),
    sa.Column('digest_id', _BIG, nullable=False),
    sa.Column('papers', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['subscriber_id'], ['subscriber.id'], name=op.f('fk_sent_subscriber_id_subscriber'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('subscriber_id', 'fetch_upto', 'digest_id', name=op.f('pk_sent')),
    sqlite_with_rowid=False
    )
    op.create_table('sent_paper',
    sa.Column('paper_id', _BIG, autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('paper_id', name=op.f('pk_sent_paper'))
    )
    last = connection.scalar(sa.text('SELECT max(subscriber_id) FROM sent_before')) or 0
    for after in range(0, last, _AT_ONCE):
        connection.execute(sa.text(_PACK.format(join=join)), {'after': after, 'upto': after + _AT_ONCE})
    connection.execute(sa.text(
        'INSERT INTO sent_paper (paper_id)'
        ' SELECT DISTINCT paper_id FROM sent_before'
    ))
    op.drop_table('sent_before')
