"""Which tables stand outside organizations, and why; every other table carries organization_id."""

from __future__ import annotations

#: Tables without organization_id of their own, or where it may be empty.
OUTSIDE_ORGANIZATIONS = {
    "organizations": "the tenant itself; its id is what the others carry",
    "users": "people work for several operators; an operator sees its own through memberships",
    "sessions": "belongs to a person; reached only through functions that answer for one cookie",
    "sign_in_failures": "counts attempts before it is known who asks",
    "quarantine": "what no known agent sent has no operator; only the rest is shown to one",
    "audit_log": "changes of the installation itself have no operator; the rest is shown to one",
    "audit_seals": "the chain of the installation's own changes has none",
    "audit_progress": "how far the sealer has come with all chains",
    "ingest_epochs": "starts of the installation's own processes",
    "provider_breakers": "how the installation's own mail server and carriers are",
    "job_runs": "due times of the installation's own jobs",
    "process_beats": "how far the installation's own processes have come",
    "installation": "facts about the database",
    "readings_state": "how far all readings are rolled up and kept",
}

#: Tables without row level security.
WITHOUT_ROW_SECURITY = {
    "readings": "TimescaleDB allows no columnstore on such a table, and COPY no such table; the"
    " console has no right on it and reads through security-barrier views",
    "alembic_version": "the migrations' own; one word, for everybody to read",
}
