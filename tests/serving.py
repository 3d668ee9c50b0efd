"""An application of the hub behind its real server, in this process, for a browser."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from flask import Flask
from waitress.server import create_server

ENDING_S = 5


@contextmanager
def served(app: Flask, port: int = 0, threads: int = 6) -> Iterator[int]:
    """Serve on loopback; gives the port.

    Its workers end before its descriptors are closed: one that ended later would wake the server by
    writing into whatever had been given the same number meanwhile, a database's connection say.
    """
    server = create_server(app, host="127.0.0.1", port=port, threads=threads)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield int(server.effective_port)
    finally:
        for channel in list(server.active_channels.values()):  # what a browser keeps open, too
            with suppress(OSError):
                channel.socket.shutdown(socket.SHUT_RDWR)
        server.task_dispatcher.shutdown(timeout=ENDING_S)
        server.close()
        thread.join(ENDING_S)
