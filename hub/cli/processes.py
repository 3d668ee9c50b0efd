"""Verbs that are the hub at work: run, ingest, work, serve."""

from __future__ import annotations

import argparse
import os
import threading
from pathlib import Path

from hub import bootstrap, supervisor
from hub.cli.screen import Exit, Screen
from hub.settings import load


def run(asked: argparse.Namespace, _screen: Screen) -> int:
    """Run all processes, or those named with --only, and start again what ends."""
    load(asked.settings)  # a fault in the settings is said once, here, not by three children
    bootstrap.log_to_stderr(asked.log_level)
    stop = threading.Event()
    supervisor.stop_on_signals(stop)
    settings_file: Path | None = asked.settings
    environ = dict(os.environ) | {"WELLFLOW_LOG_LEVEL": asked.log_level}
    return supervisor.supervise(bootstrap.commands(settings_file, asked.only), stop, environ)


def process(asked: argparse.Namespace, _screen: Screen) -> int:
    """Be one process: ingest, work or serve."""
    settings = load(asked.settings)
    bootstrap.log_to_stderr(asked.log_level)
    bootstrap.run_process(asked.verb, settings)
    return Exit.DONE
