"""Photos at the site: with the form or by themselves, behind everything else, refused for space."""

from __future__ import annotations

import http.client
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from agent.contract.control import Answer, Birth, Receipt
from agent.contract.photos import PART, digest, joined, part_of
from agent.contract.records import thaw_record
from agent.contract.wire import unpack
from agent.form import uploads
from agent.outbox import Limits, Outbox, StreamInfo
from agent.publisher import Sender
from tests.fielding import BRAVO, DAY, LEE, PIN, RAMOS, FixedClock, PumperSite, pumper_site
from tests.outboxes import T0, fill, fresh, gaps, values
from tests.picturing import heavy, jpeg, multipart

STOP = f"/stop/{BRAVO.stop}"


class Browser:
    """A browser at the site, with or without a script."""

    def __init__(self, site: PumperSite, who: uuid.UUID = RAMOS, pin: str = PIN) -> None:
        self.site, self.cookie = site, ""
        body = f"person={who}&pin={pin}".encode()
        kind = "application/x-www-form-urlencoded"
        self.cookie = self.send("/in", body, kind)[2]["Set-Cookie"].split(";")[0]

    def send(self, path: str, body: bytes, kind: str) -> tuple[int, str, dict[str, str]]:
        line = http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=20)
        sent = {"Cookie": self.cookie, "Content-Type": kind, "Origin": self.site.url}
        line.request("POST", path, body, sent)
        answer = line.getresponse()
        text = answer.read().decode()
        line.close()
        return answer.status, text, dict(answer.getheaders())

    def form(self, files: list[bytes], **typed: str) -> tuple[int, str, dict[str, str]]:
        fields = {"id": str(uuid.uuid4()), "day": DAY, "lang": "en", "do": "save", **typed}
        return self.send(STOP, *multipart(list(fields.items()), files))

    def photo(self, entry: str, content: bytes, name: str = "") -> int:
        path = f"/photo/{entry}/{name or digest(content)}"
        return self.send(path, content, "image/jpeg")[0]


@pytest.fixture
def site() -> Iterator[PumperSite]:
    with pumper_site() as served:
        yield served


def photos(site: PumperSite) -> dict[tuple[str, str], bytes | None]:
    """What waits on the lane of photos, put together."""
    rows = site.outbox.database.execute(
        "SELECT b.body FROM blocks b JOIN streams s ON s.seq = b.stream WHERE s.lane = 'b'"
    ).fetchall()
    found: dict[tuple[str, str], dict[int, Any]] = {}
    for (body,) in rows:
        record = thaw_record(bytes(body))
        assert record.kind == "photo"
        part = part_of(record.body)
        parts = found.setdefault((str(part.entry), part.sha256), {})
        assert part.number not in parts
        parts[part.number] = part
    return {
        key: joined({n: p.data for n, p in parts.items()}, len(parts), key[1])
        for key, parts in found.items()
    }


def test_a_form_with_photos_needs_no_script(site: PumperSite) -> None:
    browser, pictures = Browser(site), [jpeg(seed=1), heavy(300_000)]
    entry = str(uuid.uuid4())
    for _ in range(2):  # pressed twice
        status, _, headers = browser.form(pictures, id=entry, w0_tubing_psig="410")
        assert status == 303, headers
    (body,) = site.entries()
    assert [photo["sha256"] for photo in body["photos"]] == [digest(one) for one in pictures]
    assert {photo["media"] for photo in body["photos"]} == {"image/jpeg"}
    assert photos(site) == {(entry, digest(one)): one for one in pictures}
    assert site.desk.photos.waiting == 2


def test_only_a_photo_makes_an_entry_and_what_is_no_picture_is_marked(site: PumperSite) -> None:
    browser = Browser(site)
    assert browser.form([jpeg()])[0] == 303
    status, text, _ = browser.form([b"MZ a program"], w0_tubing_psig="410")
    assert status == 422
    assert 'class="fault" id="photos-says"' in text
    assert "choose them again" in text
    assert len(site.entries()) == len(photos(site)) == 1


