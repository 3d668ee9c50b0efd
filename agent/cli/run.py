"""Collect, keep and forward until told to stop."""

from __future__ import annotations

from agent import runtime
from agent.cli import Args, log_to_stderr
from agent.contract.configfile import ConfigError
from agent.settings import load, missing_to_run


def main(args: Args) -> int:
    """Run the verb; raises `ConfigError` when the file is not enough to run with."""
    settings = load(args.file)
    if faults := missing_to_run(settings, str(args.file)):
        raise ConfigError(faults)
    log_to_stderr(args.log_level)
    return runtime.run(settings)
