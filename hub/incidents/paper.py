"""The incident file and a call script as PDF: to print, sign, and hand to an inspector."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from reportlab.lib import colors
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import inch
from reportlab.platypus import Image, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from hub.incidents.answers import CLOCK
from hub.incidents.photos import Photo
from hub.incidents.script import LABELS, Sheet
from hub.incidents.words import OWED

MARGIN: Final = 0.75 * inch
WIDTH: Final = LETTER[0] - 2 * MARGIN
GREY: Final = colors.HexColor("#5c6664")
LINE: Final = colors.HexColor("#d8d8d4")
SUNK: Final = colors.HexColor("#f1f1ee")
BODY: Final = ParagraphStyle("body", fontName="Helvetica", fontSize=9, leading=12)
SMALL: Final = ParagraphStyle("small", parent=BODY, fontSize=8, leading=10, textColor=GREY)
BOLD: Final = ParagraphStyle("bold", parent=BODY, fontName="Helvetica-Bold")
TITLE: Final = ParagraphStyle("title", parent=BOLD, fontSize=17, leading=21, spaceAfter=2)
TINY: Final = ParagraphStyle("tiny", parent=SMALL, fontSize=5.5, leading=7)
#: A photo's place in its column.
PHOTO_WIDTH: Final = WIDTH / 2 - 10
PHOTO_HEIGHT: Final = 3 * inch
HEADING: Final = ParagraphStyle(
    "heading", parent=BOLD, fontSize=11, leading=14, spaceBefore=12, spaceAfter=4
)

#: Entries of the timeline that say nothing to a reader outside.
QUIET: Final = frozenset({"viewed"})
NOTHING: Final = "\u2013"
#: Statuses of a notice in which no time runs.
OVER: Final = frozenset({"lapsed", "waived"})


def incident_pdf(told: dict[str, Any], photos: Mapping[str, Photo | str] | None = None) -> bytes:
    """The incident file as PDF, from the same document as the JSON file; `photos` by SHA-256."""
    printed = _Printed.of(told["timeline"], photos or {})
    zone = ZoneInfo(told["place"]["timezone"])
    incident = told["incident"]
    story = [
        *_head(told, zone),
        *_section("Facts", [_facts(told["answers"])]),
        *_section("Clock", _clock(told["clock"], zone)),
        *_section("What agencies are owed", _obligations(told["obligations"], zone)),
        *_section("Timeline", [_timeline(told["timeline"], zone, printed)]),
        *(_section("Photos", [_photos(printed, zone)]) if printed.shown else []),
        *_section("Alerts", [_alerts(told["alerts"], zone)]),
        *_section("Corrective actions", [_actions(told["actions"])]),
        *_section("Review", [_text(incident["review"] or "Not reviewed yet.")]),
        *_section("Documents", [_documents(told["documents"])]),
        *_section("Proof", _proof(told)),
    ]
    return _build(story, f"Incident {incident['incident_no']}", told["sha256"])


def sheet_pdf(sheet: Sheet, number: str) -> bytes:
    """A call script or worksheet as PDF, with room to write down who took the call."""
    story: list[Any] = [
        Paragraph(escape(sheet.title), TITLE),
        _text(f"{sheet.agency} · {sheet.contact}", BOLD),
        _text(f"{sheet.citation}. Confirm with counsel.", SMALL),
        Spacer(0, 8),
        _table(
            [
                [_text(line.label, SMALL), _text(line.answer, BODY if line.known else SMALL)]
                for line in sheet.lines
            ],
            (0.3, 0.7),
        ),
        Spacer(0, 14),
        _text("Record of the call", HEADING),
        _table(
            [
                [_text(label, SMALL), _text("")]
                for label in (
                    "Person who took it",
                    "How, and which number",
                    "Date and time",
                    "Reference number",
                    "What they asked for",
                    "Signature",
                )
            ],
            (0.3, 0.7),
            row=26,
        ),
    ]
    return _build(story, f"Incident {number}", sheet.title)


def _build(story: Sequence[Any], title: str, foot: str) -> bytes:
    out = io.BytesIO()
    paper = SimpleDocTemplate(
        out,
        pagesize=LETTER,
        title=title,
        author="WellFlow",
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        invariant=1,
    )

    def number(canvas: Any, page: Any) -> None:
        canvas.saveState()
        canvas.setFont("Helvetica", 7.5)
        canvas.setFillColor(GREY)
        canvas.drawString(MARGIN, 0.45 * inch, f"{title} · {foot}")
        canvas.drawRightString(LETTER[0] - MARGIN, 0.45 * inch, f"page {page.page}")
        canvas.restoreState()

    paper.build(list(story), onFirstPage=number, onLaterPages=number)
    return out.getvalue()


def _head(told: dict[str, Any], zone: ZoneInfo) -> list[Any]:
    incident = told["incident"]
    status = incident["status"].replace("_", " ")
    made = _at(told["made_at"], zone)
    return [
        Paragraph(escape(f"Incident {incident['incident_no']}: {incident['summary']}"), TITLE),
        _text(
            f"{told['operator']} · {told['place']['named']} · {status}, severity"
            f" {incident['severity']}",
            BOLD,
        ),
        _text(
            f"Made {made}{' by ' + told['made_by'] if told['made_by'] else ''}."
            f" {told['disclaimer']}",
            SMALL,
        ),
    ]


def _section(title: str, parts: Iterable[Any]) -> list[Any]:
    return [Paragraph(escape(title), HEADING), *parts]


def _facts(answers: dict[str, str | None]) -> Any:
    rows = [
        [_text(label, SMALL), _text(answers.get(name) or "not known")]
        for name, label in LABELS.items()
        if name not in {"caller"}
    ]
    return _table(rows, (0.3, 0.7))


def _clock(clock: dict[str, Any], zone: ZoneInfo) -> list[Any]:
    rows = [[_text("Could count from", SMALL), _text("At", SMALL), _text("A person knew", SMALL)]]
    rows += [
        [_text(c["said"]), _text(_at(c["at"], zone)), _text("yes" if c["a_person_knew"] else "no")]
        for c in clock["candidates"]
    ]
    parts = [
        _text(f"Counts from {_at(clock['start'], zone)}: {clock['basis']}."),
        Spacer(0, 4),
        _table(rows, (0.5, 0.3, 0.2), head=True),
    ]
    return [*parts, _text(clock["warning"], BOLD)] if clock["warning"] else parts


def _obligations(notices: Sequence[dict[str, Any]], zone: ZoneInfo) -> list[Any]:
    if not notices:
        return [_text("None.")]
    rows = [[_text(h, SMALL) for h in ("Agency, rule", "Status, time", "Record")]]
    for notice in notices:
        due = _at(notice["required_by"], zone) if notice["required_by"] else "clock not started"
        rule = notice["rule"] + (f", version {notice['rule_version']}" if notice["rule_id"] else "")
        rows.append(
            [
                [_text(notice["authority"], BOLD), _text(rule, SMALL)],
                [
                    _text(OWED[notice["status"]].capitalize(), BOLD),
                    *([] if notice["status"] in OVER else [_text(f"by {due}")]),
                    _text(notice["because"] or "", SMALL),
                    _text(notice["clock_basis"] or "", SMALL),
                ],
                _record(notice, zone),
            ]
        )
    return [_table(rows, (0.3, 0.4, 0.3), head=True)]


def _record(notice: dict[str, Any], zone: ZoneInfo) -> list[Any]:
    lines = []
    if notice["done_at"]:
        method = notice["method"].replace("_", " ")
        lines.append(
            f"{_at(notice['done_at'], zone)}: told {notice['told_to']} by {method},"
            f" reference {notice['reference']}"
            + (f", by {notice['told_by_name']}" if notice["told_by_name"] else "")
        )
    if notice["follow_up"]:
        due = notice["written_required_by"]
        lines.append(
            f"In writing: {notice['follow_up']}" + (f", by {_at(due, zone)}" if due else "")
        )
    if notice["filed_at"]:
        lines.append(f"Filed {_at(notice['filed_at'], zone)}, {notice['filed_reference']}")
    if notice["waived_reason"]:
        lines.append(f"Not told: {notice['waived_reason']}")
    return [_text(line) for line in lines] or [_text(NOTHING)]


@dataclass(frozen=True, slots=True)
class _Printed:
    """The photos of a timeline as they are numbered, and why others are not among them."""

    shown: list[tuple[dict[str, Any], Photo]]
    numbers: dict[str, int]
    why: dict[str, str]

    @classmethod
    def of(cls, entries: Iterable[dict[str, Any]], photos: Mapping[str, Photo | str]) -> _Printed:
        found = cls([], {}, {key: why for key, why in photos.items() if isinstance(why, str)})
        for entry in entries:
            photo = photos.get(entry["sha256"] or "")
            if isinstance(photo, Photo) and entry["sha256"] not in found.numbers:
                found.shown.append((entry, photo))
                found.numbers[entry["sha256"]] = len(found.shown)
        return found


def _photos(printed: _Printed, zone: ZoneInfo) -> Any:
    """Two beside each other, each with who took it, when and where."""
    cells = [
        [_drawn(photo), Spacer(0, 3), *_caption(number, entry, zone)]
        for number, (entry, photo) in enumerate(printed.shown, 1)
    ]
    pairs = [
        [*cells[n : n + 2], *([""] if n + 1 == len(cells) else [])] for n in range(0, len(cells), 2)
    ]
    return _table(pairs, (0.5, 0.5))


def _drawn(photo: Photo) -> Image:
    scale = min(PHOTO_WIDTH / photo.width, PHOTO_HEIGHT / photo.height)
    drawn = Image(io.BytesIO(photo.jpeg), photo.width * scale, photo.height * scale)
    drawn.hAlign = "LEFT"
    return drawn


def _caption(number: int, entry: dict[str, Any], zone: ZoneInfo) -> list[Any]:
    where = _position(entry)
    return [
        _text(f"Photo {number}: {entry['note'] or entry['document']}", BOLD),
        _text(
            f"{entry['who'] or 'the hub'}, {_at(entry['at'], zone)}"
            + (f", {where}" if where else "")
        ),
        _text(f"SHA-256 {entry['sha256']}", TINY),
    ]


def _position(entry: dict[str, Any]) -> str:
    if entry["lat"] is None:
        return ""
    near = f" (within {entry['accuracy_m']} m)" if entry["accuracy_m"] is not None else ""
    return f"at {entry['lat']}, {entry['lon']}{near}"


def _timeline(entries: Sequence[dict[str, Any]], zone: ZoneInfo, printed: _Printed) -> Any:
    rows = [[_text(h, SMALL) for h in ("When", "What", "By")]]
    for entry in entries:
        if entry["kind"] in QUIET:
            continue
        what = [_text(entry["title"], BOLD)]
        what += [_text(part, SMALL) for part in _said(entry, printed) if part]
        rows.append([_text(_at(entry["at"], zone)), what, _text(entry["who"] or "the hub")])
    return _table(rows, (0.26, 0.54, 0.2), head=True)


def _said(entry: dict[str, Any], printed: _Printed) -> list[str]:
    said = [entry["note"] or ""]
    if entry["kind"] == "status" and (before := (entry["before"] or {}).get("status")):
        said.append(f"before: {str(before).replace('_', ' ')}")
    said += [f"{name}: {was} → {now}" for name, was, now in entry["changes"]]
    said.append(_position(entry))
    if entry["sha256"]:
        number, why = printed.numbers.get(entry["sha256"]), printed.why.get(entry["sha256"])
        shown = f"photo {number} below" if number else entry["document"]
        said.append(f"{shown} (SHA-256 {entry['sha256'][:16]}…)" + (f": {why}" if why else ""))
    return said


def _alerts(alerts: Sequence[dict[str, Any]], zone: ZoneInfo) -> Any:
    if not alerts:
        return _text("None.")
    rows = [[_text(h, SMALL) for h in ("Began", "Hub knew", "What", "Cleared")]]
    rows += [
        [
            _text(_at(a["raised_at"], zone)),
            _text(_at(a["detected_at"], zone)),
            _text(a["message"]),
            _text(_at(a["cleared_at"], zone) if a["cleared_at"] else NOTHING),
        ]
        for a in alerts
    ]
    return _table(rows, (0.22, 0.22, 0.34, 0.22), head=True)


def _actions(actions: Sequence[dict[str, Any]]) -> Any:
    if not actions:
        return _text("None.")
    rows = [[_text(h, SMALL) for h in ("What", "Who", "By", "Done")]]
    rows += [
        [
            _text(a["measure"]),
            _text(a["assigned_to"] or NOTHING),
            _text(a["due_on"] or NOTHING),
            _text(a["done_on"] or NOTHING),
        ]
        for a in actions
    ]
    return _table(rows, (0.5, 0.2, 0.15, 0.15), head=True)


def _documents(documents: Sequence[dict[str, Any]]) -> Any:
    if not documents:
        return _text("None.")
    rows = [[_text(h, SMALL) for h in ("Document", "SHA-256")]]
    rows += [
        [
            _text(f"{d['title']} ({d['file_name']}, {d['size_bytes']} bytes)"),
            _text(d["sha256"], SMALL),
        ]
        for d in documents
    ]
    return _table(rows, (0.4, 0.6), head=True)


def _proof(told: dict[str, Any]) -> list[Any]:
    head = told["audit_chain_head"]
    chain = (
        f"Head of the operator's audit chain: entry {head['number']}, SHA-256 {head['hash']}."
        if head
        else "The operator's audit chain has no entry yet."
    )
    return [_text(chain), _text(f"SHA-256 of the JSON file of the same moment: {told['sha256']}.")]


def _at(text: str | None, zone: ZoneInfo) -> str:
    return datetime.fromisoformat(text).astimezone(zone).strftime(CLOCK) if text else NOTHING


#: What the fonts of every reader lack is written otherwise.
_PLAIN: Final = str.maketrans({"→": "->", "…": "...", "≥": ">=", "≤": "<=", "\u2212": "-"})


def _text(words: Any, style: ParagraphStyle = BODY) -> Paragraph:
    return Paragraph(escape(str(words).translate(_PLAIN)), style)


def _table(
    rows: Sequence[Sequence[Any]], shares: Sequence[float], *, head: bool = False, row: int = 0
) -> Table:
    style = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, LINE),
        ("LEFTPADDING", (0, 0), (-1, -1), 4),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        ("TOPPADDING", (0, 0), (-1, -1), 3),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
    ]
    if head:
        style.append(("BACKGROUND", (0, 0), (-1, 0), SUNK))
    return Table(
        list(rows),
        colWidths=[share * WIDTH for share in shares],
        repeatRows=1 if head else 0,
        rowHeights=[row] * len(rows) if row else None,
        style=TableStyle(style),
    )
