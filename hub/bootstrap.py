"""Builds each of the hub's processes once, from settings: the only place where they are wired."""

from __future__ import annotations

import gc
import logging
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import hub.ingest
from hub.console import create_app
from hub.database import connect
from hub.ingest.replay import replayer
from hub.jobs import runner
from hub.settings import HubSettings
from hub.supervisor import stop_on_signals, tell_manager
from hub.webserver import WebServer

WEB_THREADS = 8
LOG_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"

#: What a process does with its time, until the event is set.
Loop = Callable[[HubSettings, threading.Event], None]


def spare_the_standing() -> None:
    """Exempt what stands for the life of the process from garbage collection.

    Walking all tables, pages and libraries again held one request in a few hundred up for 0.2 s.
    """
    gc.collect()
    gc.freeze()


def serve(settings: HubSettings, stop: threading.Event) -> None:
    """Serve the console until `stop` is set; then finish what is being answered."""
    engine = connect(settings.database.url, "app", pool=settings.database.pool)
    server = WebServer(
        create_app(settings, engine, replayer(settings)),
        settings.web.host,
        settings.web.port,
        WEB_THREADS,
        trusts_proxy=settings.web.trusted_proxies > 0,
    )
    spare_the_standing()
    thread = threading.Thread(target=server.run, name="web", daemon=True)
    thread.start()
    while thread.is_alive() and not stop.wait(0.2):
        pass
    server.end()
    thread.join()
    engine.dispose()


#: The hub's processes, in the order in which they start.
PROCESSES: Mapping[str, Loop] = {"ingest": hub.ingest.run, "work": runner.run, "serve": serve}


def run_process(name: str, settings: HubSettings) -> None:
    """Be one of the hub's processes until a signal, or the end of the supervisor, says stop."""
    stop = threading.Event()
    stop_on_signals(stop)
    logging.getLogger(__name__).info("%s starts", name)
    tell_manager("READY=1")
    PROCESSES[name](settings, stop)
    logging.getLogger(__name__).info("%s has stopped", name)


def commands(settings_file: Path | None, only: Sequence[str] = ()) -> dict[str, list[str]]:
    """The command line of each process, as the supervisor starts them."""
    chosen = [name for name in PROCESSES if not only or name in only]
    file = ["--settings", str(settings_file)] if settings_file else []
    return {name: [sys.executable, "-m", "hub", *file, name] for name in chosen}


def log_to_stderr(level: str) -> None:
    """Send the log to standard error, where systemd and containers take it up."""
    logging.basicConfig(level=level.upper(), format=LOG_FORMAT, stream=sys.stderr, force=True)
    logging.getLogger("waitress").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
