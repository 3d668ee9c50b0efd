"""The spine: operators and people, wells, agents and their readings, alerts, notifications.

Only the readings differ by tier; the views in front of them are the same everywhere.
"""

from __future__ import annotations

from pathlib import Path

from alembic import context, op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

FILES = Path(__file__).parents[1] / "sql" / revision

TABLES = ("tenancy", "assets", "telemetry", "operations")
READINGS = {
    "community": ("readings_timescale", "rollups", "rollups_timescale"),
    "apache": ("readings_timescale", "rollups", "rollups_hub"),
    "plain": ("readings_plain", "rollups", "rollups_hub"),
}
RULES = ("views", "security", "functions", "retention")


def upgrade() -> None:
    tier = context.config.attributes["tier"].value
    for name in (*TABLES, *READINGS[tier], *RULES):
        run(FILES / f"{name}.sql")


def run(file: Path) -> None:
    """Run a file as it stands: no parameters, so a percent sign or colon means itself."""
    op.get_bind().connection.dbapi_connection.execute(file.read_text("utf-8"))
