"""Daily records within a span of days by volume: looked through in an index, or read whole."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

FILES = Path(__file__).parents[1] / "sql" / revision

#: In the order they run.
STEPS: tuple[str, ...] = ("spans", "parts", "lists")


def upgrade() -> None:
    for name in STEPS:
        run(FILES / f"{name}.sql")


def run(file: Path) -> None:
    """Run a file as it stands: no parameters, so a percent sign or colon means itself."""
    op.get_bind().connection.dbapi_connection.execute(file.read_text("utf-8"))
