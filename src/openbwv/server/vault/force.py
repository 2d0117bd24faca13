"""Which force this is: the facts that `init` wrote beside the trust file. Nothing in them is secret."""

import functools
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from openbwv.recording.errors import EXIT_CONFIG, BwvError
from openbwv.shared.durable import write_durably

FORCE_FILE, TRUST_FILE, VKEY_FILE = "force.json", "trust.pem", "log.vkey"


class NoForce(BwvError):
    """The state folder holds no force, or only half of one."""

    code = "no-force"
    http_status = 503
    exit_code = EXIT_CONFIG


@dataclass(frozen=True)
class Force:
    """Name, log and doors of one force. `fingerprint` is SHA-256 of the agency CA certificate, hex."""

    name: str
    origin: str
    vkey: str
    door: str
    door_url: str
    fingerprint: str
    pretend: bool
    generation: int
    created_ms: int
    trust_pem: bytes

    def write(self, state: Path) -> None:
        """Write force.json and log.vkey into `state`, replacing older ones."""
        facts = {"v": 1} | {name: value for name, value in asdict(self).items() if name != "trust_pem"}
        write_durably(state / VKEY_FILE, self.vkey.encode() + b"\n", replace=True, mode=0o644)
        write_durably(state / FORCE_FILE, json.dumps(facts, indent=1).encode() + b"\n", replace=True, mode=0o644)


def read_force(state: Path) -> Force:
    """Return the force whose state folder this is; raises NoForce."""
    try:
        return _read(state, (state / FORCE_FILE).stat().st_mtime_ns)
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise NoForce(
            what=f"{state} does not hold a force: {FORCE_FILE} or {TRUST_FILE} is missing or damaged.",
            remedy=f"Make one with ./bwv init --state {state}, or name the right folder.",
        ) from problem


def force() -> Force:
    """Return the force of this process's settings; raises NoForce."""
    from django.conf import settings

    return read_force(Path(settings.STATE))


@functools.lru_cache(maxsize=8)
def _read(state: Path, _mtime_ns: int) -> Force:
    facts = json.loads((state / FORCE_FILE).read_text(encoding="utf-8"))
    facts.pop("v")
    return Force(**facts, trust_pem=(state / TRUST_FILE).read_bytes())
