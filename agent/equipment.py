"""What stands at a well site: ports, the devices behind them, and the gauges in their registers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Table = Literal["holding", "input", "coil", "discrete"]
TABLES: tuple[Table, ...] = get_args(Table)

Kind = Literal[
    "bool",
    "bit",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "uint64",
    "float32",
    "float64",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

Order = Literal["big", "little"]
ORDERS: tuple[Order, ...] = get_args(Order)

Parity = Literal["none", "even", "odd"]
PARITIES: tuple[Parity, ...] = get_args(Parity)

MAX_REGISTERS = 125  #: registers in one answer, by the Modbus specification
MAX_BITS = 2000  #: coils or discrete inputs in one answer
BITS_PER_REGISTER = 16

_REGISTERS: dict[Kind, int] = {
    "bit": 1,
    "int16": 1,
    "uint16": 1,
    "int32": 2,
    "uint32": 2,
    "float32": 2,
    "int64": 4,
    "uint64": 4,
    "float64": 4,
}


def is_bits(table: Table) -> bool:
    """Whether a table holds single bits (coils, discrete inputs) instead of 16-bit registers."""
    return table in {"coil", "discrete"}


@dataclass(frozen=True, slots=True)
class TcpPort:
    """A Modbus TCP endpoint, or a serial device server that passes RTU frames through TCP."""

    name: str
    host: str
    port: int = 502
    rtu_frames: bool = False  #: frames with checksum, as a serial device server passes them on
    connect_timeout_s: float = 3.0
    pause_ms: float = 0.0  #: rest between requests, for devices that need it

    @property
    def endpoint(self) -> str:
        """What is at the other end, for people."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class SerialPort:
    """A serial line with Modbus RTU, most often two-wire RS-485."""

    name: str
    path: str
    baud: int = 9600
    parity: Parity = "none"
    stop_bits: int = 1
    echo: bool = False  #: the adapter hears its own frames
    pause_ms: float = 0.0  #: rest between requests, for devices that need it

    @property
    def endpoint(self) -> str:
        """What is at the other end, for people."""
        return self.path


PortSettings = TcpPort | SerialPort


@dataclass(frozen=True, slots=True)
class Hole:
    """Registers, first to last, that must never be part of a request."""

    table: Table
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """One Modbus unit behind a port."""

    name: str
    port: str
    unit: int  #: Modbus unit id
    interval_s: float = 10.0  #: how often its gauges are read, where they do not say
    timeout_s: float = 1.0
    max_registers: int = MAX_REGISTERS  #: registers in one request
    max_bits: int = MAX_BITS  #: bits in one request
    max_gap: int = 16  #: registers nobody asked for that may be read to save a request
    holes: tuple[Hole, ...] = ()
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class GaugeSettings:
    """One measured quantity: where it stands and how its bits become an engineering value."""

    number: int  #: its tag number in this configuration
    name: str  #: "device.gauge", unique within the agent
    device: str
    table: Table
    address: int  #: on the wire, from 0
    kind: Kind
    byte_order: Order = "big"
    word_order: Order = "big"
    bit: int = 0  #: which bit of the register, for kind "bit"; 0 is the lowest
    scale: float = 1.0  #: value = raw * scale + offset
    offset: float = 0.0
    unit: str = ""
    decimals: int = 3  #: values are rounded to this resolution
    low: float | None = None  #: range of the gauge; outside it the quality says so
    high: float | None = None
    interval_s: float = 10.0
    description: str = ""

    @property
    def size(self) -> int:
        """How many registers (or bits, in a table of bits) it takes."""
        return _REGISTERS.get(self.kind, 1)

    @property
    def end(self) -> int:
        """The address after its last."""
        return self.address + self.size
