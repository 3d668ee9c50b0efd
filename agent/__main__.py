"""`wellflow-agent`: reads the command line, calls the verb, and says what is wrong.

Exit codes: 0 done, 1 not done or not in order, 2 the file or the command line is wrong.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from agent import __version__
from agent.cli import Exit
from agent.cli.arguments import endpoint, positive, register_span, unit_ids
from agent.contract.configfile import ConfigError

AddParser = Callable[..., argparse.ArgumentParser]
LEVELS = ("debug", "info", "warning", "error")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb; returns the exit code."""
    args = parser().parse_args(arguments)
    try:
        verb = importlib.import_module(f"agent.cli.{args.verb}")
        return int(verb.main(args))
    except ConfigError as fault:
        print(fault, file=sys.stderr)
        return Exit.MISCONFIGURED
    except BrokenPipeError:  # the reader of a table has seen enough
        sys.stderr.close()
        return Exit.FAILED


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="wellflow-agent",
        description="Reads gauges at a well site, keeps every reading, forwards when it can.",
    )
    top.add_argument("--version", action="version", version=f"wellflow-agent {__version__}")
    add = top.add_subparsers(required=True, metavar="VERB").add_parser

    run = _verb(add, "run", "collect, keep and forward until told to stop")
    _log_level(run)
    _verb(add, "check", "tell every fault of the file; nothing is started")
    read = _verb(add, "read", "poll once and print what the registers hold")
    read.add_argument("--device", action="append", default=[], help="only this one; repeatable")
    read.add_argument("--json", action="store_true", help="print a JSON list")
    ack = _verb(add, "ack", "acknowledge what stands at this site; the horn stops")
    ack.add_argument("--by", default="", help="who acknowledges, if not this account")
    ack.add_argument("--note", default="", help="what is done about it")
    status = _verb(add, "status", "print how much waits in the outbox")
    status.add_argument("--json", action="store_true", help="print a JSON object")
    _simulate_options(_verb(add, "simulate", "serve the ports of the file, for trying out"))
    scan = add("scan", help="find unit ids and registers on a port")
    scan.set_defaults(verb="scan")
    _scan_options(scan)
    return top


def _verb(add: AddParser, name: str, says: str) -> argparse.ArgumentParser:
    verb = add(name, help=says, description=f"{says.capitalize()}.")
    verb.add_argument("file", type=Path, help="the agent's settings, as agent.example.toml")
    verb.set_defaults(verb=name)
    return verb


def _log_level(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--log-level",
        choices=LEVELS,
        default=os.environ.get("WELLFLOW_LOG_LEVEL", "info"),
        help="how much is written to the log (WELLFLOW_LOG_LEVEL)",
    )


def _simulate_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--site", type=Path, help="what simulates each device (site.toml)")
    verb.add_argument("--speed", type=positive, help="times faster than real")
    verb.add_argument("--host", help="listen here instead of at the hosts in the file")
    verb.add_argument("--journal", type=Path, help="write every value served to this file")
    verb.add_argument("--control", type=Path, help="faults, read whenever this file changes")
    _log_level(verb)


def _scan_options(verb: argparse.ArgumentParser) -> None:
    where = verb.add_mutually_exclusive_group(required=True)
    where.add_argument("--tcp", metavar="HOST[:PORT]", type=endpoint, help="a Modbus TCP endpoint")
    where.add_argument("--serial", metavar="PATH", help="a serial line")
    verb.add_argument("--baud", type=int, default=9600, help="of the serial line")
    verb.add_argument("--parity", choices=("none", "even", "odd"), default="none")
    verb.add_argument("--stop-bits", type=int, choices=(1, 2), default=1)
    verb.add_argument(
        "--units", type=unit_ids, default="1-32", help="unit ids to try: 1-32 or 1,5,17"
    )
    verb.add_argument(
        "--registers",
        type=register_span,
        action="append",
        default=[],
        metavar="TABLE:FIRST-LAST",
        help="also find which of these can be read: holding:0-999; repeatable",
    )
    verb.add_argument("--timeout", type=positive, default=0.5, help="seconds to wait for each")


if __name__ == "__main__":
    sys.exit(main())
