"""What people read that is about more than one alert, in English and Spanish (pure).

What an alert itself says is in the words of its rule, in whichever language those were written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hub.notify.messages import Message, letter

LONGEST_LIST: Final = 20  #: alerts named one by one; of more it is said how many

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "storm": "STORM {place}: {total} alarms, first {first} at {since}; {counts}",
        "storm_head": "{total} alarms wait for somebody at {place}: {counts}.",
        "storm_first": "The first was: {first}, at {since}.",
        "storm_what": "While so many come they are told in this one message, renewed every ten"
        " minutes; critical ones still come one by one. Acknowledge all of them at once there:",
        "bundle": "{total} alerts: {first} …",
        "bundle_head": "{total} alerts wait for somebody.",
        "digest": "Digest: {total} items, {counts}",
        "digest_none": "Digest",
        "digest_head": "What you were not woken for: {total} items since {since}.",
        "digest_waits": "Still open, deferred to now:",
        "digest_over": "Over or taken on meanwhile:",
        "digest_expired": "Messages that came to nothing in time:",
        "digest_late": "Learned late, while a link was down:",
        "more": "… and {more} more.",
        "proof": "Are you reachable? Answer this message",
        "proof_head": "{name}, people count on reaching you here. Answer this message to show that"
        " they can.",
        "proof_how": "Tap the link, or answer as the message says, by {until}. It takes a few"
        " seconds; without an answer your manager is told.",
        "handoff": "You are on call: {rotation} until {until}",
        "handoff_head": "{name}, you are on call now for {rotation}, until {until}.",
        "handoff_from": "{name} went off call.",
        "handoff_note": "{name} says: {note}",
        "handoff_open": "{total} alerts stand open.",
        "overdue": "Overdue: nobody was told further of {what}",
        "overdue_head": "The next step of telling people of “{what}” was due at {since} and was not"
        " taken. You are told instead. The work process may be stopped or too slow.",
        "gap": "Nobody is on call: {rotation}, {since} to {until}",
        "gap_head": "Nobody is on call for {rotation} from {since} to {until}. Until somebody is"
        " entered, alerts of that time go to {fallback}.",
        "missed": "No answer from {name}",
        "missed_head": "{name} did not answer the weekly question whether they can be reached. Look"
        " at their channels, or put somebody else on call.",
        "report": "The week's worst rules: {alarms} alarms, {share} of {rules} rules",
        "report_head": "{alarms} alarms in the week to {until}; {share} came from these {rules}"
        " rules. Where a fix could be computed from the gauge's own readings, it waits for one"
        " click; it takes out chatter and loses no long alarm.",
        "report_rule": "“{rule}”, {place}: {alarms} alarms, {chattering} of them chattering,"
        " {fleeting} fleeting.",
        "report_fix": "Fix: {after} in place of {before}, in a month.",
        "report_dead": "Its gauge is dead since {since}.",
    },
    "es": {
        "storm": "TORMENTA {place}: {total} alarmas, primera {first} a las {since}; {counts}",
        "storm_head": "{total} alarmas esperan a alguien en {place}: {counts}.",
        "storm_first": "La primera fue: {first}, a las {since}.",
        "storm_what": "Mientras lleguen tantas se avisan en este único mensaje, renovado cada diez"
        " minutos; las críticas siguen llegando una por una. Acéptelas todas a la vez aquí:",
        "bundle": "{total} avisos: {first} …",
        "bundle_head": "{total} avisos esperan a alguien.",
        "digest": "Resumen: {total} asuntos, {counts}",
        "digest_none": "Resumen",
        "digest_head": "Lo que no le despertó: {total} asuntos desde {since}.",
        "digest_waits": "Siguen abiertos, aplazados hasta ahora:",
        "digest_over": "Terminados o atendidos entretanto:",
        "digest_expired": "Mensajes que no llegaron a tiempo:",
        "digest_late": "Conocido tarde, mientras faltaba la conexión:",
        "more": "… y {more} más.",
        "proof": "¿Se le puede localizar? Conteste este mensaje",
        "proof_head": "{name}, otros cuentan con localizarle aquí. Conteste este mensaje para"
        " mostrar que es posible.",
        "proof_how": "Toque el enlace, o conteste como dice el mensaje, antes de {until}. Son unos"
        " segundos; sin respuesta se avisa a su jefe.",
        "handoff": "Está de guardia: {rotation} hasta {until}",
        "handoff_head": "{name}, ahora está de guardia para {rotation}, hasta {until}.",
        "handoff_from": "{name} terminó su guardia.",
        "handoff_note": "{name} dice: {note}",
        "handoff_open": "{total} avisos siguen abiertos.",
        "overdue": "Atrasado: nadie más fue avisado de {what}",
        "overdue_head": "El siguiente paso para avisar de “{what}” tocaba a las {since} y no se"
        " dio. Se le avisa a usted. El proceso de trabajo puede estar parado o ir muy lento.",
        "gap": "Nadie está de guardia: {rotation}, {since} a {until}",
        "gap_head": "Nadie está de guardia para {rotation} desde {since} hasta {until}. Mientras no"
        " se anote a alguien, los avisos de ese tiempo van a {fallback}.",
        "missed": "{name} no contesta",
        "missed_head": "{name} no contestó la pregunta semanal de si se le puede localizar. Revise"
        " sus canales, o ponga a otra persona de guardia.",
        "report": "Las peores reglas de la semana: {alarms} alarmas, {share} de {rules} reglas",
        "report_head": "{alarms} alarmas en la semana hasta {until}; {share} vinieron de estas"
        " {rules} reglas. Donde se pudo calcular un arreglo con las lecturas del propio medidor,"
        " espera un clic; quita el parpadeo y no pierde ninguna alarma larga.",
        "report_rule": "“{rule}”, {place}: {alarms} alarmas, {chattering} de ellas parpadeando,"
        " {fleeting} fugaces.",
        "report_fix": "Arreglo: {after} en lugar de {before}, en un mes.",
        "report_dead": "Su medidor está muerto desde {since}.",
    },
}


def say(language: str, key: str, **values: object) -> str:
    """A sentence in a language, English where there is no other."""
    return WORDS.get(language, WORDS["en"])[key].format(**values)


def tally(counts: Mapping[int, int]) -> str:
    """How many of which priority: 1 P1, 3 P2."""
    return ", ".join(f"{count} P{priority}" for priority, count in sorted(counts.items()))


def storm(
    language: str,
    *,
    organization: str,
    place: str,
    counts: Mapping[int, int],
    first: str,
    since: str,
    path: str,
) -> Message:
    """The one message of a flood."""
    values = {
        "place": place,
        "total": sum(counts.values()),
        "counts": tally(counts),
        "first": first,
        "since": since,
    }
    lines = [say(language, key, **values) for key in ("storm_head", "storm_first", "storm_what")]
    return letter("storm", organization, say(language, "storm", **values), lines, path)


def bundle(language: str, *, organization: str, lines: Sequence[str]) -> Message:
    """Several alerts that came within a short time."""
    values = {"total": len(lines), "first": lines[0]}
    said = [say(language, "bundle_head", **values), *listed(language, lines)]
    return letter("bundle", organization, say(language, "bundle", **values), said)


@dataclass(frozen=True, slots=True)
class DigestLines:
    """What a digest tells of, each a line."""

    waits: Sequence[str] = ()
    over: Sequence[str] = ()
    expired: Sequence[str] = ()
    late: Sequence[str] = ()
    counts: Mapping[int, int] | None = None

    @property
    def total(self) -> int:
        """How many items."""
        return len(self.waits) + len(self.over) + len(self.expired) + len(self.late)


def digest(language: str, *, organization: str, since: str, lines: DigestLines) -> Message:
    """What a person was not woken for."""
    said = [say(language, "digest_head", total=lines.total, since=since)]
    for key in ("waits", "over", "expired", "late"):
        items = getattr(lines, key)
        if items:
            said += [say(language, f"digest_{key}"), *listed(language, items)]
    subject = (
        say(language, "digest", total=lines.total, counts=tally(lines.counts))
        if lines.counts
        else f"{say(language, 'digest_none')}: {lines.total}"
    )
    return letter("digest", organization, subject, said)


def listed(language: str, lines: Sequence[str]) -> list[str]:
    """At most twenty lines, and how many more there are."""
    if len(lines) <= LONGEST_LIST:
        return list(lines)
    more = len(lines) - LONGEST_LIST
    return [*lines[:LONGEST_LIST], say(language, "more", more=more)]


def note(language: str, kind: str, organization: str, path: str, **values: object) -> Message:
    """A message of one or two sentences: a kind, its headline, and what else is known."""
    lines = [say(language, f"{kind}_head", **values)]
    more = {"proof": ("how",), "handoff": ("from", "note", "open")}.get(kind, ())
    for part in more:
        wanted = {"from": "before", "note": "note", "open": "total"}.get(part)
        if wanted is None or values.get(wanted):
            name = values.get("before") if part in {"from", "note"} else values.get("name")
            lines.append(say(language, f"{kind}_{part}", **(values | {"name": name})))
    return letter(kind, organization, say(language, kind, **values), lines, path)
