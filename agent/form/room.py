"""The pumper's pages beside the running agent: fed by its gauges, its bundle and its outbox."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from agent.alarms import AlarmClock
from agent.contract.blocks import Sample
from agent.contract.entrycheck import clock_of
from agent.contract.errors import WireError
from agent.contract.rulebundle import Bundle
from agent.contract.stopsheet import read_sheet
from agent.form.desk import FormDesk
from agent.form.people import SignIn, people_of
from agent.form.server import Server, Site
from agent.form.settings import FormSettings
from agent.hubwatch import HubWatch
from agent.outbox import Outbox

log = logging.getLogger(__name__)


class FormRoom:
    """Serves the pages while the agent runs."""

    def __init__(
        self,
        settings: FormSettings,
        outbox: Outbox,
        clock: AlarmClock,
        config: int,
        tags: Mapping[str, int],
        *,
        hub: HubWatch,
        news: Callable[[], None],
    ) -> None:
        """Take the port and begin; a port that cannot be had is logged, and the agent goes on."""
        self.desk = FormDesk(outbox, clock, config, tags, news)
        self.people = SignIn(outbox, settings.session_hours)
        self._hub, self._clock = hub, clock
        self._server: Server | None = None
        try:
            self._server = Server(
                settings.host, settings.port or 0, Site(self.desk, self.people, self.since)
            )
        except OSError as fault:
            log.error(
                "the form cannot be served at %s port %s (%s); set form.port to a free one",
                settings.host,
                settings.port,
                fault.strerror,
            )
        else:
            self._server.begin()
            log.info("the form is served at port %d", self.port)

    @property
    def port(self) -> int:
        """The port it is served at; 0 where it is not."""
        return 0 if self._server is None else int(self._server.server_address[1])

    def use(self, bundle: Bundle) -> None:
        """Take who may enter, and the sheet, of a bundle whose signature was right."""
        self.people.use(people_of(bundle.people))
        if not bundle.sheet:
            return
        try:
            self.desk.use(read_sheet(bundle.sheet))
        except WireError as fault:
            log.error("the form's sheet is not taken: %s", fault)

    def feed(self, samples: Iterable[Sample]) -> None:
        """What the gauges read."""
        self.desk.feed(samples)

    def since(self) -> str:
        """Since when the hub is not heard, on the operator's clock; empty when it is."""
        if not self._hub.alone:
            return ""
        at = self._clock.now_ms() / 1000 - self._hub.silence_s
        return f"{datetime.fromtimestamp(at, clock_of(self.desk.hub_sheet).zone):%H:%M}"

    def close(self) -> None:
        """Stop serving."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
