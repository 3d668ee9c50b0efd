"""`wellflow-hub import`: real files of a state, and spreadsheets as operators keep them."""

from __future__ import annotations

import argparse
import csv
import io
import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import text

from hub.__main__ import parser
from hub.cli.importing import Bar, take_in
from hub.cli.screen import CommandError, Screen
from hub.imports.columns import MappingError
from hub.seal import unseal
from tests import cast as people
from tests.servers import postgres

COLORADO = Path(__file__).resolve().parents[1] / "data" / "colorado"
WELL = "05-001-07727"
KEY = bytes(32)


@dataclass
class Desk:
    """Somebody who imports files into one database."""

    database: postgres.Database
    cast: people.Cast
    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def ask(self, *words: object) -> tuple[int, dict[str, Any]]:
        """Import for Bluebonnet; answers the exit code and the report."""
        asked = self.parse("--json", *words)
        out = io.StringIO()
        return take_in(asked, Screen(as_json=True, out=out)), json.loads(out.getvalue())

    def parse(self, *words: object) -> argparse.Namespace:
        for name, value in {
            "DATABASE_URL": self.database.url,
            "MQTT_URL": "mqtt://127.0.0.1",
            "SECRET_KEY": "A" * 43 + "=",
        }.items():
            self.monkeypatch.setenv(f"WELLFLOW_{name}", value)
        return parser().parse_args(["import", *map(str, words), "--organization", "bluebonnet"])

    def file(self, name: str, *rows: str) -> Path:
        """A CSV file of these lines."""
        path = self.folder / name
        path.write_text("\n".join(rows) + "\n", "utf-8")
        return path

    def rows(self, query: str, **values: object) -> list[Any]:
        with self.database.engine("owner").connect() as connection:
            return list(connection.execute(text(query), values))

    def one(self, query: str, **values: object) -> Any:
        (row,) = self.rows(query, **values)
        return row[0] if len(row) == 1 else row


