"""An application of the hub behind its real server, in this process, for a browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask

from hub.webserver import FINISH_S, WebServer


@contextmanager
def served(app: Flask, port: int = 0, threads: int = 6) -> Iterator[int]:
    """Serve on loopback; gives the port."""
    server = WebServer(app, "127.0.0.1", port, threads)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server.port
    finally:
        server.end()
        thread.join(2 * FINISH_S)
        assert not thread.is_alive(), "the web server of a test did not end"
