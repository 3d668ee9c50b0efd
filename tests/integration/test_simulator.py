"""The simulated site serves what its sources say, breaks as it is told, and writes it all down."""

from __future__ import annotations

import asyncio
import csv
import gzip
import itertools
import json
import time
from collections import defaultdict
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from agent.contract.blocks import Quality, Sample
from agent.contract.configfile import ConfigError
from agent.equipment import DeviceSettings, GaugeSettings, TcpPort
from agent.look import Row, _look
from agent.modbus import ModbusBus
from agent.poller import Poller
from agent.settings import AgentSettings
from agent.simulator import (
    FaultBook,
    Faults,
    SimulatedDevice,
    Site,
    SitePlan,
    default_plan,
    read_plan,
)
from agent.simulator.models import RodPump, StockTank
from agent.simulator.recording import BUNDLED, Recording, names
from tests.field.settings import gauges_at, site, site_of

EVENT = "class2_WELL-00003_20180206182917"


class WallClock:
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


def go(main: Coroutine[Any, Any, Any]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(60):
            return await main

    return asyncio.run(bounded())


def on_a_free_port(settings: AgentSettings) -> AgentSettings:
    return site(settings.devices, settings.gauges, (TcpPort("pad", "127.0.0.1", 0),))


async def look(running: Site) -> dict[str, Row]:
    settings = running.addressed()
    rows = await _look(settings, {d.name for d in settings.devices}, ModbusBus)
    return {row.tag: row for row in rows}


def counters(*units: int, interval_s: float = 0.1, source: str = "count_reads"):
    settings = on_a_free_port(
        site_of(*units, addresses=range(0, 20, 2), interval_s=interval_s, timeout_s=5.0)
    )
    return settings, SitePlan(devices={d.name: SimulatedDevice(source) for d in settings.devices})


async def poll_until(running: Site, enough: Any) -> list[Sample]:
    samples: list[Sample] = []
    poller = Poller(running.addressed(), samples.extend, WallClock())
    polling = asyncio.create_task(poller.run())
    while not enough(samples):
        await asyncio.sleep(0.02)
        assert not polling.done(), polling.exception()
    polling.cancel()
    await asyncio.wait({polling})
    return samples


# --------------------------------------------------------------------------------- the journal


def test_every_value_served_is_written_down_and_arrives_once(tmp_path: Path) -> None:
    settings, plan = counters(1, 2, 3)
    journal = tmp_path / "served.jsonl"

    async def main() -> list[Sample]:
        async with Site(settings, plan, journal=journal) as running:
            return await poll_until(running, lambda samples: len(samples) >= 600)

    arrived = defaultdict(list)
    for sample in go(main()):
        assert sample.quality == Quality.GOOD
        arrived[settings.gauges[sample.tag - 1].name].append(sample.value)
    served = defaultdict(list)
    for line in journal.read_text().splitlines():
        entry = json.loads(line)
        assert entry.keys() == {"device", "unit", "tag", "register", "value", "ms"}
        served[entry["tag"]].append(entry["value"])
    for tag, values in arrived.items():
        assert values == list(range(1, len(values) + 1))
        assert served[tag][: len(values)] == values
        assert len(served[tag]) <= len(values) + 1  # one may have been under way at the end


def test_a_counter_of_seconds_follows_the_speed() -> None:
    settings, plan = counters(1, source="count_seconds")

    async def main() -> list[float]:
        fast = SitePlan(speed=1000.0, devices=plan.devices)
        async with Site(settings, fast) as running:
            first = (await look(running))["well-1.g0"].value
            await asyncio.sleep(0.2)
            return [first, (await look(running))["well-1.g0"].value]

    first, later = go(main())
    assert later - first >= 200


# ------------------------------------------------------------------------------------ recordings


@pytest.mark.parametrize("name", names())
def test_every_recording_can_be_replayed(name: str) -> None:
    tape = Recording(BUNDLED / f"{name}.csv.gz")
    assert tape.step_s == 10
    assert tape.seconds == tape.rows * 10
    assert {"P-PDG", "P-TPT", "T-TPT"} <= tape.columns.keys()


def replaying(start_s: float, *, loop: bool = False, speed: float = 1.0):
    its = DeviceSettings("well-1", "pad", 1)
    units = {"tubing_pressure": ("P-TPT", "psi"), "downhole": ("P-PDG", "Pa")}
    units |= {"temperature": ("T-TPT", "degF"), "gas_lift": ("QGL", "Mcf/d")}
    gauges = [
        GaugeSettings(
            n, f"well-1.{name}", "well-1", "holding", n * 2, "float32", unit=unit, decimals=2
        )
        for n, (name, (_, unit)) in enumerate(units.items(), 1)
    ]
    simulated = SimulatedDevice(
        "recording",
        recording=BUNDLED / f"{EVENT}.csv.gz",
        start_s=start_s,
        values={name: column for name, (column, _) in units.items()},
    )
    settings = on_a_free_port(site([its], gauges))
    return settings, SitePlan(speed=speed, loop=loop, devices={"well-1": simulated})


def recorded(row: int) -> dict[str, str]:
    with gzip.open(BUNDLED / f"{EVENT}.csv.gz", "rt") as file:
        return list(csv.DictReader(file))[row]


def served_from(start_s: float, **how: Any) -> dict[str, Row]:
    settings, plan = replaying(start_s, **how)

    async def main() -> dict[str, Row]:
        async with Site(settings, plan) as running:
            return await look(running)

    return go(main())


def test_a_recording_is_served_in_the_gauges_units() -> None:
    rows, then = served_from(1000), recorded(100)
    assert rows["well-1.downhole"].value == pytest.approx(float(then["P-PDG"]), abs=2)
    assert rows["well-1.tubing_pressure"].value == pytest.approx(
        float(then["P-TPT"]) / 6894.757, abs=0.01
    )
    assert rows["well-1.temperature"].value == pytest.approx(
        float(then["T-TPT"]) * 1.8 + 32, abs=0.01
    )


def test_a_blank_column_is_served_as_not_a_number() -> None:
    row = served_from(0)["well-1.gas_lift"]
    assert (row.value, row.quality) == (None, "not a number")


def test_a_recording_holds_or_begins_again() -> None:
    beyond = 509 * 10 + 30
    held = served_from(beyond)["well-1.downhole"].value
    again = served_from(beyond, loop=True)["well-1.downhole"].value
    assert held == pytest.approx(float(recorded(508)["P-PDG"]), abs=2)
    assert again == pytest.approx(float(recorded(3)["P-PDG"]), abs=2)


# ----------------------------------------------------------------------------------------- faults


def simulated(faults: Faults) -> dict[str, Row]:
    settings, plan = counters(1, 2)
    settings = on_a_free_port(
        site(
            [DeviceSettings(d.name, "pad", d.unit, timeout_s=0.3) for d in settings.devices],
            [
                GaugeSettings(g.number, g.name, g.device, "holding", g.address, "float32")
                for g in settings.gauges
            ],
        )
    )

    async def main() -> dict[str, Row]:
        async with Site(settings, plan) as running:
            running.faults.set("well-1", faults)
            return await look(running)

    return go(main())


@pytest.mark.parametrize(
    ("faults", "quality"),
    [
        (Faults(silent=True), "no answer"),
        (Faults(delay_s=1.0), "no answer"),
        (Faults(answers_as=9), "no answer"),
        (Faults(exception=4), "refused"),
        (Faults(exception=11), "no answer"),
        (Faults(nan=("*",)), "not a number"),
        (Faults(short=4), "short"),
        (Faults(short=1000), "short"),
    ],
)
def test_faults_of_a_device_reach_its_gauges_and_no_others(faults: Faults, quality: str) -> None:
    rows = simulated(faults)
    assert rows["well-1.g0"].quality == quality
    assert rows["well-2.g0"].quality == "good"


def test_one_gauge_can_be_illegal_or_not_a_number() -> None:
    rows = simulated(Faults(illegal=(4,), nan=("g8",)))
    assert rows["well-1.g4"].quality == "refused"
    assert rows["well-1.g8"].quality == "not a number"
    assert {rows[f"well-1.g{n}"].quality for n in (0, 2, 6, 10, 18)} == {"good"}


def test_a_frozen_gauge_keeps_its_last_value() -> None:
    settings, plan = counters(1)

    async def main() -> list[tuple[float | None, float | None]]:
        async with Site(settings, plan) as running:
            seen = []
            for faults in (Faults(), Faults(frozen=("g0",)), Faults(frozen=("g0",)), Faults()):
                running.faults.set("well-1", faults)
                rows = await look(running)
                seen.append((rows["well-1.g0"].value, rows["well-1.g2"].value))
            return seen

    assert go(main()) == [(1, 1), (1, 2), (1, 3), (2, 4)]


def test_faults_by_a_control_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    control = tmp_path / "faults.json"
    book = FaultBook(control)
    book.look()
    assert book.of("well") == Faults()
    control.write_text('{"well": {"silent": true, "nan": ["oil_level"]}}')
    book.look()
    assert book.of("well") == Faults(silent=True, nan=("oil_level",))
    control.write_text('{"well": {"sleepy": 3}}  ')
    book.look()
    assert book.of("well").silent
    assert "'sleepy' is not a fault" in caplog.text
    control.unlink()
    book.look()
    assert book.of("well") == Faults()


def test_a_dead_unit_behind_a_real_port_does_not_hold_up_the_others() -> None:
    settings = on_a_free_port(site_of(1, 2, 3, addresses=range(3), interval_s=0.2, timeout_s=0.2))

    async def main() -> list[Sample]:
        async with Site(settings) as running:
            running.faults.set("well-2", Faults(silent=True))
            return await poll_until(running, lambda samples: sum(s.tag == 7 for s in samples) >= 25)

    samples = go(main())
    times = [sample.at for sample in samples if sample.tag == 7]
    assert times[-1] - times[0] <= 24 * 200 + 1500
    assert {s.quality for s in samples if s.tag == 4} == {Quality.NO_ANSWER, Quality.NOT_READ}
    assert {s.quality for s in samples if s.tag != 4 and s.tag not in {5, 6}} == {Quality.GOOD}


# ---------------------------------------------------------------------------------- the models


def hours(count: float) -> range:
    return range(0, int(count * 3600), 60)


def gauge_called(name: str) -> GaugeSettings:
    return GaugeSettings(1, f"x.{name}", "x", "holding", 0, "float32")


def test_a_pump_draws_the_fluid_down_rests_and_starts_again() -> None:
    pump = RodPump(1)
    running = [pump.value(gauge_called("pump_running"), at) for at in hours(48)]
    starts = sum(b > a for a, b in itertools.pairwise(running))
    assert starts >= 3
    assert 0.3 < sum(running) / len(running) < 1.0
    strokes = pump.value(gauge_called("strokes"), 48 * 3600)
    assert strokes == pytest.approx(sum(running) * 7.2, rel=0.05)


def test_a_tank_rises_with_production_and_is_hauled() -> None:
    pump = RodPump(1)
    tank = StockTank(1, [pump])
    levels = [tank.value(gauge_called("oil_level"), at) for at in hours(24 * 5)]
    assert levels[60 * 10] > levels[0] + 0.3
    assert max(levels) < 22
    assert min(levels) > 1.5
    falls = sum(b < a - 0.05 for a, b in itertools.pairwise(levels))
    assert falls >= 1


def test_devices_get_what_suits_their_gauges() -> None:
    well = DeviceSettings("well", "pad", 1)
    gauges = [*gauges_at(well, [0]), GaugeSettings(2, "well.spm", "well", "holding", 5, "uint16")]
    assert default_plan(site([well], gauges)).devices["well"].source == "rod_pump"
    assert default_plan(site_of(1)).devices["well-1"].source == "wave"


# --------------------------------------------------------------------------------- the site file


def test_a_site_file(tmp_path: Path) -> None:
    settings, _ = replaying(0)
    path = tmp_path / "site.toml"
    path.write_text(
        f'speed = 20\nat_end = "hold"\n[[devices]]\nname = "well-1"\nsource = "recording"\n'
        f'recording = "{EVENT}"\nstart_s = 60\n[devices.values]\ntubing_pressure = "P-TPT"\n'
    )
    plan = read_plan(path, settings)
    assert (plan.speed, plan.loop) == (20, False)
    its = plan.devices["well-1"]
    assert its.recording == BUNDLED / f"{EVENT}.csv.gz"
    assert its.values == {"tubing_pressure": "P-TPT"}


def test_every_fault_of_a_site_file_is_told(tmp_path: Path) -> None:
    settings, _ = replaying(0)
    path = tmp_path / "site.toml"
    path.write_text(
        'speed = 0\n[[devices]]\nname = "elsewhere"\n[[devices]]\nname = "well-1"\n'
        f'source = "recording"\nrecording = "{EVENT}"\n[devices.values]\n'
        'tubing_pressure = "P-XYZ"\ntemperature = "P-TPT"\nnothing = "P-TPT"\n'
    )
    with pytest.raises(ConfigError) as caught:
        read_plan(path, settings)
    told = [str(fault).removeprefix(f"{tmp_path}/") for fault in caught.value.faults]
    assert [sentence.split(": ")[0] for sentence in told] == [
        "site.toml:1",
        "site.toml:3",
        "site.toml:9",
        "site.toml:10",
        "site.toml:11",
    ]
    assert "cannot turn Pa into 'degF'" in told[3]
