"""agent.toml is read whole, and everything wrong with it is told at once with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent import profiles
from agent.contract.configfile import ConfigError
from agent.equipment import Hole, SerialPort, TcpPort
from agent.settings import AgentSettings, declared_tags, load, missing_to_run

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config" / "agent.example.toml"

HEAD = """\
[agent]
name = "pad-7"
shard = 7
[mqtt]
url = "mqtts://hub.example.com"
"""
TCP = """\
[[ports]]
name = "pad"
host = "10.0.0.5"
"""
RTU = """\
[[ports]]
name = "line"
type = "rtu"
serial = "/dev/ttyUSB0"
"""
DEVICE = """\
[[devices]]
name = "well"
port = "pad"
unit = 1
"""
GAUGE = """\
[[devices.gauges]]
name = "pressure"
address = 0
type = "float32"
"""


def read(folder: Path, *parts: str, environ: dict[str, str] | None = None) -> AgentSettings:
    path = folder / "agent.toml"
    path.write_text("".join(parts))
    return load(path, environ or {})


def faults(folder: Path, *parts: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(folder, *parts, environ=environ)
    prefix = str(folder) + "/"
    return [str(fault).removeprefix(prefix) for fault in caught.value.faults]


# ------------------------------------------------------------------------------- what is fine


def test_the_example_is_sound_on_its_own(tmp_path: Path) -> None:
    settings = load(EXAMPLE, {})
    assert settings.mqtt.tls
    assert {gauge.device for gauge in settings.gauges} == {"bravo-1h", "bravo-2h", "battery"}


def test_a_small_file_and_its_defaults(tmp_path: Path) -> None:
    settings = read(tmp_path, HEAD, TCP, DEVICE, GAUGE)
    assert settings.ports == (TcpPort("pad", "10.0.0.5"),)
    assert (settings.mqtt.host, settings.mqtt.port, settings.mqtt.tls) == (
        "hub.example.com",
        8883,
        True,
    )
    assert settings.mqtt.username == "pad-7"
    assert settings.gauges[0].name == "well.pressure"
    assert settings.gauges[0].interval_s == settings.devices[0].interval_s == 10


def test_tags_are_numbered_in_the_order_of_the_file(tmp_path: Path) -> None:
    second = DEVICE.replace("well", "tank") + GAUGE.replace("pressure", "level")
    tags = declared_tags(read(tmp_path, HEAD, TCP, DEVICE, GAUGE, second))
    assert [(tag.number, tag.name) for tag in tags] == [(1, "well.pressure"), (2, "tank.level")]
    assert tags[0].interval_ms == 10_000


def test_secrets_come_from_the_environment_or_a_file_it_names(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hush\n")
    parts = (HEAD, TCP, DEVICE, GAUGE)
    by_value = read(tmp_path, *parts, environ={"WELLFLOW_MQTT_PASSWORD": "hush"})
    by_file = read(tmp_path, *parts, environ={"WELLFLOW_MQTT_PASSWORD_FILE": str(secret)})
    assert by_value.mqtt.password == by_file.mqtt.password == "hush"


def test_relative_paths_start_at_the_folder_of_the_file(tmp_path: Path) -> None:
    head = HEAD + 'ca_file = "ca.pem"\n[outbox]\npath = "outbox.db"\n'
    settings = read(tmp_path, head, TCP, DEVICE, GAUGE)
    assert settings.mqtt.ca_file == tmp_path / "ca.pem"
    assert settings.outbox.path == tmp_path / "outbox.db"


@pytest.mark.parametrize(
    ("register", "table", "address"),
    [
        (1, "coil", 0),
        (9999, "coil", 9998),
        (10001, "discrete", 0),
        (30101, "input", 100),
        (40001, "holding", 0),
        (465536, "holding", 65535),
        (301000, "input", 999),
    ],
)
def test_registers_may_be_numbered_as_makers_do(
    tmp_path: Path, register: int, table: str, address: int
) -> None:
    kind = "bool" if table in {"coil", "discrete"} else "uint16"
    gauge = f'[[devices.gauges]]\nname = "x"\nregister = {register}\ntype = "{kind}"\n'
    (its,) = read(tmp_path, HEAD, TCP, DEVICE, gauge).gauges
    assert (its.table, its.address) == (table, address)


@pytest.mark.parametrize(
    ("keys", "decimals"),
    [
        ('type = "uint16"', 0),
        ('type = "int32"\nscale = 0.01', 2),
        ('type = "int16"\nscale = 10\noffset = 0.5', 1),
        ('type = "float32"', 3),
        ('type = "float32"\ndecimals = 1', 1),
    ],
)
def test_resolution_follows_from_scale_and_offset(tmp_path: Path, keys: str, decimals: int) -> None:
    gauge = f'[[devices.gauges]]\nname = "x"\naddress = 0\n{keys}\n'
    assert read(tmp_path, HEAD, TCP, DEVICE, gauge).gauges[0].decimals == decimals


def test_two_devices_may_stand_behind_one_unit(tmp_path: Path) -> None:
    twin = DEVICE.replace("well", "other") + GAUGE
    assert len(read(tmp_path, HEAD, TCP, DEVICE, GAUGE, twin).devices) == 2


def test_orders_of_a_device_hold_for_its_gauges(tmp_path: Path) -> None:
    device = DEVICE + 'word_order = "little"\n'
    other = GAUGE.replace("pressure", "level") + 'word_order = "big"\n'
    gauges = read(tmp_path, HEAD, TCP, device, GAUGE, other).gauges
    assert [gauge.word_order for gauge in gauges] == ["little", "big"]


def test_holes_are_kept_out_of_requests(tmp_path: Path) -> None:
    hole = "[[devices.holes]]\nfirst = 10\nlast = 19\n"
    (device,) = read(tmp_path, HEAD, TCP, DEVICE, GAUGE, hole).devices
    assert device.holes == (Hole("holding", 10, 19),)


# ----------------------------------------------------------------------------- what is not fine


def test_all_faults_are_told_at_once_with_file_line_and_key(tmp_path: Path) -> None:
    text = """\
