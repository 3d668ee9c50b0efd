"""The site's own alarms, wired: rules in, alarms out, horn and button, what people ask."""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from agent.alarms import AlarmClock, SiteAlarms, Standing
from agent.annunciate import Annunciator, Caller
from agent.contract.blocks import Quality, Sample
from agent.contract.errors import WireError
from agent.contract.rulebundle import open_bundle
from agent.hubwatch import HubWatch
from agent.mqtt import Link
from agent.outbox import Outbox
from agent.poller import Poller
from agent.settings import AgentSettings

if TYPE_CHECKING:
    from agent.form.room import FormRoom

log = logging.getLogger(__name__)

BUNDLE, STATUS = "rules", "on site"  #: keys under which the outbox keeps them
CHECKPOINT_S = 5.0


class OnSite:
    """What an agent does about alarms by itself."""

    def __init__(
        self, settings: AgentSettings, outbox: Outbox, clock: AlarmClock, config: int, link: Link
    ) -> None:
        """Take up the last good rules that are on disk."""
        self._settings, self._outbox, self._clock = settings.alarms, outbox, clock
        self._name = settings.agent.name
        self.hub = HubWatch(settings.alarms.silent_after_s)
        tags = {gauge.name: gauge.number for gauge in settings.gauges}
        news = lambda: link.events.put(("cut", b""))  # noqa: E731 - as short as its name
        self.alarms = SiteAlarms(outbox, clock, tags, config, news)
        self.refused = ""  #: why the newest rules are not run, one sentence
        self._button = tags.get(settings.alarms.acknowledge or "")
        self._pressed = True  # a button that is held down at the start acknowledges nothing
        self._annunciator: Annunciator | None = None
        self._checked_at, self._shown = 0.0, b""
        self.form = _form(settings, outbox, clock, config, tags, self.hub, news)
        if (kept := outbox.kept(BUNDLE)) is not None:
            self._use(kept)

    # ------------------------------------------------------------------------------- rules

    def configured(self, payload: bytes) -> bool:
        """The hub wants other rules run; gives whether what is run or refused has changed."""
        before = (self.alarms.epoch, self.refused)
        if payload and self._use(payload):
            try:
                self._outbox.keep({BUNDLE: payload})
            except sqlite3.Error as fault:
                log.error("the rules cannot be kept on disk (%s); they are run", fault)
        return (self.alarms.epoch, self.refused) != before

    def _use(self, payload: bytes) -> bool:
        key = self._settings.key
        if key is None:
            self.refused = "there are rules for this site but no key to check them: set alarms.key"
            return False
        try:
            bundle = open_bundle(payload, key, self._name)
            if bundle.epoch < self.alarms.epoch:
                raise WireError(
                    f"rules {bundle.epoch} are older than those that run, {self.alarms.epoch}"
                )
        except (WireError, ValueError) as fault:
            self.refused = str(fault)
            log.error("the hub's rules are not taken: %s", fault)
            return False
        self.refused = ""
        if self.form is not None:
            self.form.use(bundle)
        if bundle.epoch == self.alarms.epoch:
            return False
        self.alarms.use(bundle)
        log.info("%d rules of the hub (%d) are run here", len(self.alarms), bundle.epoch)
        return True

    @property
    def words(self) -> str:
        """Why not all rules are run, for the hub; empty when they are."""
        return " ".join([self.refused, *self.alarms.faults]).strip()[:300]

    # ----------------------------------------------------------------------------- readings

    def feed(self, samples: Iterable[Sample]) -> None:
        """Judge readings, and look at the button."""
        self.alarms.feed(samples)
        if self.form is not None:
            self.form.feed(samples)
        if self._button is None:
            return
        for sample in samples:
            if sample.tag == self._button and sample.quality == Quality.GOOD:
                pressed = bool(sample.value)
                if pressed and not self._pressed:
                    self.alarms.acknowledge("the button on site")
                self._pressed = pressed

    # ------------------------------------------------------------------------------ the hub

    def heard_hub(self) -> None:
        """The hub lives."""
        away = self.hub.heard()
        if away is not None:
            since = datetime.fromtimestamp(self._clock.now_ms() / 1000 - away, UTC)
            said = f"No hub was heard for {_span(away)}, from {since:%Y-%m-%d %H:%M:%S} UTC"
            log.warning("%s; it is there again", said)
            self.alarms.note("alone", f"{said}; meanwhile the site told people of alarms itself.")

    # ------------------------------------------------------------------------- annunciation

    def annunciator(self, poller: Poller) -> Annunciator:
        """What switches horn and beacon through the poller's ports."""
        command = self._settings.command
        self._annunciator = Annunciator(
            self._settings.outputs,
            poller.write,
            self.alarms.standing,
            lambda: self.hub.alone,
            None if command is None else Caller(command, self.alarms.note),
        )
        return self._annunciator

    # ------------------------------------------------------------------------------- keeper

    def tick(self) -> None:
        """Once a second: what people ask, and now and then a checkpoint."""
        for number, body in self._outbox.asked():
            self._outbox.answer(number, self._acknowledge(body))
        if self.hub.turned():
            log.warning(
                "no hub for %s: people at the site are told of alarms here",
                _span(self.hub.silence_s),
            )
        if time.monotonic() - self._checked_at >= CHECKPOINT_S:
            self._checked_at = time.monotonic()
            self.alarms.checkpoint()
        shown = json.dumps(self.status()).encode()
        if shown != self._shown:
            self._outbox.keep({STATUS: shown})
            self._shown = shown

    def _acknowledge(self, body: dict[str, Any]) -> str:
        taken = self.alarms.acknowledge(str(body.get("by", "")), str(body.get("note", "")))
        return (
            f"{len(taken)} acknowledged: {', '.join(map(sentence, taken))}"
            if taken
            else ("Nothing stands that is not acknowledged.")
        )

    def status(self) -> dict[str, Any]:
        """What `wellflow-agent status` shows of it."""
        outputs = self._annunciator.outputs if self._annunciator is not None else []
        return {
            "rules": len(self.alarms),
            "epoch": self.alarms.epoch,
            "refused": self.words,
            "hub": "silent" if self.hub.alone else "heard",
            "standing": [sentence(one) for one in self.alarms.standing()],
            "outputs": {output.settings.name: output.state for output in outputs},
        }


def _form(
    settings: AgentSettings,
    outbox: Outbox,
    clock: AlarmClock,
    config: int,
    tags: Mapping[str, int],
    hub: HubWatch,
    news: Callable[[], None],
) -> FormRoom | None:
    """The pumper's pages, where a port is named for them; else nothing of them is even loaded."""
    if settings.form.port is None:
        return None
    room = import_module("agent.form.room").FormRoom
    served: FormRoom = room(settings.form, outbox, clock, config, tags, hub=hub, news=news)
    return served


def sentence(one: Standing) -> str:
    """An alarm in words for a person at the site."""
    since = datetime.fromtimestamp(one.raised_at / 1000, UTC)
    unit = f" {one.rule.unit}".rstrip()
    words = f"P{one.priority} {one.rule.name or one.rule.tag} ({one.level}) {one.value:g}{unit}"
    words += f" since {since:%Y-%m-%d %H:%M:%S} UTC"
    words += ", nobody can see how it stands" if one.frozen else ""
    return words + (f", acknowledged by {one.acked}" if one.acked else "")


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 180 else f"{seconds / 60:.0f} min"
