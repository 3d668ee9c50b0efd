"""`wellflow-hub`: reads the command line, calls the verb, and says in one sentence what failed."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

from agent.contract.configfile import ConfigError
from hub.bootstrap import PROCESSES
from hub.cli import (
    backtest,
    closing,
    demonstration,
    enrol,
    flags,
    importing,
    people,
    processes,
    reach,
    reaching,
    register,
    reports,
    secrets,
    trail,
    upkeep,
    wellness,
)
from hub.cli.screen import Exit, Screen
from hub.database import Tier
from hub.errors import HubError
from hub.schema.tenancy import ROLES

Parser = argparse.ArgumentParser
LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing that can be asked: its words, what it does, its help, its own options."""

    words: str
    run: Callable[[argparse.Namespace, Screen], int]
    help: str
    options: Callable[[Parser], None] = lambda _parser: None


def _run_options(parser: Parser) -> None:
    _log_options(parser)
    parser.add_argument(
        "--only", action="append", choices=PROCESSES, help="run this process (may be repeated)"
    )


def _log_options(parser: Parser) -> None:
    parser.add_argument(
        "--log-level",
        choices=LEVELS,
        default=os.environ.get("WELLFLOW_LOG_LEVEL", "info"),
        help="how much is written to the log (WELLFLOW_LOG_LEVEL)",
    )


def _migrate_options(parser: Parser) -> None:
    parser.add_argument(
        "--tier",
        choices=[tier.value for tier in Tier if tier is not Tier.PLAIN],
        help="move the readings up to this storage tier",
    )
    parser.add_argument(
        "--logins", action="store_true", help="make the accounts that the settings name"
    )


def _backup_options(parser: Parser) -> None:
    parser.add_argument("path", type=Path, help="the backup file")


def _restore_options(parser: Parser) -> None:
    _backup_options(parser)
    parser.add_argument(
        "--replace", action="store_true", help="in place of what is in the database now"
    )


def _key_options(parser: Parser) -> None:
    parser.add_argument("--push", action="store_true", help="one that signs pushes to browsers")


def _channel_options(parser: Parser) -> None:
    parser.add_argument("address", help="address, number or name, as `channel list` shows it")
    _operator_options(parser)


def _org_options(parser: Parser) -> None:
    parser.add_argument("name", help="legal name of the operator")
    parser.add_argument("--slug", required=True, help="short name: letters, digits, hyphens")
    parser.add_argument("--timezone", default="America/Chicago", help="time zone of its days")


def _user_options(parser: Parser) -> None:
    parser.add_argument("email", help="address used to sign in")
    parser.add_argument("--name", required=True, help="full name")
    parser.add_argument("--organization", required=True, metavar="SLUG", help="the operator")
    parser.add_argument("--role", required=True, choices=ROLES, help="what the person may do")
    parser.add_argument("--password-file", metavar="FILE", help="take the password from here")
    parser.add_argument(
        "--notify",
        type=int,
        choices=range(1, 5),
        metavar="PRIORITY",
        help="e-mail alerts of priority 1 (worst) to this one",
    )


def _person_options(parser: Parser) -> None:
    parser.add_argument("email", help="address used to sign in")
    _operator_options(parser)


def _operator_options(parser: Parser) -> None:
    parser.add_argument("--organization", required=True, metavar="SLUG", help="the operator")


def _role_options(parser: Parser) -> None:
    _person_options(parser)
    parser.add_argument("--role", required=True, choices=ROLES, help="what the person may do")


def _password_options(parser: Parser) -> None:
    parser.add_argument("email", help="address used to sign in")
    parser.add_argument("--password-file", metavar="FILE", help="take the password from here")


def _pin_options(parser: Parser) -> None:
    _person_options(parser)
    parser.add_argument("--pin-file", metavar="FILE", help="take the PIN from here")
    parser.add_argument("--remove", action="store_true", help="take the PIN away")


def _assign_options(parser: Parser) -> None:
    _person_options(parser)
    parser.add_argument(
        "--lease", action="append", default=[], metavar="NAME", help="a lease (may be repeated)"
    )
    parser.add_argument("--all", action="store_true", help="every lease there is now")
    parser.add_argument("--end", action="store_true", help="take them off the route")
    parser.add_argument("--from-day", type=date.fromisoformat, metavar="DAY", help="from this day")
    parser.add_argument("--to-day", type=date.fromisoformat, metavar="DAY", help="to this day")


