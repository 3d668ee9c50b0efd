"""Worked cases of what agencies want to be told: the shipped rules, judged at and beside their
boundaries, with deadlines over weekends and holidays.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.incidents.clocks import (
    Candidate,
    Term,
    discovery,
    due_at,
    is_working_day,
    reminder_due,
    zone_of,
)
from hub.incidents.facts import Site, facts_hash, known
from hub.incidents.judge import Judgement, Known, judge
from hub.incidents.logic import LogicError, read
from hub.standards import agency_rules, agency_seed

RULES = {rule["code"]: rule for rule in agency_rules()}
AT = datetime(2026, 3, 3, 14, 30, tzinfo=UTC)  # a Tuesday
DRY: dict[str, Any] = {
    "reached_water": False,
    "threatens_water": False,
    "sensitive_area": False,
    "endangers_health": False,
    "threatens_property": False,
    "h2s_uncontrolled": False,
    "inside_containment": True,
    "on_site": True,
}
HERE = Site(federal=False)


def incident(bbl: Any = None, at: datetime = AT, site: Site = HERE, **facts: Any) -> Known:
    """A spill of which everything is known but what a test leaves out."""
    row = {"incident_class": "spill", "occurred_at": at, "fluid": "oil", **DRY, **facts}
    if bbl is not None:
        row["released"] = Decimal(str(bbl))
    return known(row, site)


def ask(code: str, facts: Known, *others: Known) -> Judgement:
    """What a shipped rule asks of an incident."""
    rule = RULES[code]
    return judge(read(rule["logic"], rule.get("params")), facts, others)


def asked(state: str, facts: Known) -> set[str]:
    """Codes of the rules of a state, and of the United States, that are due."""
    return {
        code
        for code, rule in RULES.items()
        if rule.get("state") in {None, state} and ask(code, facts).verdict == "due"
    }


def no(code: str, **facts: Any) -> tuple[str, dict[str, Any], str]:
    return code, facts, "not_asked"


def due(code: str, **facts: Any) -> tuple[str, dict[str, Any], str]:
    return code, facts, "due"


def maybe(code: str, **facts: Any) -> tuple[str, dict[str, Any], str]:
    return code, facts, "potential"


def between(low: Any, best: Any, high: Any) -> dict[str, Any]:
    return {"released_low": Decimal(str(low)), "bbl": best, "released_high": Decimal(str(high))}


WATER = {"reached_water": True}
OUT = {"inside_containment": False}
PIPE = {"pipeline": True}
CASES = [
    # Texas: oil loss exceeding 5 barrels, fires, lightning.
    no("tx-rrc-spill", bbl=5),
    due("tx-rrc-spill", bbl="5.0001"),
    maybe("tx-rrc-spill", **between(2, 4, 8)),
    no("tx-rrc-spill", bbl=40, fluid="produced_water"),
    due("tx-rrc-spill", bbl=0, fire=True),
    due("tx-rrc-spill", bbl=0, lightning=True),
    due("tx-glo-coastal", bbl=1, coastal=True),
    no("tx-glo-coastal", bbl=100),
    due("tx-rrc-pipeline", bbl=1, **PIPE, property_damage=Decimal(50001)),
    no("tx-rrc-pipeline", bbl=1, **PIPE, property_damage=Decimal(50000)),
    maybe("tx-rrc-pipeline", bbl=1, **PIPE),
    due("tx-rrc-h2s", bbl=0, h2s_plan=True),
    # New Mexico: 25 barrels or more, or any volume with fire or near a watercourse; 5 to 25.
    due("nm-ocd-major", bbl=25),
    no("nm-ocd-major", bbl="24.9999"),
    due("nm-ocd-minor", bbl="24.9999"),
    no("nm-ocd-minor", bbl=25),
    due("nm-ocd-minor", bbl="5.0001"),
    no("nm-ocd-minor", bbl=5),
    due("nm-ocd-major", bbl="0.1", fire=True),
    due("nm-ocd-major", bbl="0.1", threatens_water=True),
    maybe("nm-ocd-major", bbl=6, threatens_water=None),
    due("nm-ocd-major", fluid="gas", gas=Decimal("500.1")),
    no("nm-ocd-major", fluid="gas", gas=Decimal(500)),
    due("nm-ocd-minor", fluid="gas", gas=Decimal("499.9")),
    no("nm-ocd-minor", fluid="gas", gas=Decimal(50)),
    # Oklahoma: 10 barrels, any amount to water.
    due("ok-occ-spill", bbl=10, fluid="produced_water"),
    no("ok-occ-spill", bbl="9.99"),
    due("ok-occ-spill", bbl="0.01", **WATER),
    # North Dakota: exempt only below 10 barrels in 15 days, on site, and built after 2000-09-01.
    no("nd-ndic-spill", bbl="9.99", built_on=date(2000, 9, 2)),
    due("nd-ndic-spill", bbl=10, built_on=date(2010, 1, 1)),
    due("nd-ndic-spill", bbl=1, built_on=date(2000, 9, 1)),
    due("nd-ndic-spill", bbl=1, built_on=date(2010, 1, 1), on_site=False),
    maybe("nd-ndic-spill", bbl=1),
    due("nd-deq", bbl=1, threatens_water=True),
    # Wyoming: 10 barrels contained, or uncontained towards water; more than 1 and less than 10.
    due("wy-wogcc-major", bbl=10),
    no("wy-wogcc-major", bbl="9.99"),
    due("wy-wogcc-major", bbl=1, **OUT, threatens_water=True),
    no("wy-wogcc-major", bbl=50, **OUT),
    due("wy-wogcc-minor", bbl="9.99"),
    no("wy-wogcc-minor", bbl=10),
    no("wy-wogcc-minor", bbl=1),
    due("wy-wogcc-fire", major=True),
    # Colorado: 5 barrels, 1 outside containment, any size near water, houses, livestock.
    due("co-ecmc-24h", bbl=5),
    no("co-ecmc-24h", bbl="4.99"),
    due("co-ecmc-24h", bbl=1, **OUT),
    no("co-ecmc-24h", bbl="0.99", **OUT),
    due("co-ecmc-24h", bbl="0.01", threatens_property=True),
    # Louisiana: an emergency of any size within the hour, else 1 barrel within a day.
    due("la-deq-emergency", bbl="0.1", emergency=True),
    no("la-deq-nonemergency", bbl=20, emergency=True),
    due("la-deq-nonemergency", bbl=1),
    no("la-deq-nonemergency", bbl="0.99"),
    # Utah: more than 25, more than 500 Mcf, H2S of 100 ppm that is not under control; 5 to 25.
    no("ut-dogm-major", bbl=25),
    due("ut-dogm-major", bbl="25.01"),
    due("ut-dogm-minor", bbl=25),
    no("ut-dogm-minor", bbl=5),
    due("ut-dogm-major", bbl=1, h2s_ppm=Decimal(100), h2s_uncontrolled=True),
    no("ut-dogm-major", bbl=1, h2s_ppm=Decimal("99.9"), h2s_uncontrolled=True),
    no("ut-dogm-major", bbl=1, h2s_ppm=Decimal(200)),
    # Montana: more than 50 of oil or of salt water, any to water, fire, blowout; 10 not contained.
    no("mt-bogc-immediate", bbl=50),
    due("mt-bogc-immediate", bbl="50.1"),
    due("mt-bogc-immediate", bbl=51, fluid="produced_water", water_tds_ppm=Decimal(15001)),
    no("mt-bogc-immediate", bbl=51, fluid="produced_water", water_tds_ppm=Decimal(15000)),
    maybe("mt-bogc-immediate", bbl=51, fluid="produced_water"),
    due("mt-bogc-immediate", bbl=1, **WATER),
    due("mt-bogc-immediate", bbl=1, blowout=True),
    due("mt-bogc-written", bbl=10, **OUT),
    no("mt-bogc-written", bbl=10),
    due("mt-bogc-written", fluid="gas", gas=Decimal("3000.1")),
    # Kansas: water at once, anything else the next business day.
    due("ks-kcc-water", bbl=1, threatens_water=True),
    due("ks-kcc-spill", bbl="0.5"),
    no("ks-kcc-spill", bbl="0.5", **WATER),
    # Federal: sheen, SPCC, lost-time cases, pipelines, leases, the shelf.
    due("us-nrc-sheen", bbl="0.01", **WATER),
    no("us-nrc-sheen", bbl=10, fluid="produced_water", **WATER),
    maybe("us-nrc-sheen", bbl=10, reached_water=None),
    due("us-spcc-1124", bbl="23.81", **WATER),  # 1,000.02 gal
    no("us-spcc-1124", bbl="23.8", **WATER),  # 999.6 gal
    due("us-osha-fatality", deaths=1),
    due("us-osha-severe", hospitalised=1),
    due("us-osha-severe", amputations=1),
    due("us-osha-severe", eye_losses=1),
    no("us-osha-severe", injured=3),
    due("us-phmsa-gas", **PIPE, fluid="gas", gas=Decimal(3000)),
    no("us-phmsa-gas", **PIPE, fluid="gas", gas=Decimal(2999), property_damage=Decimal(121999)),
    due("us-phmsa-gas", **PIPE, fluid="gas", gas=Decimal(1), property_damage=Decimal(122000)),
    no("us-phmsa-gas", fluid="gas", gas=Decimal(5000)),
    due("us-phmsa-liquid", bbl=1, **PIPE, explosion=True, property_damage=Decimal(0)),
    due("us-csb", bbl=1, deaths=1),
    no("us-csb", bbl=1, property_damage=Decimal(999999)),
    due("us-blm-mue", bbl=100, federal_lease=True, **OUT),
    no("us-blm-mue", bbl=100, federal_lease=True),
    due("us-blm-mue-written", bbl=100, federal_lease=True),
    no("us-blm-mue", bbl="99.9", federal_lease=True, **OUT),
    due("us-blm-mue", bbl=1, federal_lease=True, sensitive_area=True),
    due("us-blm-mue", fluid="gas", gas=Decimal(500), federal_lease=True),
    no("us-blm-mue", bbl=1000, **OUT),
    due("us-bsee-immediate", offshore=True, blowout=True),
    no("us-bsee-immediate", blowout=True),
    due("us-bsee-spill", bbl=1, offshore=True),
    no("us-bsee-spill", bbl="0.99", offshore=True),
]


@pytest.mark.parametrize(("code", "facts", "verdict"), CASES)
def test_worked_case(code: str, facts: dict[str, Any], verdict: str) -> None:
    told = dict(facts)
    found = ask(code, incident(told.pop("bbl", None), **told))
    assert (found.verdict, bool(found.because)) == (verdict, verdict != "not_asked"), found


def test_every_shipped_rule_has_a_worked_case_and_can_be_read() -> None:
    tried = {code for code, _facts, _verdict in CASES}
    elsewhere = {"us-cercla-rq", "us-epcra-304"}  # sums, below
    assert tried | elsewhere == set(RULES)
    assert len(RULES) == 34
    seed = agency_seed()
    assert "not legal advice" in seed["disclaimer"]
    assert "counsel" in seed["disclaimer"]
    for rule in RULES.values():
        assert rule["citation"]
        assert rule["citation"] != "same"
        assert (rule["verified_on"] is None) == (rule["verification"] == "unverified")


def test_a_volume_nobody_knows_counts_down_and_says_so() -> None:
    found = ask("tx-rrc-spill", incident())
    assert found.verdict == "potential"
    assert "unknown" in found.because
    assert "released" in found.open_questions
    assert ask("tx-rrc-spill", incident(incident_class="near_miss", fluid=None)).verdict == (
        "not_asked"
    )


def test_the_high_estimate_that_crosses_a_threshold_is_potential_and_names_the_interval() -> None:
    found = ask("nm-ocd-major", incident(20, released_low=Decimal(12), released_high=Decimal(30)))
    assert found.verdict == "potential"
    assert "12 to 30 bbl ≥ 25 is possible" in found.because


# ------------------------------------------------------------------------------------- sums


def test_north_dakota_sums_fifteen_days_at_one_site() -> None:
    built = {"built_on": date(2012, 5, 1)}
    late, early = incident(4, **built), incident(6, AT - timedelta(days=15), **built)
    assert ask("nd-ndic-spill", late, early).verdict == "due"
    earlier = incident(6, AT - timedelta(days=15, minutes=1), **built)
    assert ask("nd-ndic-spill", late, earlier).verdict == "not_asked"
    assert ask(
        "nd-ndic-spill", late, incident("5.9999", AT - timedelta(days=3), **built)
    ).verdict == ("not_asked")
    wide = incident(2, AT - timedelta(days=3), released_high=Decimal(6), **built)
    assert ask("nd-ndic-spill", late, wide).verdict == "potential"


def test_a_sum_looks_at_every_stretch_that_holds_the_incident() -> None:
    """Six before and six after, further apart than 15 days: neither stretch reaches 10."""
    built = {"built_on": date(2012, 5, 1)}
    before = incident(6, AT - timedelta(days=10), **built)
    after = incident(6, AT + timedelta(days=10), **built)
    assert ask("nd-ndic-spill", incident(3, **built), before, after).verdict == "not_asked"
    assert ask("nd-ndic-spill", incident(4, **built), before, after).verdict == "due"


def test_cercla_sums_hydrogen_sulfide_over_24_hours() -> None:
    def h2s(lb: str, hours: float = 0, **more: Any) -> Known:
        return incident(
            at=AT + timedelta(hours=hours),
            incident_class="h2s",
            fluid="gas",
            gas=Decimal(1),
            h2s_lb=Decimal(lb),
            **more,
        )

    for code in ("us-cercla-rq", "us-epcra-304"):
        assert ask(code, h2s("100")).verdict == "due"
        assert ask(code, h2s("99.9")).verdict == "not_asked"
        assert ask(code, h2s("60"), h2s("40", -24)).verdict == "due"
        assert ask(code, h2s("60"), h2s("40", -24.1)).verdict == "not_asked"
        assert ask(code, h2s("60", h2s_lb_high=Decimal(120))).verdict == "potential"


def test_spcc_counts_discharges_of_more_than_42_gallons_in_twelve_months() -> None:
    now = incident("1.01", **WATER)
    year = incident("1.01", AT.replace(year=2025), **WATER)
    assert ask("us-spcc-1124", now, year).verdict == "due"
    assert ask("us-spcc-1124", now).verdict == "not_asked"
    assert ask("us-spcc-1124", now, incident(1, AT - timedelta(days=9), **WATER)).verdict == (
        "not_asked"
    )  # 42 gallons are not more than 42
    older = incident("1.01", AT.replace(year=2025) - timedelta(minutes=1), **WATER)
    assert ask("us-spcc-1124", now, older).verdict == "not_asked"
    dry = incident(30, AT - timedelta(days=9))
    assert ask("us-spcc-1124", now, dry).verdict == "not_asked"


# ----------------------------------------------------------------------------------- clocks


def deadline(code: str, start: datetime, state: str | None) -> datetime:
    """When the first thing is owed."""
    rule = RULES[code]
    term = Term(rule["deadline_kind"], rule.get("deadline_n"))
    zone = zone_of(state, "America/Chicago")
    return due_at(start, term, state, zone).astimezone(zone)


def local(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("code", "state", "zone", "start", "end"),
    [
        ("tx-rrc-spill", "TX", "America/Chicago", "2026-03-03 02:14", "2026-03-03 02:14"),
        ("la-deq-emergency", "LA", "America/Chicago", "2026-03-03 02:14", "2026-03-03 03:14"),
        # Discovered on the Friday before Labor Day: the office opens on Tuesday.
        ("wy-wogcc-major", "WY", "America/Denver", "2026-09-04 19:00", "2026-09-08 17:00"),
        ("ks-kcc-spill", "KS", "America/Chicago", "2026-12-24 12:00", "2026-12-28 17:00"),
        # Fifteen working days over Independence Day, which is kept on Friday the 3rd.
        ("wy-wogcc-minor", "WY", "America/Denver", "2026-06-25 08:00", "2026-07-17 17:00"),
        ("mt-bogc-written", "MT", "America/Denver", "2026-11-20 08:00", "2026-11-30 17:00"),
        # Days and hours: spring forward takes an hour of the wall clock, not of the law.
        ("nm-ocd-minor", "NM", "America/Denver", "2026-03-01 14:30", "2026-03-16 14:30"),
        ("nm-ocd-major", "NM", "America/Denver", "2026-03-07 14:30", "2026-03-08 15:30"),
        ("us-osha-fatality", "TX", "America/Chicago", "2026-03-03 20:00", "2026-03-04 04:00"),
        ("us-osha-severe", "TX", "America/Chicago", "2026-03-03 20:00", "2026-03-04 20:00"),
        ("us-spcc-1124", "TX", "America/Chicago", "2026-03-03 20:00", "2026-05-02 20:00"),
    ],
)
def test_worked_deadline(code: str, state: str, zone: str, start: str, end: str) -> None:
    assert deadline(code, local(start, zone), state) == local(end, zone)


def test_states_keep_holidays_of_their_own() -> None:
    assert not is_working_day(date(2026, 7, 24), "UT")  # Pioneer Day
    assert is_working_day(date(2026, 7, 24), "WY")
    assert not is_working_day(date(2026, 2, 17), "LA")  # Mardi Gras
    assert is_working_day(date(2026, 2, 17), None)


RAISED = Candidate("alarm_raised", AT, False, "when the first alarm began")
DETECTED = Candidate("alarm_detected", AT + timedelta(minutes=2), False, "when the hub knew")
SEEN = Candidate("first_view", AT + timedelta(hours=5), True, "when a person first looked")
FOUND = Candidate("discovered", AT + timedelta(hours=6), True, "the discovery as declared")


def test_kansas_should_have_known_is_warned_of() -> None:
    """The clock runs from the earliest hour at which a person knew, and says what was earlier."""
    start = discovery([RAISED, DETECTED, FOUND, SEEN], "earliest", None)
    assert start.at == SEEN.at
    assert start.warning is not None
    assert "should have known" in start.warning
    assert discovery([FOUND, SEEN], "earliest", None).warning is None
    chosen = discovery([RAISED, DETECTED, FOUND, SEEN], "alarm_raised", "counsel's advice")
    assert (chosen.at, chosen.warning) == (AT, None)
    assert "counsel's advice" in chosen.basis


def test_an_alarm_nobody_has_looked_at_starts_the_clock_too() -> None:
    start = discovery([RAISED, DETECTED], "earliest", None)
    assert start.at == DETECTED.at
    assert "nobody has looked" in start.basis


def test_people_are_reminded_once_at_each_share() -> None:
    end = AT + timedelta(hours=24)
    shares = []
    reminded = 0
    for minutes in range(0, 25 * 60, 10):
        share = reminder_due(AT, end, AT + timedelta(minutes=minutes), reminded)
        if share is not None:
            shares.append((share, minutes))
            reminded = share
    assert shares == [(25, 360), (50, 720), (75, 1080), (90, 1300)]
    assert reminder_due(AT, end, AT + timedelta(hours=20), 0) == 75  # after an outage: once
    assert reminder_due(AT, AT, AT, 0) == 90


# ---------------------------------------------------------------------------------- language


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "'' was expected|the end"),
        ("released >=", "a fact or a number"),
        ("released >= 5 OR", "a fact or a number"),
        ("relaesed >= 5", "character 1"),
        ("released", "a comparison"),
        ("fire >= 5", "no number"),
        ("fluid = beer", "one of oil"),
        ("fluid >= 5", "'IN' was expected"),
        ("built_on > 5", "a day like"),
        ("built_on > 2000-13-01", "no day of the calendar"),
        ("released >= 5 )", "AND, OR or the end"),
        ("(" * 40 + "fire" + ")" * 40, "nested"),
        ("fire AND " * 400 + "fire", "longer than"),
        ("__import__('os')", "character 12"),
        ("mass_24h(fire)", "name of a volume"),
        ("count_12mo(released)", "a comparison"),
        ("released >= threshold", "name of a fact"),
        ("released > 5; fire", "means nothing"),
    ],
)
def test_a_condition_that_cannot_be_read_says_where(text: str, fault: str) -> None:
    with pytest.raises(LogicError, match=fault):
        read(text)


def test_a_rules_own_numbers_are_read_and_must_be_numbers() -> None:
    assert read("property_damage >= threshold", {"threshold": "122000"})
    with pytest.raises(LogicError, match="not a number"):
        read("property_damage >= threshold", {"threshold": "much"})


AMOUNTS = st.decimals(min_value=0, max_value=200, places=1)
STATES = sorted({rule["state"] for rule in RULES.values() if rule.get("state")})
FLAGS = st.fixed_dictionaries({name: st.sampled_from([None, True, False]) for name in DRY})


@given(
    volumes=st.tuples(AMOUNTS, AMOUNTS, AMOUNTS).map(sorted),
    flags=FLAGS,
    code=st.sampled_from(sorted(RULES)),
    fluid=st.sampled_from(["oil", "produced_water", "condensate"]),
)
def test_what_may_be_owed_is_never_missed(
    volumes: list[Decimal], flags: dict[str, Any], code: str, fluid: str
) -> None:
    """Whatever turns out to be true within the intervals: if it is owed then, it counted before."""
    low, best, high = volumes
    vague = incident(best, released_low=low, released_high=high, fluid=fluid, **flags)
    before = ask(code, vague).verdict
    for volume in (low, best, high):
        settled = {name: bool(answer) for name, answer in flags.items()}
        after = ask(code, incident(volume, fluid=fluid, **settled)).verdict
        assert not (after == "due" and before == "not_asked")


def test_the_same_facts_have_the_same_hash_however_the_database_pads_them() -> None:
    row = {"incident_class": "spill", "occurred_at": AT, "released": Decimal("5.0000")}
    assert facts_hash(row, HERE) == facts_hash(row | {"released": Decimal(5)}, HERE)
    assert facts_hash(row, HERE) != facts_hash(row | {"fire": True}, HERE)
