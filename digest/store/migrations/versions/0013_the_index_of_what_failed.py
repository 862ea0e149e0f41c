"""the index of what failed

SQLite builds a list of `IN` anew for every row that is claimed or settled, to see whether it
belongs into the index: half of what settling costs. Alternatives cost next to nothing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None

_FAILED = "state = 'refused' OR state = 'uncertain' OR state = 'expired' OR state = 'cancelled'"


def upgrade() -> None:
    with op.batch_alter_table('delivery', schema=None) as batch_op:
        batch_op.drop_index('ix_delivery_failed')
        batch_op.create_index('ix_delivery_failed', ['state', 'id'], unique=False, sqlite_where=sa.text(_FAILED), postgresql_where=sa.text(_FAILED))
