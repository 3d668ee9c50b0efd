"""A configuration is judged whole: every fault at once, each with its file, line and key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from agent.contract.configfile import ConfigError, ConfigFile, Fault, Section, fail

SITE = """\
# a well site
[agent]
name = "alpha"

[mqtt]
url = "mqtts://hub"   # the office
"keep.alive" = 30

[[devices]]
name = "pump"
unit = 1

  [[devices.gauges]]
  tag = "a"

  [[devices.gauges]]
  tag = "b"
  scale = "wide"

[[devices]]
name = "tank"
limits.low = 5

[[devices.gauges]]
tag = "c"

[devices.bus]
speed = 9600
"""


def loaded(tmp_path: Path, text: str, environ: Mapping[str, str] | None = None) -> ConfigFile:
    path = tmp_path / "site.toml"
    path.write_text(text, encoding="utf-8")
    return ConfigFile.load(path, environ or {})


def faults(file: ConfigFile) -> list[tuple[int | None, str, str]]:
    with pytest.raises(ConfigError) as caught:
        file.finish()
    return [(fault.line, fault.key, fault.message) for fault in caught.value.faults]


def refused(path: Path) -> Fault:
    with pytest.raises(ConfigError) as caught:
        ConfigFile.load(path, {})
    (fault,) = caught.value.faults
    return fault


# ---------------------------------------------------------------------------------- lines


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("agent", 2),
        ("agent.name", 3),
        ("mqtt.url", 6),
        ("devices[0]", 9),
        ("devices[0].unit", 11),
        ("devices[0].gauges[0].tag", 14),
        ("devices[0].gauges[1].tag", 17),
        ("devices[0].gauges[1].scale", 18),
        ("devices[1].name", 21),
        ("devices[1].limits.low", 22),
        ("devices[1].bus.speed", 28),
    ],
)
def test_a_fault_names_the_line_of_its_key(tmp_path: Path, key: str, line: int) -> None:
    file = loaded(tmp_path, SITE)
    file.fault(key, "is wrong")
    assert faults(file) == [(line, key, "is wrong")]


@pytest.mark.parametrize(
    ("key", "line"),
    [("agent.shard", 2), ("devices[1].unit", 20), ("devices[0].gauges[1].low.most", 16)],
)
def test_a_missing_key_is_told_at_the_table_it_belongs_to(
    tmp_path: Path, key: str, line: int
) -> None:
    file = loaded(tmp_path, SITE)
    file.fault(key, "is missing")
    assert faults(file) == [(line, key, "is missing")]


def test_a_list_below_the_second_table_of_a_list_counts_anew(tmp_path: Path) -> None:
    file = loaded(tmp_path, SITE)
    file.fault("devices[1].gauges[0].tag", "is wrong")
    assert faults(file) == [(25, "devices[1].gauges[0].tag", "is wrong")]


def test_a_table_that_is_not_there_has_no_line(tmp_path: Path) -> None:
    file = loaded(tmp_path, SITE)
    file.root().section("outbox").text("path")
    assert faults(file) == [(None, "outbox.path", "is missing; it has no default")]


def test_getters_find_the_lines_in_lists_of_tables(tmp_path: Path) -> None:
    file = loaded(tmp_path, SITE)
    for device in file.root().sections("devices"):
        for gauge in device.sections("gauges"):
            gauge.number("scale", 1.0)
    assert faults(file) == [(18, "devices[0].gauges[1].scale", "must be a number, not 'wide'")]


def test_a_fault_reads_as_file_line_key_and_sentence() -> None:
    assert str(Fault("a.toml", 7, "mqtt.url", "is missing")) == "a.toml:7: mqtt.url: is missing"
    assert str(Fault("a.toml", None, "mqtt.url", "is missing")) == "a.toml: mqtt.url: is missing"
    assert str(Fault("a.toml", None, "", "not UTF-8")) == "a.toml: not UTF-8"


# --------------------------------------------------------------------------------- faults


def test_all_faults_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = 'a = "x"\nb = 1.5\nc = 99\nd = "blue"\ne = "maybe"\nf = nan\ng = 7\nh = 1\ni = 2\n'
    file = loaded(tmp_path, text)
    root = file.root()
    root.sections("i")
    list(root.sections("i"))
    root.section("h")
    root.text("g")
    root.number("f")
    root.flag("e")
    root.text("d", choices=["red", "green"])
    root.integer("c", low=1, high=10)
    root.integer("b")
    root.number("a")
    assert faults(file) == [
        (1, "a", "must be a number, not 'x'"),
        (2, "b", "must be a whole number, not 1.5"),
        (3, "c", "99 is not between 1 and 10"),
        (4, "d", "'blue' is not one of red, green"),
        (5, "e", "must be true or false, not 'maybe'"),
        (6, "f", "must be a finite number, not nan"),
        (7, "g", "must be a text in quotes, not 7"),
        (8, "h", "must be a table, [h], not 1"),
        (9, "i", "must be a list of tables, [[i]], not 2"),
    ]


def test_the_sentence_holds_every_fault_on_a_line_of_its_own(tmp_path: Path) -> None:
    file = loaded(tmp_path, "a = 0\nb = 9\n")
    file.root().number("a", low=1)
    file.root().number("b", high=5)
    with pytest.raises(ConfigError) as caught:
        file.finish()
    path = tmp_path / "site.toml"
    assert str(caught.value) == f"{path}:1: a: 0 is not at least 1\n{path}:2: b: 9 is not at most 5"


def test_a_fault_found_twice_is_told_once(tmp_path: Path) -> None:
    file = loaded(tmp_path, "a = true\n")
    file.root().number("a")
    file.root().number("a")
    assert faults(file) == [(1, "a", "must be a number, not True")]


def test_a_sound_file_has_none(tmp_path: Path) -> None:
    file = loaded(tmp_path, 'a = 1\nb = true\nc = "x"\n')
    root = file.root()
    assert (root.integer("a"), root.flag("b"), root.text("c")) == (1, True, "x")
    assert (root.number("d", 2.5), root.optional("e")) == (2.5, None)
    root.done()
    file.finish()


def test_an_unknown_key_is_told_with_those_there_are(tmp_path: Path) -> None:
    file = loaded(tmp_path, '[mqtt]\nurl = "x"\nuser = "y"\n')
    section = file.root().section("mqtt")
    section.text("url")
    section.optional("username")
    section.done()
    message = "is not a setting; the settings here are url, username"
    assert faults(file) == [(3, "mqtt.user", message)]


def test_settings_beneath_are_used_where_a_section_has_none(tmp_path: Path) -> None:
    file = loaded(tmp_path, '[device]\norder = "big"\n')
    section = file.root().section("device")
    whole = section.over({"order": "little", "unit": 7})
    assert (whole.text("order"), whole.integer("unit")) == ("big", 7)
    section.done()
    file.finish()


# ---------------------------------------------------------------------------- environment


def environment(environ: Mapping[str, str]) -> Section:
    return ConfigFile.load(None, environ).root()


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    environ = {"WELLFLOW_MQTT_KEEP_ALIVE": "60", "WELLFLOW_MQTT_TLS": "no"}
    file = loaded(tmp_path, "[mqtt]\nkeep-alive = 30\ntls = true\n", environ)
    section = file.root().section("mqtt")
    assert (section.integer("keep-alive"), section.flag("tls")) == (60, False)
    file.finish()


def test_without_a_file_settings_come_from_the_environment_alone() -> None:
    root = environment({"WELLFLOW_DATABASE_URL": "postgresql://db"})
    assert root.section("database").text("url") == "postgresql://db"
    assert root.section("mqtt").has("url") is False


def test_a_secret_comes_from_the_file_the_environment_names(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("tight hole\n", encoding="utf-8")
    section = environment({"WELLFLOW_MQTT_PASSWORD_FILE": str(secret)}).section("mqtt")
    assert section.text("password") == section.optional("password") == "tight hole"


def test_the_variable_goes_before_the_file_it_could_name(tmp_path: Path) -> None:
    environ = {"WELLFLOW_MQTT_PASSWORD": "one", "WELLFLOW_MQTT_PASSWORD_FILE": "/nowhere"}
    assert environment(environ).section("mqtt").text("password") == "one"


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["missing", "not text"])
def test_a_secret_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)
    section = environment({"WELLFLOW_MQTT_PASSWORD_FILE": str(path)}).section("mqtt")
    section.text("password", "")
    ((line, key, message),) = faults(section.file)
    assert (line, key) == (None, "mqtt.password")
    assert message.startswith(f"WELLFLOW_MQTT_PASSWORD_FILE names {path}, which cannot be read: ")


def test_a_wrong_number_in_the_environment_is_told() -> None:
    root = environment({"WELLFLOW_WORKERS": "many"})
    root.integer("workers", 1, low=1)
    assert faults(root.file) == [(None, "workers", "must be a number, not 'many'")]


def test_lists_of_tables_come_from_the_file_only(tmp_path: Path) -> None:
    file = loaded(tmp_path, SITE, {"WELLFLOW_DEVICES[0]_NAME": "x", "WELLFLOW_DEVICES_NAME": "y"})
    names = [device.text("name") for device in file.root().sections("devices")]
    assert names == ["pump", "tank"]


# ------------------------------------------------------------------- files that are no use


def test_a_line_that_is_not_toml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text('[agent]\nname = "alpha"\nshard = = 1\n', encoding="utf-8")
    fault = refused(path)
    assert (fault.file, fault.line, fault.key) == (str(path), 3, "")
    assert fault.message.startswith("not TOML: ")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nothing.toml"
    assert refused(path) == Fault(str(path), None, "", "No such file or directory")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert refused(tmp_path) == Fault(str(tmp_path), None, "", "Is a directory")


def test_a_file_in_another_encoding_is_told(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes('name = "Öl"\n'.encode("latin-1"))
    assert refused(path).message.startswith("not UTF-8: ")


def test_one_sentence_can_be_a_whole_refusal() -> None:
    with pytest.raises(ConfigError) as caught:
        fail("site.toml", "the site has no devices")
    assert str(caught.value) == "site.toml: the site has no devices"
