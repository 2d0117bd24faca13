"""When a device goes over to a new generation of the custody log (after a restore that lost leaves).

Rule: the log's key is pinned at enrolment and is replaced only if all of this holds:
1. the agency CA certified the new key for logs alone, and has not revoked it;
2. its origin is the pinned one's with a higher generation: `ORIGIN/generation-N`, the first one having no such ending;
3. the key is another one, and its certificate no older than that of the pinned one where that was seen: the stolen key
   of an earlier generation cannot name itself the next.
There is no way back. Proves: the force began this log anew. Does not prove: why; its first leaf names the size and root
that the old log had, and an auditor compares them.
Source: docs/ref/custody-log.md.
"""

from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519

from openbwv import recording as r
from openbwv.custody import parse_vkey
from openbwv.recording.certificates import ChainFacts
from openbwv.recording.errors import BwvError
from openbwv.shared.durable import write_durably
from openbwv.shared.revocation import Revocations

MARK = "/generation-"
CHAIN_FILE = "log-chain.pem"


class LogKeyRefused(BwvError):
    """A new key of the custody log that does not count."""

    code = "log-key-refused"
    http_status = 409

    def __init__(self, why: str) -> None:
        super().__init__(
            what=f"A new key of the custody log is refused: {why}. The one held stays.",
            remedy="Tell the fleet manager; nothing is wiped on the word of another log.",
        )


def newer_log_key(
    offered: str | None,
    chain: Sequence[bytes],
    *,
    pinned: str,
    folder: Path,
    trust: r.Trust,
    revocations: Revocations,
) -> str | None:
    """Return the vkey to pin instead of `pinned`, None to keep it; raises LogKeyRefused, NoteRejected.

    The certificate of the key that counts is kept in `folder`.
    """
    if not offered or not chain:
        return None
    new, old = parse_vkey(offered), parse_vkey(pinned)
    known = _seen(folder)
    if new == old:
        if known is None:
            _keep(folder, _checked(new.public, chain, trust, revocations))
        return None
    if _base(new.name) != _base(old.name):
        raise LogKeyRefused(f"it names another log, {new.name}")
    if _generation(new.name) <= _generation(old.name):
        raise LogKeyRefused("it is not of a later generation")
    facts = _checked(new.public, chain, trust, revocations)
    if new.public == old.public:
        raise LogKeyRefused("it is the old key under another name")
    if known is not None and facts.leaf.not_valid_before_utc < known.not_valid_before_utc:
        raise LogKeyRefused("its certificate is older than that of the key held")
    _keep(folder, facts)
    return offered.strip()


def _checked(public: bytes, chain: Sequence[bytes], trust: r.Trust, revocations: Revocations) -> ChainFacts:
    facts = r.check_chain(list(chain), use=r.USE_LOG)
    if trust.judge(facts) != "trusted":
        raise LogKeyRefused("another agency certified it")
    if revocations.names(facts.leaf):
        raise LogKeyRefused("it is revoked")
    certified = facts.leaf.public_key()
    if not isinstance(certified, ed25519.Ed25519PublicKey) or certified.public_bytes_raw() != public:
        raise LogKeyRefused("its certificate is for another key")
    return facts


def _seen(folder: Path) -> x509.Certificate | None:
    path = folder / CHAIN_FILE
    return x509.load_pem_x509_certificate(path.read_bytes()) if path.is_file() else None


def _keep(folder: Path, facts: ChainFacts) -> None:
    write_durably(folder / CHAIN_FILE, r.to_pem(list(facts.chain)), replace=True, mode=0o644)


def _base(origin: str) -> str:
    return origin.partition(MARK)[0]


def _generation(origin: str) -> int:
    _, marked, number = origin.partition(MARK)
    if not marked:
        return 1
    if not (number.isascii() and number.isdigit()):
        raise LogKeyRefused(f"'{origin}' names no generation")
    return int(number)
