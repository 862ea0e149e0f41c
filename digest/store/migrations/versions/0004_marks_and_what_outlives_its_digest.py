"""marks, and what was sent outlives its digest"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('mark',
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('detail', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_mark'))
    )
    with op.batch_alter_table('sent', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_sent_digest_id_digest'), type_='foreignkey')
        batch_op.alter_column('digest_id',
               existing_type=sa.BigInteger().with_variant(sa.Integer(), 'sqlite'),
               nullable=True)
        batch_op.create_foreign_key(batch_op.f('fk_sent_digest_id_digest'), 'digest', ['digest_id'], ['id'], ondelete='SET NULL')
