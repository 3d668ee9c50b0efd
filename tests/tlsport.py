"""A TCP port on loopback that speaks TLS with a certificate, and then does what it is told."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

from tests.servers.certificates import Authority


class TlsPort:
    """Serves every connection with `talk`, after the handshake; keeps what goes wrong before it."""

    def __init__(
        self, folder: Path, talk: Callable[[socket.socket], None], authority: Authority
    ) -> None:
        for name, content in authority.server_files().items():
            (folder / name).write_text(content)
        self.ca_file = folder / "ca.crt"
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(folder / "server.crt", folder / "server.key")
        self._talk = talk
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.refused = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def stop(self) -> None:
        """Close it."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            with plain, contextlib.suppress(OSError):
                try:
                    secure = self._context.wrap_socket(plain, server_side=True)
                except OSError:
                    self.refused.set()
                    continue
                with secure:
                    self._talk(secure)
