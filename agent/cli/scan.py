"""Find unit ids on a port, and the registers that can be read."""

from __future__ import annotations

import sys

from agent import seek
from agent.bus import UnreachableError
from agent.cli import Args, Exit, complain, log_to_stderr, until_interrupted
from agent.equipment import PortSettings, SerialPort, TcpPort
from agent.modbus import ModbusBus


def main(args: Args) -> int:
    """Run the verb; nothing answers: exit code 1."""
    log_to_stderr("error")
    return until_interrupted(lambda: _scan(args))


async def _scan(args: Args) -> int:
    port = _port(args)
    bus = ModbusBus(port)
    found = 0
    try:
        async for unit in seek.units(bus, args.units, args.timeout, _progress):
            found += 1
            _say(f"unit {unit} answers")
            for wanted in args.registers:
                for span in await seek.spans(bus, unit, wanted, args.timeout, _progress):
                    _say(f"  {span}")
    except UnreachableError as fault:
        _say()
        return complain(f"{port.endpoint} cannot be reached: {fault}")
    finally:
        bus.close()
    _say(f"{found} of {len(args.units)} units answer on {port.endpoint}")
    return Exit.DONE if found else Exit.FAILED


def _port(args: Args) -> PortSettings:
    if args.serial:
        return SerialPort("scan", args.serial, args.baud, args.parity, args.stop_bits)
    return TcpPort("scan", *args.tcp)


def _progress(done: int, total: int, what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{done}/{total} {what}", end="", file=sys.stderr, flush=True)


def _say(text: str = "") -> None:
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    if text:
        print(text, flush=True)
