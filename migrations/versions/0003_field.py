"""The field: facilities, completions, production, permits, incidents, documents."""

from __future__ import annotations

from pathlib import Path

from alembic import context, op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

FILES = Path(__file__).parents[1] / "sql" / revision

#: In the order they run.
STEPS: tuple[str, ...] = (
    *("places", "assets", "production", "welltests", "tanks", "papers", "compliance", "upkeep"),
    *("rules", "production_rules", "tank_rules", "paper_rules"),
)
RIGHTS = ("rights",)


def upgrade() -> None:
    tier = context.config.attributes["tier"].value
    storage = () if tier == "plain" else ("production_timescale",)
    for name in (*STEPS, *storage, *RIGHTS):
        run(FILES / f"{name}.sql")


def run(file: Path) -> None:
    """Run a file as it stands: no parameters, so a percent sign or colon means itself."""
    op.get_bind().connection.dbapi_connection.execute(file.read_text("utf-8"))