@pytest.fixture
def desk(
    database: postgres.Database,
    cast: people.Cast,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Desk:
    """A desk at which nothing has been imported yet."""
    return Desk(database, cast, tmp_path, monkeypatch)


def published(name: str) -> list[dict[str, str]]:
    with (COLORADO / f"{name}_production_data.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


# -------------------------------------------------------------------------- a state's own files


def test_a_states_file_is_taken_as_it_was_published(desk: Desk) -> None:
    """Every month, its volumes and its days; what was not reported stays empty and is not zero."""
    path = COLORADO / f"{WELL}_production_data.csv"
    code, report = desk.ask("production", path, "--add-wells")
    rows = published(WELL)
    assert (code, report["added"], report["bad"]) == (0, len(rows), [])
    stored = desk.one(
        """SELECT count(*), sum(oil_bbl), sum(gas_mcf), sum(water_bbl), sum(days_produced),
                  count(*) FILTER (WHERE oil_bbl IS NULL)
             FROM production_records p JOIN wells w ON w.id = p.well_id
            WHERE w.api14 = '05001077270000' AND record_kind = 'state_reported'
              AND source = 'import' AND extract(day FROM production_date) = 1"""
    )

    def total(column: str) -> Decimal:
        return sum((Decimal(row[column] or 0) for row in rows), Decimal(0))

    columns = ("Oil Produced", "Gas Produced", "Water Volume", "Days Produced")
    assert tuple(stored)[1:5] == tuple(map(total, columns))
    assert (stored[0], stored[5]) == (len(rows), sum(not row["Oil Produced"] for row in rows))
    assert desk.one("SELECT name FROM wells WHERE api14 = '05001077270000'") == WELL


def test_the_same_file_again_changes_nothing(desk: Desk) -> None:
    path = COLORADO / "05-123-09456_production_data.csv"
    desk.ask("production", path, "--add-wells")
    before = desk.rows("SELECT id, row_version, revision FROM production_records ORDER BY id")
    trail = desk.one("SELECT count(*) FROM audit_log WHERE verb <> 'import'")
    code, report = desk.ask("production", path, "--add-wells")
    assert (code, report["added"], report["changed"], report["stored"]) == (0, 0, 0, False)
    assert report["unchanged"] == len(before) == 48
    assert before == desk.rows(
        "SELECT id, row_version, revision FROM production_records ORDER BY id"
    )
    assert trail == desk.one("SELECT count(*) FROM audit_log WHERE verb <> 'import'")


def test_a_corrected_month_is_the_only_one_that_changes(desk: Desk) -> None:
    source = COLORADO / "05-123-09456_production_data.csv"
    desk.ask("production", source, "--add-wells")
    rows = published("05-123-09456")
    rows[10]["Gas Produced"] = "4321"
    path = desk.folder / "corrected.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    code, report = desk.ask("production", path)
    assert (code, report["changed"], report["unchanged"]) == (0, 1, 47)
    changed = desk.one("SELECT production_date, gas_mcf, revision FROM production_records"
                       " WHERE revision > 0")  # fmt: skip
    assert tuple(changed) == (date.fromisoformat(rows[10]["First of Month"]), Decimal(4321), 1)


def test_without_the_wells_every_line_says_what_is_missing(desk: Desk) -> None:
    code, report = desk.ask("production", COLORADO / "05-123-09456_production_data.csv")
    assert (code, len(report["bad"]), report["stored"]) == (1, 48, False)
    assert report["bad"][0] == {
        "line": 2,
        "sentence": "There is no well with API number 05-123-09456; import the wells first, or use"
        " --add-wells.",
    }


def test_a_dry_run_tells_everything_and_stores_nothing(desk: Desk) -> None:
    path = COLORADO / "05-123-09456_production_data.csv"
    code, report = desk.ask("production", path, "--add-wells", "--dry-run")
    assert (code, report["added"], report["stored"]) == (0, 48, False)
    assert report["mapping"]["First of Month"] == "date"
    assert report["mapping"]["API Sequence"] == "api_sequence"
    assert "BOM Inventory" in report["ignored"]
    assert not desk.rows("SELECT 1 FROM production_records")
    assert not desk.rows("SELECT 1 FROM wells WHERE api14 = '05123094560000'")


# ------------------------------------------------------------------------ operators' own lists


def test_daily_volumes_of_a_spreadsheet(desk: Desk) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Well", "Date", "Oil", "Gas", "Water", "Tbg PSI", "Hrs", "Remarks"])
    sheet.append(["BLUEBONNET  1h", date(2026, 3, 1), 41.5, 120, 12, 250, 24, "pumped off"])
    sheet.append(["Bluebonnet 1H", date(2026, 3, 2), "1,041.25", None, 0, None, 23.5, None])
    path = desk.folder / "daily.xlsx"
    book.save(path)
    code, report = desk.ask("production", path)
    assert (code, report["added"], report["bad"]) == (0, 2, [])
    stored = desk.rows(
        "SELECT production_date, record_kind, oil_bbl, gas_mcf, water_bbl, tubing_psig, hours_on,"
        " note FROM production_records ORDER BY 1"
    )
    assert [tuple(row) for row in stored] == [
        (date(2026, 3, 1), "measured", *map(Decimal, ("41.5", "120", "12", "250", "24")),
         "pumped off"),
        (date(2026, 3, 2), "measured", Decimal("1041.25"), None, Decimal(0), None,
         Decimal("23.5"), None),
    ]  # fmt: skip


def test_every_bad_line_is_told_and_nothing_is_stored(desk: Desk) -> None:
    """By our own rules and by the database's alike; the good lines wait, unless told otherwise."""
    path = desk.file(
        "daily.csv",
        "Well,Date,Oil,Gas,Hrs",
        "Bluebonnet 1H,2026-03-02,40,100,24",
        "Bluebonnet 1H,2026-02-30,40,100,24",
        "Bluebonnet 9H,2026-03-03,40,100,24",
        "Bluebonnet 1H,2026-03-04,forty,100,24",
        "Bluebonnet 1H,2026-03-05,-4,100,24",
        "Bluebonnet 1H,2026-03-06,40,100,26",
        "Bluebonnet 1H,2026-03-02,41,100,24",
    )
    code, report = desk.ask("production", path)
    said = {bad["line"]: bad["sentence"] for bad in report["bad"]}
    assert (code, report["stored"], sorted(said)) == (1, False, [3, 4, 5, 6, 7, 8])
    assert "takes a day of the calendar" in said[3]
    assert "no well with the name 'Bluebonnet 9H'" in said[4]
    assert said[5].startswith("Oil takes a number")
    assert "Oil" in said[6]
    assert said[7].startswith("Hours on ")
    assert said[8] == "Line 2 tells the same row otherwise; keep one of them."
    assert all(sentence.endswith(".") for sentence in said.values())
    assert not desk.rows("SELECT 1 FROM production_records")
    code, report = desk.ask("production", path, "--skip-bad")
    assert (code, report["added"], report["stored"]) == (1, 1, True)
    assert len(desk.rows("SELECT 1 FROM production_records")) == 1


def test_wells_with_their_leases_and_formations(desk: Desk) -> None:
    """As a list from another program: short codes, dashes, a lost zero, days the American way."""
    path = desk.file(
        "wells.csv",
        "API Number,Well Name,Lease,County,State,Status,Type,Lift,Formation,Latitude,Long,Spud",
        "42-389-12345,Mesquite 1,Mesquite,Reeves,TX,PR,OW,Rod,Wolfcamp,31.4,-103.5,3/15/2019",
        "512308053,Painted 8,,,,SI,O,,J SAND,,,",
        ",Bluebonnet 2H,Bluebonnet Energy Unit 1,,,TA,,,,,,",
    )
    code, report = desk.ask("wells", path)
    assert (code, report["added"], report["changed"], report["bad"]) == (0, 2, 1, [])
    assert report["notes"] == ["Lease Mesquite is new."]
    stored = desk.one(
        """SELECT w.api14, w.status, w.well_type, w.lift_type, w.spud_date, l.name, l.county,
                  c.formation
             FROM wells w JOIN leases l ON l.id = w.lease_id JOIN completions c ON c.well_id = w.id
            WHERE w.name = 'Mesquite 1'"""
    )
    assert tuple(stored) == (
        *("42389123450000", "producing", "oil", "rod_pump", date(2019, 3, 15)),
        *("Mesquite", "Reeves", "Wolfcamp"),
    )
    assert desk.one("SELECT api14 FROM wells WHERE name = 'Painted 8'") == "05123080530000"
    status = desk.one("SELECT status FROM wells WHERE name = 'Bluebonnet 2H'")
    assert status == "temporarily_abandoned"
    code, report = desk.ask("wells", path)
    assert (code, report["added"], report["changed"], report["unchanged"]) == (0, 0, 0, 3)


def test_partners_keep_their_tax_numbers_sealed(desk: Desk) -> None:
    path = desk.file(
        "partners.csv",
        "Owner No,Owner Name,Type,EIN,Address,City,State,Zip,Min Pay",
        '1001,Alamo Minerals LLC,LLC,12-3456789,"PO Box 1",Midland,TX,79701,$100.00',
        "1002,Estate of J. Doe,Estate,,,,,,",
        "1003,Bad Number,Person,12345,,,,,",
    )
    report = desk.ask("partners", path)[1]
    assert [bad["sentence"] for bad in report["bad"]] == [
        "Tax id takes the 9 digits of an EIN or SSN."
    ]
    report = desk.ask("partners", path, "--skip-bad")[1]
    assert report["added"] == 2
    row = desk.one("SELECT id, name, tax_id_last4, remit_address, min_pay, kind, tax_id_enc"
                   " FROM partners WHERE code = '1001'")  # fmt: skip
    assert tuple(row)[2:6] == ("6789", "PO Box 1, Midland TX 79701", Decimal(100), "company")
    assert unseal(KEY, bytes(row[6]), "partners", row[0]) == b"123456789"
    assert desk.ask("partners", path, "--skip-bad")[1]["unchanged"] == 2


def test_owners_become_draft_decks(desk: Desk) -> None:
    """One list with working and revenue interests makes a billing and a revenue deck."""
    desk.ask("partners", desk.file("partners.csv", "Code,Name", "A,Alamo", "B,Brazos", "C,Comal"))
    path = desk.file(
        "owners.csv",
        "Lease,Owner,Interest Type,WI,NRI,Effective Date",
        "Bluebonnet Energy Unit 1,A,Working,75%,0.60,1/1/2026",
        "Bluebonnet Energy Unit 1,Brazos,WI,0.25,0.20,1/1/2026",
        "Bluebonnet Energy Unit 1,C,Royalty,0,0.1875,1/1/2026",
    )
    with pytest.raises(CommandError, match="--by EMAIL"):
        desk.ask("owners", path)
    code, report = desk.ask("owners", path, "--by", "bob@example.com")
    assert (code, report["bad"]) == (0, [])
    decks = desk.rows(
        """SELECT d.deck_kind, d.status, sum(p.decimal_interest), count(*)
             FROM ownership_decks d JOIN lease_partners p ON p.deck_id = d.id
            GROUP BY 1, 2 ORDER BY 1"""
    )
    assert [tuple(row) for row in decks] == [
        ("billing", "draft", Decimal(1), 2),
        ("revenue", "draft", Decimal("0.9875"), 3),
    ]
    assert [note for note in report["notes"] if "sums to 0.9875" in note]
    again = desk.ask("owners", path, "--by", "bob@example.com")[1]
    assert (again["added"], again["changed"], again["unchanged"]) == (0, 0, 5)
    path.write_text(path.read_text().replace("0.1875", "0.2000"))
    assert desk.ask("owners", path, "--by", "bob@example.com")[1]["changed"] == 3
    (maker,) = desk.rows("SELECT DISTINCT created_by FROM ownership_decks")
    assert maker[0] == desk.cast.bluebonnet.manager


def test_another_operators_wells_are_not_there(desk: Desk) -> None:
    path = desk.file("daily.csv", "Well,Date,Oil", "Cimarron 1H,2026-03-02,40")
    code, report = desk.ask("production", path)
    assert code == 1
    assert "no well with the name 'Cimarron 1H'" in report["bad"][0]["sentence"]


# --------------------------------------------------------------------------------------- the file


def test_columns_can_be_told(desk: Desk) -> None:
    path = desk.file("odd.csv", "Pozo,Tag,Petroleo,Oil", "Bluebonnet 1H,2026-03-02,40,99")
    with pytest.raises(MappingError, match="No column tells the date"):
        desk.ask("production", path)
    told = ["Pozo=well", "Tag=date", "Petroleo=oil_bbl", "Oil=-"]
    words = [word for pair in told for word in ("--map", pair)]
    assert desk.ask("production", path, *words)[1]["added"] == 1
    assert desk.one("SELECT oil_bbl FROM production_records") == Decimal(40)
    with pytest.raises(MappingError, match="'Pozzo=well' does not name a column"):
        desk.ask("production", path, "--map", "Pozzo=well")
    with pytest.raises(MappingError, match="'pump' is not a field"):
        desk.ask("production", path, "--map", "Pozo=pump")


def test_who_may_import(desk: Desk) -> None:
    path = desk.file("wells.csv", "Well Name", "New 1")
    with pytest.raises(CommandError, match="is a pumper, who may not import"):
        desk.ask("wells", path, "--by", "carl@example.com")
    with pytest.raises(CommandError, match="does not work for this operator"):
        desk.ask("wells", path, "--by", "dora@example.com")


def test_the_trail_tells_of_the_file(desk: Desk) -> None:
    path = desk.file("mine.csv", "Well Name", "New 1")
    desk.ask("wells", path, "--by", "bob@example.com")
    noted = desk.one("SELECT after, user_id, door FROM audit_log WHERE verb = 'import'"
                     " ORDER BY id DESC LIMIT 1")  # fmt: skip
    assert noted[0]["file"] == "mine.csv"
    assert noted[1:] == (desk.cast.bluebonnet.manager, "import")
    made = desk.one("SELECT user_id, door FROM audit_log WHERE table_name = 'wells' AND"
                    " verb = 'insert' ORDER BY id DESC LIMIT 1")  # fmt: skip
    assert tuple(made) == (desk.cast.bluebonnet.manager, "import")


def test_in_words(desk: Desk) -> None:
    out = io.StringIO()
    path = desk.file("daily.csv", "Well,Date,Oil", "Nowhere,2026-03-02,40")
    assert take_in(desk.parse("production", path), Screen(out=out)) == 1
    assert "Columns: Well → well, Date → date, Oil → oil_bbl" in out.getvalue()
    assert "1 lines: 0 new, 0 changed, 0 as they were, 1 bad. Nothing was stored" in out.getvalue()


def test_the_bar_fills() -> None:
    bar = Bar()
    assert bar.words() == ""
    bar.move(500, 1000)
    assert bar.words() == "████████████············ 500 of 1,000 lines"


# --------------------------------------------------------------- files that name no well as such

METRES = "prfPrdOilNetMillSm3,prfPrdGasNetBillSm3,prfPrdNGLNetMillSm3"
SODIR = (
    f"prfInformationCarrier,prfYear,prfMonth,{METRES},prfPrdProducedWaterInFieldMillSm3",
    "16/1-12 Troldhaugen,2021,8,0.00653,0.00000,0.00000,0.00000",
    "16/1-12 Troldhaugen,2021,9,0.02573,0.00173,0.00000,0.00719",
)
ONRR = (
    "Month,Calendar Year,Land Class,Land Category,Commodity, Volume ",
    'January,2003,Federal,Onshore,Gas Prod Vol (mcf)," 388,912,405 "',
    'January,2003,Federal,Onshore,Oil Prod Vol (bbl)," 51,902,064 "',
    'January,2003,Federal,Onshore,Coal Prod Vol (ton)," 1,000 "',
    'January,2003,Native American,Onshore,Oil Prod Vol (bbl)," 7 "',
)
VOLUMES = (
    "SELECT w.name, production_date::text, oil_bbl, gas_mcf, water_bbl, gas_pressure_base_psia"
    " FROM production_records p JOIN wells w ON w.id = p.well_id ORDER BY 1, 2"
)


def test_a_field_counts_as_a_well_where_that_is_said(desk: Desk) -> None:
    """Norway's file: fields, cubic metres. 25,730 m3 of oil are 161,836.83 barrels."""
    path = desk.file("sodir.csv", *SODIR)
    with pytest.raises(MappingError, match="No column tells the well"):
        desk.ask("production", path)
    told = ("--map", "prfInformationCarrier=well")
    assert len(desk.ask("production", path, *told)[1]["bad"]) == 2
    code, report = desk.ask("production", path, *told, "--add-wells")
    assert (code, report["added"], report["bad"]) == (0, 2, [])
    _, last = desk.rows(VOLUMES)
    assert tuple(last[:3]) == ("16/1-12 Troldhaugen", "2021-09-01", Decimal("161836.8311"))
    assert float(last[3]) == pytest.approx(1.73e6 * 0.0353146667 * 288.7056 / 288.15, rel=1e-9)
    assert tuple(last[4:]) == (Decimal("45223.7394"), Decimal("14.696"))
    assert "prfPrdNGLNetMillSm3" in report["ignored"]
    assert desk.ask("production", path, *told)[1]["unchanged"] == 2


def test_a_line_per_commodity_becomes_one_record(desk: Desk) -> None:
    """The sums of a federal office: two columns name the owner of the land, one the commodity."""
    told = ("--map", "Land Class=well", "--map", "Land Category=well", "--add-wells")
    code, report = desk.ask("production", desk.file("onrr.csv", *ONRR), *told)
    assert (code, report["bad"], report["added"]) == (0, [], 2)
    assert any("Coal Prod Vol (ton)" in note for note in report["notes"])
    assert [tuple(row[:4]) for row in desk.rows(VOLUMES)] == [
        ("Federal Onshore", "2003-01-01", Decimal(51902064), Decimal(388912405)),
        ("Native American Onshore", "2003-01-01", Decimal(7), None),
    ]


def test_a_file_of_one_well_is_told_which_and_when_it_begins(desk: Desk) -> None:
    path = desk.file("rates.csv", "time_days,rate_boe_per_day", "15.0,180.6333333", "45.5,261.64")
    told = ("--map", "time_days=day_number", "--map", "rate_boe_per_day=oil_bbl:bbl")
    code, report = desk.ask("production", path, *told, "--set", "well=Demo 1", "--add-wells")
    assert code == 1
    assert "Days are counted from a first one" in report["bad"][0]["sentence"]
    also = ("--set", "well=Demo 1", "--set", "first_day=2015-01-01", "--add-wells")
    code, report = desk.ask("production", path, *told, *also)
    assert (code, report["added"]) == (0, 2)
    assert [tuple(row[:3]) for row in desk.rows(VOLUMES)] == [
        ("Demo 1", "2015-01-16", Decimal("180.6333")),
        ("Demo 1", "2015-02-15", Decimal("261.6400")),
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--map", "Oil=oil_bbl:mcf"), "no unit of oil_bbl"),
        (("--map", "Day=date:bbl"), "it has none"),
        (("--set", "colour=red"), "does not tell a field"),
    ],
)
def test_a_unit_or_value_that_is_none_is_refused(
    desk: Desk, words: tuple[str, ...], said: str
) -> None:
    path = desk.file("daily.csv", "Well,Day,Oil", "A,2026-01-01,5")
    with pytest.raises(MappingError, match=said):
        desk.ask("production", path, *words)


def test_an_import_line_tells_all_that_is_wrong_with_it(desk: Desk) -> None:
    path = desk.file("daily.csv", "Well,Day,Oil,Hours,Choke", "Nobody,2026-02-30,x,26,12")
    sentence = desk.ask("production", path)[1]["bad"][0]["sentence"]
    for part in ("no well with the name 'Nobody'", "day of the calendar", "Oil takes", "Hours on"):
        assert part in sentence
    wells = desk.file("wells.csv", "Well,Latitude,MD", "Somewhere,131.4,deep")
    sentence = desk.ask("wells", wells)[1]["bad"][0]["sentence"]
    assert "Latitude takes" in sentence
    assert "takes a number" in sentence
