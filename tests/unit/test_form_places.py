"""A page may be older than the stop: what was typed for a well stays that well's."""

from __future__ import annotations

import uuid
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agent.contract.fieldform import desk
from agent.contract.fieldform.desk import Visit
from agent.contract.fieldform.fields import Form, body_of, parse_form
from agent.contract.fieldform.frame import Door
from agent.contract.fieldform.page import stop_page
from agent.contract.fieldform.places import lines, placed
from tests.fielding import BRAVO, DAY, NOW, RAMOS, SHEET, key, well

SOME = st.lists(st.sampled_from(range(21, 27)), unique=True, min_size=1)


def typed(wells: tuple[uuid.UUID, ...], **more: str) -> Form:
    """What a page of these wells sends: each well's casing is the last part of its key."""
    fields = {f"w{place}": str(well) for place, well in enumerate(wells)}
    fields |= {f"w{place}_casing_psig": str(well.int % 1000) for place, well in enumerate(wells)}
    return Form({name: (value,) for name, value in (fields | {"day": DAY} | more).items()})


@given(SOME, SOME)
def test_every_figure_stays_with_its_well(then: list[int], now: list[int]) -> None:
    stop = replace(BRAVO, wells=tuple(well(number, f"Bravo {number}H") for number in now))
    keys = tuple(key(number) for number in then)
    found = placed(typed(keys), stop)
    body = body_of(found.form, SHEET, stop, str(RAMOS), NOW).body
    entered = {line["well"]: line["casing_psig"] for line in body.get("wells", [])}
    here = {one.well for one in stop.wells}
    assert entered == {str(one): str(one.int % 1000) for one in keys if one in here}
    assert sorted(found.gone.values()) == sorted(
        str(one.int % 1000) for one in keys if one not in here
    )


def test_a_page_says_what_each_place_is_and_that_is_read_again() -> None:
    door = Door("hub", "/field/", "en", "Ramos")
    page = stop_page(desk.blank(Visit(door, SHEET, BRAVO, RAMOS, NOW)))
    for place, one in lines(BRAVO).items():
        assert f'name="{place}" value="{one}"' in page
    assert len(lines(BRAVO)) == 4 + 3 + 1


def test_a_page_of_now_is_left_as_it_is() -> None:
    for form in (typed(tuple(one.well for one in BRAVO.wells)), parse_form(b"w0_casing_psig=7")):
        assert placed(form, BRAVO).form is form


def test_what_was_typed_for_a_well_that_is_gone_is_told_and_nothing_is_stored() -> None:
    visit = Visit(Door("hub", "/field/", "es", "Ramos"), SHEET, BRAVO, RAMOS, NOW)
    form = typed((key(99), key(22)), id=str(uuid.uuid4()), asked="1")
    outcome = desk.receive(visit, form)
    assert outcome.entry is None
    assert "ya no está aquí" in outcome.faults[""]
    assert outcome.view is not None
    assert outcome.view.form.get("w1_casing_psig") == str(key(22).int % 1000)
    assert outcome.view.form.get("w0_casing_psig") == ""
