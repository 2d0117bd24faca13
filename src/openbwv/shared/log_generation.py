"""When a device goes over to a new generation of the custody log (after a restore that lost leaves).

Rule: the log's key is pinned at enrolment and is replaced only if all of this holds:
1. the agency CA certified the new key for logs alone, and has not revoked it;
2. its origin is the pinned one's with a higher generation: `ORIGIN/generation-N`, the first one having no such ending;
3. the key is another one, and its certificate no older than that of the pinned one where that was seen: the stolen key
   of an earlier generation cannot name itself the next;
4. the new log's first entry is shown and proved to be entry 0 of that log, and its event names the pinned log with an
   end that the newest checkpoint held here does not contradict: not fewer entries, and as many only with the same root.
   A device that was away while two logs began is told of the newer one's beginning only; it keeps its key and what it
   holds, and is enrolled anew.
There is no way back. Proves: the force began this log anew and said where the old one ended. Does not prove: why, nor
that an end later than the checkpoint held is the true one (the entries between are those that were lost; an auditor
compares).
Source: docs/ref/custody-log.md.
"""

from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519

from openbwv import recording as r
from openbwv.custody import (
    Checkpoint,
    EventType,
    check_tlog_proof,
    decode_leaf,
    event_matches,
    parse_tlog_proof,
    parse_vkey,
)
from openbwv.recording import cbor
from openbwv.recording.certificates import ChainFacts
from openbwv.recording.errors import BwvError
from openbwv.shared.door import LogBeginning
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
    beginning: LogBeginning | None = None,
    held: Checkpoint | None = None,
) -> str | None:
    """Return the vkey to pin instead of `pinned`, None to keep it; raises LogKeyRefused, NoteRejected.

    `beginning` is the first entry of the log offered, `held` the newest checkpoint of the pinned one that was seen
    here. The certificate of the key that counts is kept in `folder`.
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
    if beginning is None:
        raise LogKeyRefused("its first entry is not shown, so nothing says where the log before it ended")
    _check_beginning(beginning, offered, before=old.name, held=held)
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


def _check_beginning(beginning: LogBeginning, vkey: str, *, before: str, held: Checkpoint | None) -> None:
    """Check rule 4; raises LogKeyRefused."""
    try:
        check_tlog_proof(beginning.proof, beginning.leaf, vkey)
        index = parse_tlog_proof(beginning.proof).index
        leaf, event = decode_leaf(beginning.leaf), cbor.decode(beginning.event)
        opens = isinstance(event, dict) and event_matches(beginning.leaf, event, beginning.salt)
    except BwvError as problem:
        raise LogKeyRefused(f"its first entry does not hold ({problem.what.rstrip('.')})") from problem
    details = event.get("details") if opens else None
    if index != 0 or leaf.type != EventType.LOG_GENERATION or not isinstance(details, dict):
        raise LogKeyRefused("its first entry does not say where the log before it ended")
    if event.get("type") != leaf.type or event.get("outcome") != "done":
        raise LogKeyRefused("its first entry is about something else")
    size, root = details.get("old_size"), details.get("old_root")
    if details.get("old_origin") != before or type(size) is not int or not isinstance(root, str):
        raise LogKeyRefused("its first entry names another log than the one held as the one before")
    if held is None or held.origin != before:
        return
    if size < held.size:
        raise LogKeyRefused(
            f"its first entry ends the log before at {size} entries, of which {held.size} were seen here"
        )
    if size == held.size and root != held.root.hex():
        raise LogKeyRefused(f"its first entry gives the log before another root at {size} entries than was seen here")


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
