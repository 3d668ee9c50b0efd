"""Indexes of the daily records, imports on their way, what an owner is still due."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

FILES = Path(__file__).parents[1] / "sql" / revision

#: In the order they run.
STEPS: tuple[str, ...] = ("register", "chunks", "intake", "money")


def upgrade() -> None:
    for name in STEPS:
        run(FILES / f"{name}.sql")


def run(file: Path) -> None:
    """Run a file as it stands: no parameters, so a percent sign or colon means itself."""
    op.get_bind().connection.dbapi_connection.execute(file.read_text("utf-8"))
