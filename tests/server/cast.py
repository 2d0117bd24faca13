"""The people of every test and of the demo, and makers of recordings."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

PASSWORD = "a long pretend password"


@dataclass(frozen=True)
class Part:
    """One of the cast."""

    title: str
    roles: tuple[str, ...]
    unit: str | None = None
    collar: str = ""


CAST = {
    "avery": Part("PC Avery", ("officer",), "lewisham", "1043"),
    "noor": Part("PC Noor", ("officer",), "camden", "2211"),
    "blake": Part("Sgt Blake", ("supervisor",), "lewisham", "77"),
    "casey": Part("Casey", ("disclosure",)),
    "kim": Part("Kim", ("disclosure",)),
    "devi": Part("Devi", ("auditor",)),
    "gale": Part("DC Gale", ("investigator",), "lewisham"),
    "harper": Part("Harper", ("fleet",)),
    "indra": Part("Indra", ("records",)),
    "jules": Part("Jules", ()),
    "lou": Part("Lou", ("administrator",)),
    "frankie": Part("Frankie", ()),
}


def units():
    """Make the boroughs and specialist units and return them by code."""
    from openbwv.server.people.actions import ensure_units
    from openbwv.server.people.models import Unit

    ensure_units()
    return {unit.code: unit for unit in Unit.objects.all()}


def person(name: str):
    """Return the one of the cast called `name`, made with PASSWORD when not there yet."""
    from openbwv.server.people.models import Person, RoleHeld, Unit

    part = CAST[name]
    found = Person.objects.filter(username=name).first()
    if found:
        return found
    made = Person.objects.create_user(
        username=name,
        password=PASSWORD,
        display_name=part.title,
        collar=part.collar,
        unit=Unit.objects.get(code=part.unit) if part.unit else None,
    )
    RoleHeld.objects.bulk_create(RoleHeld(person=made, role=role) for role in part.roles)
    return made


def recording(*, officer=None, number: int = 1, started=datetime(2026, 11, 20, 14, 2, 11, tzinfo=UTC), **facts):
    """Make a stored recording of `officer`, 60 s long, in the officer's unit; `facts` override any field."""
    from openbwv.server.evidence.models import Recording

    seed = f"recording {number}".encode()
    ended = started + timedelta(seconds=60)
    values = {
        "id": uuid.UUID(bytes=hashlib.sha256(seed).digest()[:16]),
        "reference": f"BWV-2026-{number:06d}",
        "pseudonym": hashlib.sha256(b"pseudonym" + seed).digest()[:16],
        "camera": None,
        "officer": officer,
        "unit": officer.unit if officer else None,
        "state": "stored",
        "announced_utc": ended,
        "opened_utc": started,
        "started_utc": started,
        "ended_utc": ended,
        "duration_ms": 60_000,
        "clock_sync": True,
        "closed": True,
        "fragments": 60,
        "media_bytes": 30_000_000,
        "ingest_utc": ended + timedelta(hours=2),
        "retain_until_utc": ended + timedelta(days=31),
    }
    values |= facts
    due = values["retain_until_utc"]
    if due is not None:
        steps = ["Recorded, by the camera's clock.", "31 days of 24 hours after that."]
        kept = {"utc_ms": int(due.timestamp() * 1000), "rule": "after-capture", "steps": steps}
        values.setdefault("due_explained", kept)
    return Recording.objects.create(**values)
