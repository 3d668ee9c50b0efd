"""Answers web requests until told to stop, and then finishes what is being answered.

One thread waits on every descriptor and closes them: closed by another, they fail under its wait,
and a worker that ended after them would wake the server by writing into whatever had been given the
same number meanwhile, a database's connection say. So the workers end before the descriptors do.
"""

from __future__ import annotations

import threading
import time

from flask import Flask
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, create_server
from waitress.wasyncore import dispatcher, loop

#: How long requests may take to be answered after the end was asked for, s.
FINISH_S = 10.0
WORKERS_END_S = 5.0
_LOOK_S = 0.2


class WebServer:
    """The hub's pages on every address of a host; listens as soon as it is made."""

    def __init__(
        self, app: Flask, host: str, port: int, threads: int, *, trusts_proxy: bool = False
    ) -> None:
        self._map: dict[int, object] = {}
        self._workers = create_server(
            app,
            map=self._map,
            host=host,
            port=port,
            threads=threads,
            ident=None,
            clear_untrusted_proxy_headers=not trusts_proxy,
        ).task_dispatcher
        self._doors = [one for one in self._map.values() if isinstance(one, BaseWSGIServer)]
        self._ended = threading.Event()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._doors[0].effective_port)

    def end(self) -> None:
        """Ask `run` to end, from another thread; it takes no new connections from then on."""
        if not self._ended.is_set():
            self._ended.set()
            self._doors[0].pull_trigger()

    def run(self, finish_s: float = FINISH_S) -> None:
        """Answer until the end is asked for, then what has been asked by then, for `finish_s` s."""
        while not self._ended.is_set():
            self._turn()
        for door in self._doors:
            dispatcher.close(door)
        until = time.monotonic() + finish_s
        while self._unanswered() and time.monotonic() < until:
            self._turn()
        self._close()

    def _turn(self) -> None:
        loop(timeout=_LOOK_S, map=self._map, count=1)

    def _channels(self) -> list[HTTPChannel]:
        return [one for one in self._map.values() if isinstance(one, HTTPChannel)]

    def _unanswered(self) -> bool:
        return any(channel.requests or channel.total_outbufs_len for channel in self._channels())

    def _close(self) -> None:
        for channel in self._channels():
            channel.handle_close()
        self._workers.shutdown(timeout=WORKERS_END_S)
        for door in self._doors:
            door.trigger.close()
