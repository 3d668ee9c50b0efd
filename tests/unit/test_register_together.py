"""Rules told together with a refusal: none that only the database's own work can meet."""

from __future__ import annotations

import pytest

from hub.register.catalog import RESOURCES, table_of
from hub.register.together import _checks

FILLED = {
    name: {column.name for column in table_of(served).c if column.info.get("filled")}
    for name, served in RESOURCES.items()
}


@pytest.mark.parametrize("name", [name for name, filled in FILLED.items() if filled])
@pytest.mark.parametrize("making", [True, False])
def test_what_a_trigger_fills_in_is_no_fault_told_beforehand(name: str, making: bool) -> None:
    """An approval is refused for a bad note, say: that nobody has approved yet is no fault."""
    served = RESOURCES[name]
    told = {field.name: None for field in served.fields.values() if field.editable}
    before = None if making else dict.fromkeys(served.fields)
    asked = list(_checks(table_of(served), served, told, before, {}))
    assert asked
    wrong = [one.rule.name for one in asked if FILLED[name] & {*one.names}]
    assert not wrong


def test_an_approval_that_is_refused_is_not_told_to_lack_its_number() -> None:
    served = RESOURCES["owner_payments"]
    before = dict.fromkeys(served.fields)
    asked = _checks(table_of(served), served, {"status": "approved"}, before, {})
    assert "owner_payments_numbered_check" not in {one.rule.name for one in asked}
