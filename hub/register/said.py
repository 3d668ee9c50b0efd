"""Sentences for constraints whose condition does not tell by itself what is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: The one rule of a position, whatever the table and the door.
POSITION: Final = (
    "Latitude takes -90 to 90 and longitude -180 to 180 degrees; give both, or neither."
)

SAID: Final[Mapping[str, str]] = {
    "alert_priorities_longest_shelf_s_check": (
        "Longest shelf takes 60 to 2592000 s, for priority 1 at most 3600."
    ),
    "wells_name_key": "There is already a well with this name.",
    **dict.fromkeys(
        (
            *("wells_place_check", "facilities_place_check"),
            *("incidents_position_check", "incident_events_position_check"),
        ),
        POSITION,
    ),
    "wells_bottom_check": (
        "Bottom latitude takes -90 to 90 and bottom longitude -180 to 180 degrees; give both, or"
        " neither."
    ),
    "wells_api14_state_check": (
        "API number begins with a state's number: 01 to 51, or 55, 56, 60 or 61 offshore."
    ),
    "equipment_one_place_check": "Equipment stands at a well or in a facility: give one of them.",
    "production_records_production_date_check": (
        "Production date takes a day from 1859-08-27 to 2199-12-31."
    ),
    "well_tests_accepted_check": (
        "A test is accepted with a volume: give oil, gas or water, or leave it a draft."
    ),
    "incidents_injury_check": "Give how many people were hurt, or none as the kind of injury.",
    "incidents_released_interval_check": (
        "Released takes at least 0, and its low, best and high estimate in this order."
    ),
    "incidents_gas_interval_check": (
        "Gas takes at least 0, and its low, best and high estimate in this order."
    ),
    "incidents_h2s_lb_interval_check": (
        "H2S takes at least 0, and its low, best and high estimate in this order."
    ),
    "incidents_people_check": "Numbers of people take at least 0.",
    "incidents_clock_reason_check": (
        "Clock reason is needed where deadlines do not count from the earliest knowledge."
    ),
    "incident_events_note_check": "Note is needed: what happened, in words.",
    "incident_notices_told_check": (
        "Once told, give the person who took it, how, and the reference number."
    ),
    "incident_notices_filed_check": "Filed reference is needed once it is filed.",
    "agency_rules_deadline_check": (
        "Hours, days and working days need a number; at once and the next business day have none."
    ),
    "agency_rules_follow_up_check": (
        "Give how the time for what follows is counted and how many of them, or neither."
    ),
    "agency_rules_code_check": "Code takes 3 to 60 small letters, digits and hyphens.",
    "compliance_reports_filed_at_check": "Filed at is needed once a report is filed.",
    "bank_accounts_owner_check": (
        "Partner names the owner of a partner's account; our own account has none."
    ),
    "bank_accounts_four_eyes_check": (
        "Who entered an account number does not verify it; ask another person."
    ),
    "bank_accounts_routing_check": (
        "Routing number takes nine digits whose check digit agrees; read them from a check again."
    ),
    "bank_accounts_fingerprint_key": "There is already a bank account with this number.",
    "bank_accounts_primary_key": (
        "This owner has a primary account already; make that one secondary first."
    ),
    "expenses_gross_check": "Gross takes an amount other than 0.",
    "expenses_reverses_key": "This expense is reversed by another already.",
    "revenue_distributions_reverses_key": "This distribution is reversed by another already.",
    "revenue_runs_reverses_key": "This run is reversed by another already.",
    "documents_organization_id_supersedes_id_key": "Another version replaces that one already.",
    "jib_statements_paid_in_full_check": (
        "A statement is paid when all of its closing balance has been."
    ),
    "jib_statements_numbered_check": "A statement has its number once it is no draft.",
    "owner_payments_numbered_check": "A payment has its number once it is no draft.",
    "revenue_distributions_held_why_check": "Hold code is needed for what is suspended.",
    "tax_rates_rate_check": "Rate takes at least 0, and at most 1 where it is a fraction.",
    "tax_rates_rate_unit_check": (
        "A rate per unit has a unit; any other is a fraction of the value."
    ),
    "benchmarks_cohort_of_5_check": (
        "Percentiles of fewer than 5 wells are not shown; leave them empty, or take in more."
    ),
    "forecasts_terminal_check": "Dterm is needed where b is more than 1.",
    "organizations_settings_check": "Settings takes a JSON object.",
}
