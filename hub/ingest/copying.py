"""Readings -> the database, by binary COPY from buffers that numpy lays out.

One row is 56 bytes on the wire, 48 without a value: the number of fields, then each field behind
its length. Rows of either kind have one shape, so that whole columns are written at once.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hub.ingest.link import Db
from hub.ingest.screen import Mask, Readings

_COPY = "COPY readings (organization_id, time, tag_id, quality, value) FROM STDIN (FORMAT BINARY)"
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_MILLENNIUM_MS = 946_684_800_000  # PostgreSQL counts microseconds from 2000-01-01
_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("organization_length", ">i4"),
        ("organization", "V16"),
        ("time_length", ">i4"),
        ("time", ">i8"),
        ("tag_length", ">i4"),
        ("tag", ">i4"),
        ("quality_length", ">i4"),
        ("quality", ">i2"),
        ("value_length", ">i4"),
        ("value", ">f8"),
    ]
)
_WITHOUT_VALUE = _ROW.itemsize - 8
_PRESENT = """
    SELECT tag_id, (extract(epoch FROM time) * 1000)::bigint
      FROM readings
     WHERE tag_id = ANY(%s::int[])
       AND time >= to_timestamp(%s) AND time <= to_timestamp(%s)
"""


def copy_readings(connection: Db, parts: Sequence[Readings]) -> None:
    """Store readings; nothing is looked up, whoever calls holds the streams' rows."""
    if not any(map(len, parts)):
        return
    with connection.cursor().copy(_COPY) as copy:
        copy.write(_HEADER + rows_of(parts) + _TRAILER)


def rows_of(parts: Sequence[Readings]) -> bytes:
    """Lay readings out as rows of a binary COPY."""
    values = np.concatenate([part.values for part in parts])
    rows = np.zeros(len(values), _ROW)
    rows["fields"], rows["organization_length"], rows["time_length"] = 5, 16, 8
    rows["tag_length"], rows["quality_length"], rows["value_length"] = 4, 2, 8
    _set_organizations(rows, parts)
    rows["time"] = (np.concatenate([part.times for part in parts]) - _MILLENNIUM_MS) * 1000
    rows["tag"] = np.concatenate([part.tags for part in parts])
    rows["quality"] = np.concatenate([part.qualities for part in parts])
    rows["value"] = values
    missing = np.isnan(values)
    return _bytes_of(rows, missing) if missing.any() else rows.tobytes()


def _set_organizations(rows: NDArray[np.void], parts: Sequence[Readings]) -> None:
    names = {part.organization for part in parts}
    if len(names) == 1:
        rows["organization"] = _bytes16(names.pop())
        return
    end = 0
    for part in parts:
        start, end = end, end + len(part)
        rows["organization"][start:end] = _bytes16(part.organization)


def _bytes16(organization: uuid.UUID) -> np.void:
    return np.void(organization.bytes)


def _bytes_of(rows: NDArray[np.void], missing: Mask) -> bytes:
    rows["value_length"][missing] = -1
    short = np.frombuffer(rows[missing].tobytes(), np.uint8).reshape(-1, _ROW.itemsize)
    return rows[~missing].tobytes() + short[:, :_WITHOUT_VALUE].tobytes()


def missing_of(connection: Db, readings: Readings) -> Readings:
    """The readings of a block sent again after a fork that are not stored yet.

    Each is looked up by tag and time; the caller holds all rows of the agent's streams, so that
    nobody is storing the same readings at this moment.
    """
    if not len(readings):
        return readings
    first, last = int(readings.times.min()), int(readings.times.max())
    tags = np.unique(readings.tags).tolist()
    present = set(connection.execute(_PRESENT, (tags, first / 1000 - 1, last / 1000 + 1)))
    fresh = np.zeros(len(readings), np.bool_)
    for place, pair in enumerate(zip(readings.tags.tolist(), readings.times.tolist(), strict=True)):
        if pair not in present:
            present.add(pair)
            fresh[place] = True
    return readings.at(fresh)
