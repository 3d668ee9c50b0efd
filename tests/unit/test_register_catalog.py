"""What the register says of each table, and who may do what with it."""

from __future__ import annotations

import pytest

from hub.permissions import LETTERS, MATRIX, ROLES, allowed, verbs
from hub.register.catalog import AUTOMATIC, RESOURCES, groups, resource
from hub.register.errors import Missing
from hub.register.positions import read_position
from hub.register.query import UNSORTED
from hub.register.said import POSITION
from hub.register.sentences import rules, spoken

CORE = (
    *("organizations", "users", "leases", "wells", "equipment", "production_records"),
    *("well_tests", "partners", "lease_partners", "jib_statements", "compliance_reports"),
    *("documents", "maintenance_records", "incidents", "alerts", "permits", "tax_records"),
    *("expenses", "revenue_distributions", "bank_accounts", "forecasts", "benchmarks"),
    "contracts",
)
EVERY = list(RESOURCES)
FIELDS = [(table, name) for table in EVERY for name in RESOURCES[table].fields]


@pytest.mark.parametrize("name", CORE)
def test_every_table_of_the_trade_is_served(name: str) -> None:
    served = resource(name)
    assert any(served in tables for tables in groups().values())


def test_a_table_that_is_none_or_not_served_is_missing() -> None:
    for name in ("wellz", "sessions", "ingest_batches", "audit_log", "pg_class"):
        with pytest.raises(Missing, match="no table"):
            resource(name)


@pytest.mark.parametrize("name", EVERY)
def test_a_table_says_what_it_is_and_lists_what_it_has(name: str) -> None:
    served = resource(name)
    assert served.help.endswith(".")
    assert served.singular
    for field in (*served.listed, *served.searched, *served.facets, served.title):
        assert field in served.fields
    assert served.fields[served.order.removeprefix("-")].kind not in UNSORTED


def test_every_field_has_a_label_and_a_sentence() -> None:
    silent = [f"{table}.{name}" for table, name in FIELDS if not RESOURCES[table].fields[name].help]
    assert not silent
    assert all(RESOURCES[table].fields[name].label for table, name in FIELDS)


def test_every_number_with_decimals_says_its_unit() -> None:
    """Money, volumes, shares, quotients: a figure without a unit is read in the wrong one."""
    bare = [
        f"{table}.{name}"
        for table, name in FIELDS
        if RESOURCES[table].fields[name].kind in {"decimal", "double"}
        and not RESOURCES[table].fields[name].unit
    ]
    assert not bare


def test_a_position_is_kept_by_one_rule_in_every_table() -> None:
    pairs = [(t, n) for t, n in FIELDS if n in {"lat", "lon", "bottom_lat", "bottom_lon"}]
    assert {table for table, _ in pairs} == {"wells", "facilities", "incidents", "incident_events"}
    told = set()
    for table, name in pairs:
        one = RESOURCES[table].fields[name]
        assert (one.unit, one.precision, one.scale) == ("deg", 9, 6)
        spoken = [rule.sentence for rule in rules(table).values() if name in rule.fields]
        assert len(spoken) == 1, f"{table}.{name}"
        told.add(spoken[0].replace("Bottom latitude", "Latitude").replace("bottom ", ""))
    assert told == {POSITION}


@pytest.mark.parametrize(
    ("lat", "lon", "wrong"),
    [
        ("31.4211", "-103.512", ""),
        ("", " ", ""),
        ("91", "0", "lat"),
        ("0", "-180.1", "lon"),
        ("31", "", "lon"),
        ("", "7", "lat"),
        ("31.12345678", "0", "lat"),
        ("north", "0", "lat"),
    ],
)
def test_a_position_is_read_by_one_rule(lat: str, lon: str, wrong: str) -> None:
    found, faults = read_position(lat, lon)
    assert "".join(faults) == wrong
    assert (found == (None, None)) == (bool(wrong) or not lat)


def test_what_the_product_keeps_is_offered_by_no_form() -> None:
    for table, name in FIELDS:
        field = RESOURCES[table].fields[name]
        if name in AUTOMATIC or (name == "revision" and table == "production_records"):
            assert not field.editable, f"{table}.{name}"
            assert not field.settable_on_create, f"{table}.{name}"


def test_references_lead_to_tables_that_are_served() -> None:
    assert resource("wells").fields["lease_id"].reference == "leases"
    assert resource("wells").fields["updated_by"].reference == "users"
    assert resource("expenses").fields["vendor_id"].reference == "partners"
    for table, name in FIELDS:
        reference = RESOURCES[table].fields[name].reference
        assert reference is None or reference in RESOURCES, f"{table}.{name}"


def test_secrets_are_sealed_and_never_listed() -> None:
    sealed = {(t, n) for t, n in FIELDS if RESOURCES[t].fields[n].sealed}
    assert ("bank_accounts", "account_enc") in sealed
    assert ("partners", "tax_id_enc") in sealed
    for table, name in sealed:
        served = RESOURCES[table]
        assert name not in served.listed
        assert name not in [field.name for field in served.readable]


# --------------------------------------------------------------------------------------- matrix


def test_every_served_table_has_its_line_in_the_matrix_and_no_other() -> None:
    assert set(MATRIX) == set(RESOURCES)


@pytest.mark.parametrize("name", sorted(MATRIX))
def test_a_line_of_the_matrix_is_sound(name: str) -> None:
    for role in ROLES:
        letters = MATRIX[name][role]
        assert set(letters) <= set(LETTERS), f"{name} {role}"
        assert len(set(letters)) == len(letters)
        assert not letters or "s" in letters, f"{role} may act on {name} but not see it"
    assert "s" in MATRIX[name]["owner"]


def test_the_matrix_says_what_each_role_is_for() -> None:
    assert allowed("owner", "bank_accounts", "reveal")
    assert allowed("accountant", "bank_accounts", "reveal")
    for role in ("manager", "pumper", "viewer"):
        assert not verbs(role, "bank_accounts")
    for table in RESOURCES:
        assert verbs("viewer", table) <= {"see", "export"}
        assert "export" not in verbs("pumper", table)
    pumped = [t for t in RESOURCES if resource(t).group == "Finance" and verbs("pumper", t)]
    assert set(pumped) <= {"contracts", "contract_leases"}
    assert verbs("pumper", "production_records") == {"see", "add", "edit", "remove"}


def test_an_unknown_role_or_table_may_do_nothing() -> None:
    assert not allowed("", "wells", "see")
    assert not allowed("admin", "wells", "see")
    assert not allowed("owner", "sessions", "see")


# ------------------------------------------------------------------------------------ sentences


@pytest.mark.parametrize("name", EVERY)
def test_every_rule_of_a_table_has_a_sentence(name: str) -> None:
    assert not [check for check, told in spoken(name).items() if not told]
    for rule, told in rules(name).items():
        assert told.sentence.endswith((".", "…")), rule
        assert ".." not in told.sentence, rule
        assert "_id" not in told.sentence, rule


def test_sentences_say_what_is_allowed() -> None:
    wells, tests = rules("wells"), rules("well_tests")
    assert wells["wells_organization_id_api14_key"].sentence == (
        "There is already a well with this API number."
    )
    assert wells["wells_tvd_within_md_check"].sentence == (
        "True vertical depth must not be more than measured depth."
    )
    assert wells["wells_md_ft_check"].sentence == "Measured depth takes 0 to 60000 ft."
    assert tests["well_tests_accepted_check"].fields[0] == "status"
