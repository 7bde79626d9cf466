"""The vectors of a chunk's sentences, stored when it is learned, and the digest by which its own are found again."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("chunk", sa.Column("sentences", sa.LargeBinary(), nullable=True))
    op.add_column("chunk", sa.Column("digest", sa.String(), nullable=True))
    op.create_index("ix_chunk_digest", "chunk", ["digest", "embedder"])


def downgrade() -> None:
    op.drop_index("ix_chunk_digest", "chunk")
    op.drop_column("chunk", "digest")
    op.drop_column("chunk", "sentences")
