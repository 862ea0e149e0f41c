"""what was sent is written once"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    key_alone = {'sqlite_with_rowid': False}
    with op.batch_alter_table('sent', schema=None, table_kwargs=key_alone) as batch_op:
        batch_op.drop_index(batch_op.f('ix_sent_digest_id'))
        batch_op.drop_constraint(batch_op.f('fk_sent_paper_id_paper'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('fk_sent_digest_id_digest'), type_='foreignkey')
