"""The ingest process: workers, the subscriber, and a heartbeat, wired together."""

from __future__ import annotations

import logging
import socket
import threading
import time
import zlib
from contextlib import suppress

import psycopg

from agent.contract.wire import hub_topic
from hub.errors import HubError
from hub.ingest.arrival import Arrival
from hub.ingest.desired import Desired
from hub.ingest.link import Link, Trouble, trouble_of
from hub.ingest.receipts import Epoch
from hub.ingest.subscriber import Subscriber
from hub.ingest.worker import Count, Pause, Worker
from hub.settings import HubSettings

log = logging.getLogger(__name__)

WORKERS = 2  #: measured: one connection reaches 0.6 to 1.0 of a bare COPY, two reach 1.0 to 1.5
HEARTBEAT_S = 10.0
LOOK_S = 0.2
STANDS_STILL_S = 120  #: a worker that does not go on for longer is missed

_BEAT = """
    INSERT INTO process_beats (process, loop, at, overdue_after_s)
    VALUES (%s, %s, now() - make_interval(secs => %s), %s)
    ON CONFLICT (process, loop)
    DO UPDATE SET at = excluded.at, overdue_after_s = excluded.overdue_after_s
"""


class IngestError(HubError):
    """The ingest process cannot go on and should be started anew; the text says why."""


class Ingest:
    """One ingest process; `ready` is set while it is subscribed and storing."""

    def __init__(self, settings: HubSettings, *, workers: int = WORKERS) -> None:
        """Wire it; nothing is connected yet."""
        mqtt = settings.mqtt
        self.shards = (mqtt.first_shard, mqtt.last_shard)
        self.name = f"{mqtt.client_id}-{mqtt.first_shard}-{mqtt.last_shard}"
        self._host = f"{self.name}@{socket.gethostname()}"
        self.epoch = Epoch(self.name, self.shards)
        self.subscriber = Subscriber(mqtt, self.name, self.shards, self._route)
        self._link = self._new_link(settings, "beat")
        self._looked_at = 0.0
        self.desired = Desired(self.subscriber, self.shards)
        self.workers = [
            Worker(
                f"store-{number}",
                self._new_link(settings, f"store-{number}"),
                self.epoch,
                self.subscriber,
            )
            for number in range(workers)
        ]

    def _new_link(self, settings: HubSettings, what: str) -> Link:
        return Link(settings.database.ingest_url, f"wellflow-ingest-{what}")

    @property
    def ready(self) -> threading.Event:
        """Set while messages can arrive and be stored."""
        return self.subscriber.subscribed

    @property
    def count(self) -> Count:
        """What was done since the start."""
        parts = [worker.count for worker in self.workers]
        return Count(
            sum(part.messages for part in parts),
            sum(part.readings for part in parts),
            sum(part.gathers for part in parts),
        )

    def run(self, stop: threading.Event) -> None:
        """Store what arrives until `stop` is set; raises `IngestError` when a thread has died."""
        if not self._begin(stop):
            return
        log.info("ingest of shards %d to %d in epoch %d", *self.shards, self.epoch.number)
        for worker in self.workers:
            worker.start()
        self.subscriber.start()
        try:
            self._beat(stop)
        finally:
            for worker in self.workers:
                worker.finish()
            self.subscriber.finish()
            self._farewell()
            self._link.close()

    def _farewell(self) -> None:
        """An orderly end: nobody misses this process."""
        with suppress(psycopg.Error), self._link.transaction() as connection:
            connection.execute("DELETE FROM process_beats WHERE process = %s", (self._host,))

    def _begin(self, stop: threading.Event) -> bool:
        """Make the epoch, as soon as the database lets us; False when told to stop before."""
        pause, complaint = Pause(), ""
        while not stop.is_set():
            try:
                with self._link.transaction() as connection:
                    self.epoch.begin(connection)
            except psycopg.Error as fault:
                words = " ".join(str(fault).split())
                hint = "; run `wellflow-hub check`" if trouble_of(fault) is Trouble.SETUP else ""
                if words != complaint:
                    log.warning("waiting for the database: %s%s", words, hint)
                complaint = words
                stop.wait(pause.next())
            else:
                return True
        return False

    def _route(self, arrival: Arrival) -> None:
        """Give an agent's messages to one worker always, so that their order holds."""
        agent = arrival.topic.split("/", 4)[3:4]  # of a topic that is not ours, anything
        self.workers[zlib.crc32(repr(agent).encode()) % len(self.workers)].put(arrival)

    def _beat(self, stop: threading.Event) -> None:
        due, epoch = 0.0, 0
        while not stop.wait(LOOK_S):
            if dead := [worker.name for worker in self.workers if not worker.is_alive()]:
                raise IngestError(f"thread {', '.join(dead)} has ended; the log says why")
            now = time.monotonic()
            if not self.ready.is_set():
                due = now
            elif now >= due or self.epoch.number != epoch:
                self._follow()
                epoch, due = self.epoch.number, now + HEARTBEAT_S
                payload = self.epoch.heartbeat().to_bytes()
                self.subscriber.publish(hub_topic(self.name), payload, qos=0)
            if self.ready.is_set() and self.desired.due:
                self._publish_desired()

    def _publish_desired(self) -> None:
        """Pass on what agents shall run; a database that is away holds up no heartbeat."""
        try:
            with self._link.transaction() as connection:
                self.desired.look(connection)
        except psycopg.Error as fault:
            log.debug("what agents shall run is not known: %s", fault)
            self._link.close()

    def _follow(self) -> None:
        """Look at the database now and then: an outage must be noticed also when all is quiet."""
        try:
            returned = not self._link.open
            with self._link.transaction() as connection:
                if returned:
                    self.epoch.after_outage(connection, self._looked_at)
                self.epoch.follow(connection)
                for worker in self.workers:
                    stood = time.monotonic() - worker.turned_at
                    beat = (self._host, f"{worker.name}", stood, STANDS_STILL_S)
                    connection.execute(_BEAT, beat)
            self._looked_at = time.monotonic()
        except psycopg.Error as fault:
            log.debug("the newest epoch is not known: %s", fault)
            self._link.close()


def run(settings: HubSettings, stop: threading.Event) -> None:
    """Be the ingest process until `stop` is set."""
    Ingest(settings).run(stop)