[agent]
name = "Pad 7"
shard = 64
[mqtt]
url = "mqtt://hub.example.com"
[[ports]]
name = "pad"
host = "10.0.0.5"
port = 70000
[[devices]]
name = "well"
port = "elsewhere"
unit = 300
intervall_s = 5
[[devices.gauges]]
name = "pressure"
address = 65535
type = "float32"
low = 5
high = 5
"""
    told = faults(tmp_path, text)
    assert [fault.rsplit(": ")[0] + "|" + fault.split(": ")[1] for fault in told]
    places = [tuple(fault.split(": ")[:2]) for fault in told]
    assert places == [
        ("agent.toml:2", "agent.name"),
        ("agent.toml:3", "agent.shard"),
        ("agent.toml:5", "mqtt.url"),
        ("agent.toml:9", "ports[0].port"),
        ("agent.toml:12", "devices[0].port"),
        ("agent.toml:13", "devices[0].unit"),
        ("agent.toml:14", "devices[0].intervall_s"),
        ("agent.toml:17", "devices[0].gauges[0].address"),
        ("agent.toml:19", "devices[0].gauges[0].low"),
    ]


def one_fault(folder: Path, *parts: str) -> str:
    (told,) = faults(folder, *parts)
    return told


def test_a_missing_setting_is_told_once(tmp_path: Path) -> None:
    told = one_fault(tmp_path, HEAD.replace('name = "pad-7"\n', ""), TCP, DEVICE, GAUGE)
    assert told == "agent.toml:1: agent.name: is missing; it has no default"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mqtt://hub.example.com", "in the clear"),
        ("https://hub.example.com", "not a broker's address"),
        ("mqtts://", "not a broker's address"),
        ("mqtts://hub:99999", "not an address"),
        ("mqtts://pad:secret@hub", "holds a user or password"),
    ],
)
def test_an_unsafe_or_impossible_broker(tmp_path: Path, url: str, says: str) -> None:
    head = HEAD.replace("mqtts://hub.example.com", url)
    assert says in one_fault(tmp_path, head, TCP, DEVICE, GAUGE)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_plain_mqtt_is_fine_on_the_same_box(tmp_path: Path, host: str) -> None:
    head = HEAD.replace("mqtts://hub.example.com", f"mqtt://{host}:1883")
    assert not read(tmp_path, head, TCP, DEVICE, GAUGE).mqtt.tls


def test_plain_mqtt_elsewhere_must_be_asked_for(tmp_path: Path) -> None:
    head = HEAD.replace("mqtts:", "mqtt:") + "allow_plain = true\n"
    assert read(tmp_path, head, TCP, DEVICE, GAUGE).mqtt.allow_plain


def test_an_account_is_the_agents_name(tmp_path: Path) -> None:
    head = HEAD + 'username = "someone"\n'
    assert "ties topics to accounts" in one_fault(tmp_path, head, TCP, DEVICE, GAUGE)


def test_a_certificate_needs_its_key(tmp_path: Path) -> None:
    head = HEAD + 'client_cert = "agent.pem"\n'
    assert "belong together" in one_fault(tmp_path, head, TCP, DEVICE, GAUGE)


def test_names_are_used_once(tmp_path: Path) -> None:
    told = faults(tmp_path, HEAD, TCP, TCP.replace("5", "6"), DEVICE, GAUGE, GAUGE, DEVICE, GAUGE)
    assert [fault.split(": ")[1] for fault in told] == [
        "ports[1].name",
        "devices[0].gauges[1].name",
        "devices[1].name",
    ]


def test_an_endpoint_has_one_owner(tmp_path: Path) -> None:
    twin = TCP.replace("pad", "twin")
    assert "is port 'pad' already" in one_fault(tmp_path, HEAD, TCP, twin, DEVICE, GAUGE)


@pytest.mark.parametrize(
    ("keys", "key", "says"),
    [
        ('address = 0\ntype = "bool"', "type", "registers hold numbers"),
        ('address = 0\ntable = "coil"\ntype = "uint16"', "type", "hold bool"),
        ('address = 0\ntype = "int24"', "type", "is not one of bool, bit, int16"),
        ("address = 0", "type", "is missing"),
        ('address = 0\ntype = "bit"', "bit", "is missing"),
        ('address = 0\ntype = "bit"\nbit = 16', "bit", "between 0 and 15"),
        ('address = 70000\ntype = "int16"', "address", "between 0 and 65535"),
        ('address = 65533\ntype = "int64"', "address", "the last address is 65535"),
        ('address = 0\ntype = "int16"\nscale = 0', "scale", "every value the same"),
        ('address = 0\ntype = "int16"\nscale = nan', "scale", "a finite number"),
        ('address = 0\ntype = "int16"\ndecimals = 10', "decimals", "between 0 and 9"),
        ('address = 0\ntype = "int16"\ninterval_s = 0', "interval_s", "between 0.1 and 86400"),
        (
            'address = 0\ntype = "int16"\nbyte_order = "ABCD"',
            "byte_order",
            "not one of big, little",
        ),
        ('register = 20001\ntype = "int16"', "register", "is not one like"),
        ('register = 40001\ntable = "input"\ntype = "int16"', "table", "already said by register"),
        ('adress = 0\naddress = 0\ntype = "int16"', "adress", "is not a setting"),
    ],
)
def test_what_can_be_wrong_with_a_gauge(tmp_path: Path, keys: str, key: str, says: str) -> None:
    told = one_fault(tmp_path, HEAD, TCP, DEVICE, f'[[devices.gauges]]\nname = "x"\n{keys}\n')
    assert f"devices[0].gauges[0].{key}: " in told
    assert says in told


def test_a_gauge_in_a_hole_of_its_device(tmp_path: Path) -> None:
    hole = "[[devices.holes]]\nfirst = 1\nlast = 9\n"
    assert "lies in the hole 1-9" in one_fault(tmp_path, HEAD, TCP, DEVICE, GAUGE, hole)


@pytest.mark.parametrize(
    ("port", "unit", "fine"),
    [
        ("pad", 0, True),
        ("pad", 255, True),
        ("pad", 248, False),
        ("line", 0, False),
        ("line", 247, True),
        ("line", 255, False),
    ],
)
def test_unit_ids(tmp_path: Path, port: str, unit: int, *, fine: bool) -> None:
    device = DEVICE.replace('"pad"', f'"{port}"').replace("unit = 1", f"unit = {unit}")
    parts = (HEAD, TCP, RTU, device, GAUGE)
    if fine:
        assert read(tmp_path, *parts).devices[0].unit == unit
    else:
        assert "devices[0].unit" in one_fault(tmp_path, *parts)


def test_a_site_without_devices(tmp_path: Path) -> None:
    assert "describe each device" in one_fault(tmp_path, HEAD, TCP)


def test_a_device_without_gauges(tmp_path: Path) -> None:
    assert "devices[0].gauges: has none" in one_fault(tmp_path, HEAD, TCP, DEVICE)


def test_a_file_that_is_not_toml(tmp_path: Path) -> None:
    assert one_fault(tmp_path, HEAD, "[[ports]\n").startswith("agent.toml:6: not TOML")


# ------------------------------------------------------------------------------ a slow serial line


def slow_site(baud: int, interval: float) -> str:
    line = RTU + f"baud = {baud}\n"
    device = DEVICE.replace('"pad"', '"line"') + f"interval_s = {interval}\n"
    gauges = "".join(
        f'[[devices.gauges]]\nname = "g{n}"\naddress = {n * 2}\ntype = "float32"\n'
        for n in range(60)
    )
    return line + device + gauges


def test_a_bus_too_slow_for_its_interval(tmp_path: Path) -> None:
    told = one_fault(tmp_path, HEAD, slow_site(1200, 1))
    assert told.startswith("agent.toml:10: ports[0].baud: this bus cannot meet 1 s: it needs 2.")


def test_a_bus_that_is_fast_enough(tmp_path: Path) -> None:
    (port,) = read(tmp_path, HEAD, slow_site(1200, 3)).ports
    assert port == SerialPort("line", "/dev/ttyUSB0", 1200)
    assert read(tmp_path, HEAD, slow_site(9600, 1))


# --------------------------------------------------------------------------------------- profiles


def test_a_profile_gives_gauges_and_the_device_goes_before_it(tmp_path: Path) -> None:
    device = DEVICE + 'profile = "tank-gauge"\nmax_gap = 3\n'
    mine = '[[devices.gauges]]\nname = "oil_level"\nhigh = 20\n'
    settings = read(tmp_path, HEAD, TCP, device, mine)
    level = settings.gauges[0]
    assert (level.name, level.high, level.address, level.kind) == (
        "well.oil_level",
        20,
        100,
        "float32",
    )
    assert len(settings.gauges) == 5
    assert (settings.devices[0].max_gap, settings.devices[0].profile) == (3, "tank-gauge")


def test_a_profile_of_the_sites_own(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "ours.toml").write_text(GAUGE.replace("devices.", ""))
    device = DEVICE + 'profile = "ours"\n'
    assert [g.name for g in read(tmp_path, HEAD, TCP, device).gauges] == ["well.pressure"]


def test_a_fault_in_a_profile_is_told_in_its_file(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    bad = GAUGE.replace("devices.", "").replace("float32", "float16") + "[more]\n"
    (tmp_path / "profiles" / "ours.toml").write_text("speed = 3\n" + bad)
    told = faults(tmp_path, HEAD, TCP, DEVICE + 'profile = "ours"\n')
    assert any(fault.startswith("profiles/ours.toml:1: speed: ") for fault in told)


def test_an_unknown_profile_names_those_there_are(tmp_path: Path) -> None:
    told = faults(tmp_path, HEAD, TCP, DEVICE + 'profile = "tank"\n', GAUGE)
    assert "there is no profile called 'tank'; there are: gas-detector, gas-meter" in told[0]


@pytest.mark.parametrize("name", profiles.names(ROOT))
def test_every_profile_is_sound(tmp_path: Path, name: str) -> None:
    settings = read(tmp_path, HEAD, TCP, DEVICE + f'profile = "{name}"\n')
    assert len({gauge.name for gauge in settings.gauges}) == len(settings.gauges) >= 4


# -------------------------------------------------------------------------------- what run needs


def test_running_needs_a_password_and_the_files_it_names(tmp_path: Path) -> None:
    head = HEAD + 'ca_file = "ca.pem"\n'
    settings = read(tmp_path, head, TCP, DEVICE, GAUGE)
    told = [str(fault) for fault in missing_to_run(settings, "agent.toml")]
    assert "WELLFLOW_MQTT_PASSWORD" in told[0]
    assert "there is no file" in told[1]
    (tmp_path / "ca.pem").write_text("")
    ready = read(tmp_path, head, TCP, DEVICE, GAUGE, environ={"WELLFLOW_MQTT_PASSWORD": "x"})
    assert missing_to_run(ready, "agent.toml") == []