def _check_options(parser: Parser) -> None:
    parser.add_argument(
        "--organization", metavar="SLUG", help="look at this operator's data instead"
    )
    parser.add_argument("--feature", metavar="NAME", help="only at what this feature needs")


def _flag_options(parser: Parser) -> None:
    parser.add_argument("feature", help="its name, as `flag list` shows it")
    _operator_options(parser)
    parser.add_argument("--note", default="", help="why")


def _flag_on_options(parser: Parser) -> None:
    _flag_options(parser)
    parser.add_argument(
        "--percent", type=int, choices=range(101), metavar="N", help="only for N %% of its people"
    )
    parser.add_argument("--anyway", action="store_true", help="although its data is not fit yet")


def _agent_options(parser: Parser) -> None:
    parser.add_argument("name", help="account at the broker: small letters, digits, . _ -")
    parser.add_argument("--organization", required=True, metavar="SLUG", help="the operator")
    parser.add_argument("--well", metavar="NAME", help="the well it stands at")
    parser.add_argument(
        "--broker-url", metavar="URL", help="the broker as agents reach it, if not as the hub does"
    )
    _account_options(parser)


def _agent_key_options(parser: Parser) -> None:
    parser.add_argument("name", help="the agent's name")


def _revoke_options(parser: Parser) -> None:
    parser.add_argument("name", help="the agent's name")
    _account_options(parser)


def _account_options(parser: Parser) -> None:
    parser.add_argument(
        "--accounts-file", metavar="FILE", help="the broker's accounts, if not mqtt.accounts_file"
    )
    parser.add_argument(
        "--reload-pid", type=int, metavar="PID", help="a broker to make read its accounts again"
    )


def _close_options(parser: Parser) -> None:
    _operator_options(parser)
    parser.add_argument("--day", type=date.fromisoformat, metavar="DATE", help="only this day")
    parser.add_argument("--lease", metavar="NAME", help="only this lease")


def _quarantine_options(parser: Parser) -> None:
    parser.add_argument("--all", action="store_true", help="also what has been settled")
    parser.add_argument("--limit", type=int, default=50, help="how many, newest first")


def _replay_options(parser: Parser) -> None:
    parser.add_argument("id", nargs="+", help="ids as `quarantine list` shows them")


def _audit_options(parser: Parser) -> None:
    parser.add_argument("--agent", metavar="NAME", help="only this agent")
    parser.add_argument("--days", type=int, metavar="N", help="only the last N days")


def _verify_options(parser: Parser) -> None:
    parser.add_argument("--organization", metavar="SLUG", help="only this one's chain")
    parser.add_argument("--head", action="store_true", help="print the heads, to keep elsewhere")
    parser.add_argument(
        "--kept",
        action="append",
        metavar="HEAD",
        help="a head kept elsewhere, which must still be in its chain (may be repeated)",
    )


def _demo_options(parser: Parser) -> None:
    parser.add_argument(
        "--check", action="store_true", help="unattended: verify every hop, print one line, end"
    )
    parser.add_argument("--state", type=Path, metavar="DIR", help="where the demo keeps its data")


