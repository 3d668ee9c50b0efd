"""MQTT -> rows: messages are decoded, stored exactly once, and only then receipted."""

from hub.ingest.process import Ingest, run

__all__ = ["Ingest", "run"]
