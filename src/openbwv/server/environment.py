"""Every setting of the server, read from the environment once, checked, loud.

`VARIABLES` is the whole list: `docs/ref/config.md` is compared with it by a test. A secret `X` may also be given as
`X_FILE`, the path of a file that holds it.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from openbwv.recording.errors import EXIT_CONFIG, BwvError


class BadSetting(BwvError):
    """An environment variable is missing, or cannot be what it is set to."""

    code = "bad-setting"
    http_status = 500
    exit_code = EXIT_CONFIG


@dataclass(frozen=True)
class Variable:
    """One environment variable: its name, kind (text, path, flag, number, list), default and meaning."""

    name: str
    kind: str
    default: str
    meaning: str


VARIABLES = (
    Variable("BWV_STATE", "path", "", "the force's state folder; `--state` on the command line sets it"),
    Variable("DATABASE_URL", "text", "", "database address; default is SQLite in STATE/server.sqlite3"),
    Variable("BWV_SECRET_KEY", "text", "", "Django's secret key; default is the file STATE/secret_key"),
    Variable("BWV_HOSTS", "list", "localhost,127.0.0.1,[::1]", "host names the pages answer to, comma-separated"),
    Variable(
        "BWV_ORIGIN", "text", "", "public address of the pages, such as https://bwv.example; turns on HTTPS rules"
    ),
    Variable(
        "BWV_TRUSTED_PROXIES",
        "list",
        "",
        "addresses or networks of the proxies before the pages, such as 192.0.2.7,10.0.0.0/8: limits then count the "
        "asker that they name in X-Forwarded-For; from anybody else that header is not read",
    ),
    Variable("BWV_DEBUG", "flag", "0", "1 shows error details in the browser; never on a real force"),
    Variable("BWV_SESSION_MINUTES", "number", "30", "minutes without a request after which a sign-in ends"),
    Variable("BWV_ASIDE_SENDER_COUNT", "number", "1000", "most things kept aside of one sender, until settled"),
    Variable("BWV_ASIDE_SENDER_MIB", "number", "4096", "most MiB kept aside of one sender"),
    Variable("BWV_ASIDE_TOTAL_COUNT", "number", "20000", "most things kept aside in all, until settled"),
    Variable("BWV_ASIDE_TOTAL_MIB", "number", "65536", "most MiB kept aside in all"),
    Variable("BWV_DOOR_UPLOADS", "number", "64", "most uploads that the door takes in at once"),
    Variable("BWV_DOOR_UPLOADS_OF_ONE", "number", "16", "most of them of one camera or dock"),
    Variable(
        "BWV_DOOR_LEAST_KIB_S",
        "number",
        "8",
        "KiB a second that an upload must bring, over each window of waiting for it; a slower one is cut off",
    ),
    Variable(
        "BWV_DOOR_EASY_KIB_S",
        "number",
        "256",
        "KiB a second below which an upload gives way, when all places are taken, to a device that holds fewer",
    ),
    Variable("BWV_DOOR_WINDOW_S", "number", "30", "seconds of waiting over which an upload's speed is measured"),
    Variable("BWV_CLOCK_SOCKET", "path", "", "socket of a movable clock; refused unless the agency CA says PRETEND"),
    Variable(
        "BWV_EMAIL_URL",
        "text",
        "",
        "smtp://user:password@host:port, or smtps, smtp+tls: sends letters to askers and links for a new password; "
        "default keeps letters in the outbox",
    ),
    Variable("BWV_EMAIL_FROM", "text", "bwv@localhost", "sender of outgoing mail"),
)
MAIL_PORTS = {"smtp": 25, "smtps": 465, "smtp+tls": 587}
_BY_NAME = {variable.name: variable for variable in VARIABLES}


def text(name: str) -> str:
    """Return the value of `name`, from `name`, the file named by `name`_FILE, or its default."""
    variable = _BY_NAME[name]
    value = os.environ.get(name, "")
    file_name = os.environ.get(f"{name}_FILE", "")
    if value and file_name:
        raise BadSetting(what=f"Both {name} and {name}_FILE are set.", remedy="Unset one of them.")
    if file_name:
        try:
            value = Path(file_name).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise BadSetting(
                what=f"{name}_FILE names {file_name}, which cannot be read: {error.strerror}.",
                remedy="Make it a file that this user may read.",
            ) from error
    return value or variable.default


def mail(url: str) -> tuple[str, int, str, str, bool, bool]:
    """Return host, port, user, password, whether TLS from the start, whether STARTTLS, of `BWV_EMAIL_URL`.

    Schemes: `smtp`, `smtps` (TLS from the start), `smtp+tls` (STARTTLS). Raises BadSetting for any other.
    """
    where = urlsplit(url or "smtp://localhost")
    if where.scheme not in MAIL_PORTS:
        raise BadSetting(
            what=f"BWV_EMAIL_URL begins with '{where.scheme}'.", remedy="Begin it with smtp, smtps or smtp+tls."
        )
    return (
        where.hostname or "localhost",
        where.port or MAIL_PORTS[where.scheme],
        unquote(where.username or ""),
        unquote(where.password or ""),
        where.scheme == "smtps",
        where.scheme == "smtp+tls",
    )


def path(name: str) -> Path | None:
    """Return the setting as an absolute path, or None when it is empty."""
    value = text(name)
    return Path(value).expanduser().absolute() if value else None


def flag(name: str) -> bool:
    """Return the setting as a yes or no; anything but 0, 1, no, yes, false, true is refused."""
    value = text(name).lower()
    answers = {"0": False, "no": False, "false": False, "": False, "1": True, "yes": True, "true": True}
    if value not in answers:
        raise BadSetting(what=f"{name} is '{value}'.", remedy="Set it to 0 or 1.")
    return answers[value]


def number(name: str, *, least: int = 1) -> int:
    """Return the setting as a whole number of at least `least`."""
    value = text(name)
    if not value.isdecimal() or int(value) < least:
        raise BadSetting(what=f"{name} is '{value}'.", remedy=f"Set it to a whole number from {least} up.")
    return int(value)


def listed(name: str) -> list[str]:
    """Return the setting split at commas, without blanks."""
    return [part.strip() for part in text(name).split(",") if part.strip()]
