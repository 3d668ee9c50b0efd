"""The well site: reads gauges, keeps everything through power cuts, forwards when it can."""

__version__ = "0.1.0"
