"""The people of the pretend force: the same cast as in tests and documents."""

import secrets
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """Somebody of the cast: user name, name on pages, roles, unit, shoulder number."""

    username: str
    name: str
    roles: tuple[str, ...] = ()
    unit: str = ""
    collar: str = ""

    @property
    def role_words(self) -> str:
        """Return roles and unit for a reader."""
        roles = ", ".join(self.roles) or "no rights at all"
        return f"{roles}, {self.unit.title()}" if self.unit else roles


CAST = (
    Part("avery", "PC Avery", ("officer",), "lewisham", "PL101"),
    Part("noor", "PC Noor", ("officer",), "camden", "CN202"),
    Part("blake", "PS Blake", ("supervisor",), "lewisham", "PL17"),
    Part("gale", "DC Gale", ("investigator",)),
    Part("casey", "Casey", ("disclosure",)),
    Part("kim", "Kim", ("disclosure",)),
    Part("harper", "Harper", ("fleet",)),
    Part("indra", "Indra", ("records",)),
    Part("devi", "Devi", ("auditor",)),
    Part("frankie", "Frankie"),
)
LOU = Part("lou", "Lou", ("administrator",))  # made by `init`, not by another administrator


def called(username: str) -> str:
    """Return the name on pages of somebody of the cast."""
    return next(part.name for part in CAST if part.username == username)


def new_password() -> str:
    """Return a password that can be typed from paper."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))