def test_a_photo_that_follows_by_itself_counts_once_and_only_after_its_entry(
    site: PumperSite,
) -> None:
    ramos, lee = Browser(site), Browser(site, LEE, "739155")
    entry, picture = str(uuid.uuid4()), jpeg(seed=3)
    told = json.dumps({"sha256": digest(picture), "bytes": len(picture), "caption": "Leak"})
    assert ramos.photo(entry, picture) == 404, "its entry comes first"
    form = f"id={entry}&day={DAY}&photo={told}&asked=1".encode()
    assert ramos.send(STOP, form, "application/x-www-form-urlencoded")[0] == 303
    assert lee.photo(entry, picture) == 401, "another person's entry"
    assert ramos.photo(entry, picture, "0" * 64) == 422
    assert ramos.photo(entry, b"<script>") == 422
    assert [ramos.photo(entry, picture) for _ in range(3)] == [200] * 3
    assert photos(site) == {(entry, digest(picture)): picture}
    with pumper_site(site.outbox) as again:  # after a restart
        assert Browser(again).photo(entry, picture) == 200
        assert len(photos(again)) == 1
    assert site.entries()[0]["photos"][0]["caption"] == "Leak"


def test_a_box_short_of_space_refuses_photos_and_takes_entries() -> None:
    outbox = Outbox.in_memory(Limits(max_bytes=400_000))
    outbox.begin_life(0)
    with pumper_site(outbox) as site:
        browser, entry = Browser(site), str(uuid.uuid4())
        status, text, _ = browser.form([heavy(200_000)], id=entry, w0_tubing_psig="410")
        assert (status, "saved. The box at the site is short of space" in text) == (200, True)
        (body,) = site.entries()
        assert "photos" not in body, "it names none that will not come"
        assert browser.photo(entry, heavy(200_000)) == 507
        assert browser.form([heavy(200_000)])[0] == 507, "nothing but photos"
        assert photos(site) == {}
        assert len(site.entries()) == 1
        assert browser.form([jpeg()], w1_tubing_psig="411")[0] == 303, "a small one fits"


def test_photos_beyond_the_bound_are_refused_in_a_sentence(
    site: PumperSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser(site)
    status, text, _ = browser.form([heavy(uploads.LARGEST_BODY)], w0_tubing_psig="410")
    assert status == 413
    assert "Nothing was saved: the photos are larger than 5 MB" in text
    assert not site.entries()


# ------------------------------------------------------------------------------- the outbox's lane


def test_photos_go_before_any_reading_is_thinned() -> None:
    outbox = fresh()
    fill(outbox, 40, per_block=40)
    readings = outbox.bytes
    outbox.record("b", [bytes([65 + n % 26]) * 4000 for n in range(100)], T0)
    outbox.record("e", [b'{"r":"entry"}'], T0)
    outbox.limits = Limits(max_bytes=readings + 10_000, min_free_bytes=0)
    freed = outbox.keep_bound(None)
    assert (freed.thinned, freed.dropped) == (0, 0)
    assert freed.photo_parts > 90
    assert outbox.bytes <= outbox.limits.max_bytes
    assert sum(len(values(outbox, i.id)) for i in outbox.streams() if i.readings) == 1600
    (lane,) = [info for info in outbox.streams() if info.lane == "b"]
    (gap,) = gaps(outbox, lane.id)
    assert (gap.first, gap.readings) == (1, 0)
    assert outbox.status().records_waiting == 1, "parts of photos are no entries"


class Clock(FixedClock):
    """A clock that is sure."""

    confirmed = True


def test_photos_leave_after_everything_else() -> None:
    outbox = fresh()
    outbox.record("b", [b'{"r":"photo","data":"' + b"x" * PART + b'"}'] * 30, T0)
    fill(outbox, 3)
    outbox.record("e", [b'{"r":"entry"}'], T0)

    def birth(_streams: tuple[StreamInfo, ...]) -> Birth:
        return Birth("boot", "1", T0, 1, 1, ())

    sender = Sender(outbox, Clock(), birth)
    sender.on_connect(0.0, 1)
    receipts = tuple(Receipt(info.id, 0, 0) for info in outbox.streams())
    sender.on_answer(Answer(1, T0, receipts), 0.0)
    left = []
    while (out := sender.next(1.0)) is not None:
        if out.door.startswith("up/") and out.door != "up/d":
            left += [out.door] * len(unpack(out.payload).lines)
    assert left[:4] == ["up/e", "up/t", "up/t", "up/t"]
    assert left[4:] == ["up/b"] * 30
