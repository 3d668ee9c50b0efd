"""hub.toml, environment and secret files -> one frozen dataclass; every fault reported at once."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from agent.contract.configfile import ConfigFile, Section
from agent.contract.wire import SHARDS
from hub.seal import SecretKey

LARGEST_DOCUMENT = 50 << 20  #: bytes


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where the database is; each role may sign in with an account of its own."""

    url: str  #: postgresql://…, an account that may act as wellflow_app
    ingest_url: str  #: … as wellflow_ingest
    work_url: str  #: … as wellflow_work
    admin_url: str  #: … may create roles, extensions and tables (migrate, backup, restore)
    pool: int


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """The broker, and which shards this process takes."""

    url: str  #: mqtts://user:password@host:8883 or mqtt:// (plain, loopback or explicit only)
    ca_file: str | None
    client_id: str
    first_shard: int
    last_shard: int
    accounts_file: str | None  #: Mosquitto password file that `agent add` writes
    allow_plain: bool


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The SMTP server that carries notifications."""

    host: str
    port: int
    username: str | None
    password: str | None
    sender: str
    security: str  #: "starttls", "tls" or "none"


@dataclass(frozen=True, slots=True)
class WebSettings:
    """The console's address."""

    host: str
    port: int
    public_url: str  #: as people type it; https:// makes cookies Secure
    session_hours: int
    allow_plain: bool
    trusted_proxies: int


@dataclass(frozen=True, slots=True)
class DocumentSettings:
    """Where the content of documents is kept: a folder, or an S3-compatible store."""

    store: str  #: "disk" or "s3"
    path: Path  #: disk: the folder
    max_bytes: int  #: the largest document that is taken
    endpoint_url: str | None  #: s3: address of the store; none: Amazon's own
    region: str | None
    bucket: str
    prefix: str  #: s3: what every key in the bucket begins with
    access_key: str | None  #: s3: none: the credentials of the machine
    secret_key: str | None

    @classmethod
    def in_folder(cls, path: Path) -> DocumentSettings:
        """Documents in a folder, of any size that is usual."""
        return cls("disk", path, LARGEST_DOCUMENT, None, None, "", "", None, None)


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """Where answers are kept for a few seconds; without a Redis, in each process."""

    url: str | None  #: rediss://user:password@host:6380/0, or redis:// to the same machine


@dataclass(frozen=True, slots=True)
class HubSettings:
    """Everything the hub can be told."""

    database: DatabaseSettings
    mqtt: MqttSettings
    mail: MailSettings
    web: WebSettings
    documents: DocumentSettings
    cache: CacheSettings
    secret_key: SecretKey  #: seals secrets kept in the database; knows the keys before it
    live_window_s: int
    retention_days: int
    webhook_allow_private: bool
    heartbeat_url: str | None  #: called once a minute while all is well


def load(path: Path | None, environ: Mapping[str, str] | None = None) -> HubSettings:
    """Read the hub's settings; raises `ConfigError` with every fault."""
    file = ConfigFile.load(path, environ)
    root = file.root()
    settings = HubSettings(
        database=_database(root.section("database")),
        mqtt=_mqtt(root.section("mqtt")),
        mail=_mail(root.section("mail")),
        web=_web(root.section("web")),
        documents=_documents(root.section("documents")),
        cache=_cache(root.section("cache")),
        secret_key=_secret_key(root),
        live_window_s=root.integer("live_window_s", 900, low=60),
        retention_days=root.integer("retention_days", 730, low=7),
        webhook_allow_private=root.flag("webhook_allow_private", False),
        heartbeat_url=_address(root, "heartbeat_url"),
    )
    root.done()
    file.finish()
    return settings


def _database(section: Section) -> DatabaseSettings:
    url = _url(section, "url", "postgresql")
    settings = DatabaseSettings(
        url,
        section.text("ingest_url", url),
        section.text("work_url", url),
        section.text("admin_url", url),
        section.integer("pool", 8, low=1, high=100),
    )
    section.done()
    return settings


