"""The hub's web server ends without cutting anybody off."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from socket import SOCK_STREAM

import pytest
import requests
from flask import Flask

from hub.demo.postgres import free_port
from hub.webserver import WebServer

LONG = 8_000_000


class Shop:
    """An application whose answers wait until they are let go."""

    def __init__(self) -> None:
        self.app = Flask(__name__)
        self.asked = threading.Event()
        self.go = threading.Event()
        self.app.add_url_rule("/slow", view_func=self.slow)
        self.app.add_url_rule("/", view_func=lambda: "at once")

    def slow(self) -> str:
        """A long answer, after a while."""
        self.asked.set()
        assert self.go.wait(20)
        return "x" * LONG


@contextmanager
def running(
    shop: Shop, host: str = "127.0.0.1", port: int = 0, finish_s: float = 20
) -> Iterator[WebServer]:
    """The shop served by a thread; ended by the end of the block at the latest."""
    server = WebServer(shop.app, host, port, threads=2)
    thread = threading.Thread(target=server.run, args=(finish_s,))
    thread.start()
    try:
        yield server
    finally:
        server.end()
        thread.join(40)
        assert not thread.is_alive()


def ask_later(pool: ThreadPoolExecutor, port: int) -> Future[requests.Response]:
    """A request for the slow answer, under way."""
    return pool.submit(requests.get, f"http://127.0.0.1:{port}/slow", timeout=30)


def refused(port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as new:
        return new.connect_ex(("127.0.0.1", port)) != 0


def test_what_is_being_answered_at_the_end_is_answered_whole_and_nothing_new_is_taken() -> None:
    shop = Shop()
    with ThreadPoolExecutor() as pool, running(shop) as server:
        answer = ask_later(pool, server.port)
        assert shop.asked.wait(10)
        server.end()
        until = time.monotonic() + 10
        while not refused(server.port) and time.monotonic() < until:
            time.sleep(0.02)
        assert refused(server.port)
        assert not answer.done()
        shop.go.set()
        assert len(answer.result(20).text) == LONG


def test_a_browser_that_keeps_its_connection_open_does_not_hold_the_end_up() -> None:
    with requests.Session() as browser, running(Shop()) as server:
        assert browser.get(f"http://127.0.0.1:{server.port}/", timeout=10).text == "at once"
        begun = time.monotonic()
    assert time.monotonic() - begun < 10


def test_an_answer_that_never_comes_is_given_up() -> None:
    shop = Shop()
    with ThreadPoolExecutor() as pool:
        with running(shop, finish_s=0.3) as server:
            answer = ask_later(pool, server.port)
            assert shop.asked.wait(10)
            threading.Timer(1, shop.go.set).start()
        with pytest.raises(requests.ConnectionError):
            answer.result(20)


def test_every_address_of_a_name_is_served() -> None:
    port = free_port()
    addresses = {one[4][0] for one in socket.getaddrinfo("localhost", port, type=SOCK_STREAM)}
    with running(Shop(), host="localhost", port=port):
        for address in addresses:
            socket.create_connection((address, port), timeout=10).close()
