"""The form beside a running agent: only what the hub signed, and only where it was asked for."""

from __future__ import annotations

import http.client
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.contract.blocks import Quality, Sample
from agent.contract.configfile import ConfigError
from agent.contract.pins import PinError, fits, hash_pin
from agent.contract.rulebundle import Bundle, open_bundle, seal_bundle, write_key
from agent.contract.stopsheet import sheet_body
from agent.form.room import FormRoom
from agent.form.settings import FormSettings
from agent.hubwatch import HubWatch
from agent.outbox import Limits, Outbox
from agent.settings import load
from tests.fielding import BRAVO, NOW, PEOPLE, PIN, RAMOS, SHEET, FixedClock

KEY = bytes(range(32))
HEAD = """
[agent]
name = "bravo-pad"
shard = 1
[mqtt]
url = "mqtts://hub.example.com"
[[ports]]
name = "a"
host = "10.0.0.5"
[[devices]]
name = "one"
port = "a"
unit = 1
[[devices.gauges]]
name = "p"
register = 40001
type = "float32"
"""


def free_settings() -> FormSettings:
    return FormSettings(port=0, host="127.0.0.1")


@pytest.fixture
def room() -> Iterator[FormRoom]:
    outbox = Outbox.in_memory(Limits())
    outbox.begin_life(0)
    tags = {"bravo-1h.casing": 1}
    made = FormRoom(
        *(free_settings(), outbox, FixedClock(), 1000, tags),
        hub=HubWatch(120),
        news=lambda: None,
    )
    yield made
    made.close()


def bundle(**more: object) -> Bundle:
    people = tuple(
        {"id": str(who.id), "name": who.name, "language": who.language, "pin": who.pin}
        for who in PEOPLE
    )
    body = sheet_body(SHEET)
    body["stops"][0]["wells"][0]["tags"] = {"casing_psig": ["bravo-1h.casing", "14.5"]}
    signed = seal_bundle(Bundle("bravo-pad", 1, 1, people=people, sheet=body), KEY)
    return open_bundle(signed, KEY, "bravo-pad")


def page(room: FormRoom, path: str) -> str:
    line = http.client.HTTPConnection("127.0.0.1", room.port, timeout=10)
    line.request("GET", path)
    text = line.getresponse().read().decode()
    line.close()
    return text


def test_people_and_stops_come_signed(room: FormRoom) -> None:
    assert "Nobody may enter at this site yet" in page(room, "/")
    room.use(bundle())
    assert "Pilar Ramos" in page(room, "/")
    assert isinstance(room.people.enter(str(RAMOS), PIN), str)
    assert room.desk.sheet(NOW).find(BRAVO.stop) is not None


def test_the_gauge_of_the_site_stands_beside_the_field(room: FormRoom) -> None:
    room.use(bundle())
    room.feed([Sample(1, 0, 81.52, Quality.GOOD), Sample(1, 1, None, Quality.NO_ANSWER)])
    well = room.desk.sheet(NOW).stops[0].wells[0]
    assert str(well.gauge["casing_psig"]) == "1182.0"


def test_a_sheet_that_cannot_be_read_leaves_the_last(room: FormRoom) -> None:
    room.use(bundle())
    room.use(Bundle("bravo-pad", 2, 1, sheet={"v": 9}))
    assert room.desk.hub_sheet.stops
    assert room.people.names == {}


def test_a_port_that_is_taken_stops_nothing(room: FormRoom) -> None:
    taken = FormSettings(port=room.port, host="127.0.0.1")
    outbox = Outbox.in_memory(Limits())
    other = FormRoom(taken, outbox, FixedClock(), 1, {}, hub=HubWatch(120), news=lambda: None)
    assert other.port == 0
    other.close()


def test_without_a_port_there_is_none_and_with_one_the_hub_must_sign(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(HEAD)
    assert load(path, {}).form.port is None
    path.write_text(HEAD + "[form]\nport = 8480\nsession_hours = 4\n")
    with pytest.raises(ConfigError, match=r"needs alarms\.key"):
        load(path, {})
    served = load(path, {"WELLFLOW_ALARMS_KEY": write_key(KEY)}).form
    assert served == FormSettings(8480, "0.0.0.0", 4)


def test_a_pin_is_kept_as_what_cannot_be_turned_back() -> None:
    kept = hash_pin(PIN)
    assert PIN not in kept
    assert kept != hash_pin(PIN)
    assert fits(PIN, kept)
    assert not fits("482914", kept)
    for broken in ("", "scrypt$1", kept[:-3], kept.replace("8192", "x"), f"plain${PIN}"):
        assert not fits(PIN, broken)


@pytest.mark.parametrize(
    "pin", ["12345", "1234567890123", "48a913", "", "111111", "123456", "٤٨٢٩١٣"]
)
def test_a_pin_that_anybody_guesses_is_refused(pin: str) -> None:
    with pytest.raises(PinError):
        hash_pin(pin)


def test_the_form_is_loaded_only_where_it_is_served() -> None:
    import subprocess  # noqa: PLC0415

    asked = "import sys, agent.onsite; print('http.server' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