def _mqtt(section: Section) -> MqttSettings:
    settings = MqttSettings(
        _url(section, "url", "mqtt", "mqtts"),
        section.optional("ca_file"),
        section.text("client_id", "wellflow-hub"),
        section.integer("first_shard", 0, low=0, high=SHARDS - 1),
        section.integer("last_shard", SHARDS - 1, low=0, high=SHARDS - 1),
        section.optional("accounts_file"),
        section.flag("allow_plain", False),
    )
    if settings.last_shard < settings.first_shard:
        section.fault("last_shard", "lies below first_shard")
    _refuse_plain(section, settings.url, "mqtt", "mqtts", allowed=settings.allow_plain)
    section.done()
    return settings


def _mail(section: Section) -> MailSettings:
    settings = MailSettings(
        section.text("host", "localhost"),
        section.integer("port", 587, low=1, high=65535),
        section.optional("username"),
        section.optional("password"),
        section.text("sender", "wellflow@localhost"),
        section.text("security", "starttls", choices=("starttls", "tls", "none")),
    )
    section.done()
    return settings


def _web(section: Section) -> WebSettings:
    host = section.text("host", "127.0.0.1")
    port = section.integer("port", 8080, low=1, high=65535)
    settings = WebSettings(
        host,
        port,
        section.text("public_url", f"http://{host}:{port}").rstrip("/"),
        section.integer("session_hours", 12, low=1, high=24 * 30),
        section.flag("allow_plain", False),
        section.integer("trusted_proxies", 0, low=0, high=5),
    )
    _refuse_plain(section, settings.public_url, "http", "https", allowed=settings.allow_plain)
    section.done()
    return settings


def _documents(section: Section) -> DocumentSettings:
    settings = DocumentSettings(
        section.text("store", "disk", choices=("disk", "s3")),
        Path(section.text("path", "/var/lib/wellflow-hub/documents")),
        section.integer("max_bytes", LARGEST_DOCUMENT, low=1 << 10, high=1 << 30),
        _address(section, "endpoint_url"),
        section.optional("region"),
        section.text("bucket", ""),
        section.text("prefix", "wellflow").strip("/"),
        section.optional("access_key"),
        section.optional("secret_key"),
    )
    if settings.store == "s3" and not settings.bucket:
        section.fault("bucket", 'is missing; store = "s3" keeps documents in a bucket')
    if (settings.access_key is None) != (settings.secret_key is None):
        section.fault("access_key", "and secret_key belong together; set both, or neither")
    allowed = section.flag("allow_plain", False)
    _refuse_plain(section, settings.endpoint_url or "", "http", "https", allowed=allowed)
    section.done()
    return settings


def _cache(section: Section) -> CacheSettings:
    settings = CacheSettings(_address(section, "url", "redis", "rediss"))
    allowed = section.flag("allow_plain", False)
    _refuse_plain(section, settings.url or "", "redis", "rediss", allowed=allowed)
    section.done()
    return settings


def _address(section: Section, name: str, *schemes: str) -> str | None:
    """An address that may be left out."""
    url = section.optional(name)
    return None if url is None else _of_scheme(section, name, url, *(schemes or ("http", "https")))


def _url(section: Section, name: str, *schemes: str) -> str:
    return _of_scheme(section, name, section.text(name), *schemes)


def _of_scheme(section: Section, name: str, url: str, *schemes: str) -> str:
    if url and urlsplit(url).scheme not in schemes:
        section.fault(name, f"must start with {' or '.join(f'{s}://' for s in schemes)}")
    return url


def _refuse_plain(section: Section, url: str, plain: str, safe: str, *, allowed: bool) -> None:
    parts = urlsplit(url)
    loopback = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if parts.scheme == plain and not loopback and not allowed:
        section.fault(
            _PLAIN_KEYS.get(section.path, "url"),
            f"{plain}:// sends passwords in the clear; use {safe}://, or set allow_plain = true",
        )


#: Under which key a section names the address that a plain scheme would give away.
_PLAIN_KEYS = {"web": "public_url", "documents": "endpoint_url"}


def _secret_key(root: Section) -> SecretKey:
    """The key, and those before it: separated by spaces or commas, newest first."""
    text = root.text("secret_key")
    key = _key(text)
    if text and len(key) != 32:
        root.fault("secret_key", "must be 32 bytes in base64; `wellflow-hub key` makes one")
    former = [_key(word) for word in root.text("former_secret_keys", "").replace(",", " ").split()]
    if any(len(one) != 32 for one in former):
        root.fault("former_secret_keys", "must each be 32 bytes in base64, as secret_key was")
    return SecretKey(key, former)


def _key(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""