VERBS = (
    Verb("run", processes.run, "run ingest, work and serve, and keep them running", _run_options),
    Verb("ingest", processes.process, "take messages from the broker", _log_options),
    Verb("work", processes.process, "judge, notify, and run the periodic jobs", _log_options),
    Verb("serve", processes.process, "serve the console", _log_options),
    Verb("migrate", upkeep.bring_tables, "bring the database to these tables", _migrate_options),
    Verb(
        "check",
        reach.check,
        "try all that the settings name, or an operator's data",
        _check_options,
    ),
    Verb("status", wellness.status, "does everything go on that has to"),
    Verb("key", upkeep.key, "make a secret key", _key_options),
    Verb("keys rotate", secrets.keys_rotate, "seal every secret anew with secret_key"),
    Verb("org add", register.org_add, "add an operator", _org_options),
    Verb("user add", register.user_add, "add a person to an operator", _user_options),
    Verb("user list", people.user_list, "who works for an operator", _operator_options),
    Verb("user role", people.user_role, "give a person another role", _role_options),
    Verb("user end", people.user_end, "end a person's work for an operator", _person_options),
    Verb("user password", people.user_password, "set a person's password", _password_options),
    Verb("user pin", people.user_pin, "set a person's PIN at the sites", _pin_options),
    Verb("user assign", people.user_assign, "put leases on a pumper's route", _assign_options),
    Verb("flag list", flags.flag_list, "what an operator uses", _operator_options),
    Verb("flag on", flags.flag_on, "switch a feature on", _flag_on_options),
    Verb("flag off", flags.flag_off, "switch a feature off", _flag_options),
    Verb("channel list", reaching.channel_list, "where people are reached", _operator_options),
    Verb("channel test", reaching.channel_test, "try a channel", _channel_options),
    Verb("agent add", enrol.agent_add, "make an agent's account", _agent_options),
    Verb("agent key", enrol.agent_key, "give an agent a new key for its rules", _agent_key_options),
    Verb("agent revoke", enrol.agent_revoke, "end an agent's account", _revoke_options),
    Verb("close", closing.close, "close a lease's days, and tell what is open", _close_options),
    Verb("quarantine list", reports.quarantine_list, "what was set aside", _quarantine_options),
    Verb("quarantine replay", reports.quarantine_replay, "take it in again", _replay_options),
    Verb("audit", reports.audit, "prove that all that was sent is stored", _audit_options),
    Verb("audit verify", trail.audit_verify, "prove that nobody rewrote history", _verify_options),
    Verb("backtest", backtest.run, "what a rule would have done so far", backtest.options),
    Verb("backup", upkeep.backup_to, "write a backup and check it", _backup_options),
    Verb("restore", upkeep.restore_from, "bring a backup back and check it", _restore_options),
    Verb("import", importing.take_in, "take in a spreadsheet or a state's file", importing.options),
    Verb("demo", demonstration.demo, "recorded wells, live, on this machine", _demo_options),
)


def parser() -> Parser:
    """The command line's grammar."""
    whole = Parser(
        prog="wellflow-hub",
        description="The office: stores what the well sites send, judges it, tells people.",
        epilog="Exit codes: 0 done; 1 failed, or something is not in order; 2 wrong settings.",
    )
    whole.add_argument("--version", action="version", version=f"wellflow-hub {version('wellflow')}")
    whole.add_argument(
        "--settings",
        type=Path,
        default=_path_from_environment(),
        metavar="FILE",
        help="hub.toml (WELLFLOW_SETTINGS); the environment alone will do",
    )
    groups: dict[str, argparse._SubParsersAction[Parser]] = {
        "": whole.add_subparsers(dest="verb", required=True, metavar="VERB")
    }
    alone: dict[str, Parser] = {}  # verbs that do something without a second word too
    for verb in VERBS:
        group, _, word = verb.words.rpartition(" ")
        if group not in groups:
            child = alone.get(group) or groups[""].add_parser(
                group, help=", ".join(_words_of(group))
            )
            groups[group] = child.add_subparsers(
                dest="word", required=group not in alone, metavar="VERB"
            )
        one = groups[group].add_parser(word, help=verb.help, description=_sentence(verb))
        alone[verb.words] = one
        one.add_argument("--json", action="store_true", help="answer with one line of JSON")
        verb.options(one)
        one.set_defaults(run=verb.run)
    return whole


def _path_from_environment() -> Path | None:
    name = os.environ.get("WELLFLOW_SETTINGS")
    return Path(name) if name else None


def _words_of(group: str) -> Iterator[str]:
    return (verb.words.split()[1] for verb in VERBS if verb.words.startswith(f"{group} "))


def _sentence(verb: Verb) -> str:
    return verb.help[0].upper() + verb.help[1:] + "."


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line asks; returns the exit code."""
    asked = parser().parse_args(words)
    screen = Screen(as_json=asked.json)
    run: Callable[[argparse.Namespace, Screen], int] = asked.run
    try:
        return int(run(asked, screen))
    except ConfigError as fault:
        print(fault, file=sys.stderr)
        return Exit.MISCONFIGURED
    except HubError as fault:
        print(f"wellflow-hub: {fault}", file=sys.stderr)
        return Exit.FAILED
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:  # `wellflow-hub audit | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.DONE


if __name__ == "__main__":
    sys.exit(main())
