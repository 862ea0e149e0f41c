"""operators, and an index of what failed"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('operator',
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('password_hash', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('signed_in_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_operator'))
    )
    op.create_table('operator_session',
    sa.Column('key_hash', sa.String(), nullable=False),
    sa.Column('operator', sa.String(), nullable=False),
    sa.Column('password_mark', sa.String(), nullable=False),
    sa.Column('began_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('key_hash', name=op.f('pk_operator_session'))
    )
    with op.batch_alter_table('operator_session', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_operator_session_expires_at'), ['expires_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_operator_session_operator'), ['operator'], unique=False)

    with op.batch_alter_table('delivery', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_delivery_settled_at'))
        batch_op.create_index('ix_delivery_failed', ['state', 'id'], unique=False, sqlite_where=sa.text("state IN ('refused', 'uncertain', 'expired', 'cancelled')"), postgresql_where=sa.text("state IN ('refused', 'uncertain', 'expired', 'cancelled')"))
        batch_op.create_index('ix_delivery_settled', ['settled_at', 'state'], unique=False, sqlite_where=sa.text('settled_at IS NOT NULL'), postgresql_where=sa.text('settled_at IS NOT NULL'))

