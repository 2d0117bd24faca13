"""The part of the log that travels with a bundle: events, their leaves, proofs, one checkpoint, the log's certificate.

Rule: each line's leaf commits to its event; each proof leads from its leaf to the one checkpoint in the bundle; the
checkpoint is signed by the key that log-chain.pem certifies for a log. Source: docs/ref/bundle-format.md.
Does not prove: that there are no other events on this recording. That needs every entry of the log.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openbwv import custody
from openbwv.custody import Checkpoint, CustodyError
from openbwv.recording import (
    USE_LOG,
    CertificateError,
    ChainFacts,
    FormatError,
    Reason,
    Trust,
    cbor,
    check_chain,
    from_pem,
)
from openbwv.verify.files import small
from openbwv.verify.signers import judge_signer

EVENTS, CHECKPOINT, VKEY, LOG_CHAIN = "custody.jsonl", "checkpoint", "log.vkey", "log-chain.pem"
EARLIER_CHAIN = "earlier-log-chain.pem"
GENERATION = re.compile(r"(?P<base>.+?)(/generation-(?P<number>[0-9]{1,9}))?")
ED25519_SPKI = bytes.fromhex("302a300506032b6570032100")
MOST_LINE_BYTES = 1024 * 1024


class EarlierLogMissing(Exception):
    """The proof leads to a log that ended before the bundle's, whose certificate is not in the bundle."""


@dataclass(frozen=True)
class Line:
    """One event that is proved to be in the log."""

    index: int
    leaf: bytes
    event: dict[str, Any]


@dataclass
class CustodyLog:
    """What the bundle's part of the log says, and what is wrong with it."""

    lines: list[Line] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    vkey: str | None = None

    def blame(self, code: str, where: str, what: str) -> None:
        """Note something that does not hold."""
        self.reasons.append(Reason(code, where, what))


def read_custody_log(data: Path, trust: Trust | None, rec_id: bytes | None) -> CustodyLog:
    """Check the log files below a bundle's data folder; raises OSError only."""
    log = CustodyLog()
    log.vkey = _read_vkey(data, trust, log)
    checkpoint = _read_checkpoint(data, log) if log.vkey else None
    if log.vkey and checkpoint:
        for where, text in _lines(data / EVENTS, log):
            line = _read_line(data, where, text, (log.vkey, checkpoint), log)
            if line is not None:
                log.lines.append(line)
                _check_subject(line, rec_id, where, log)
    return log


def _read_vkey(data: Path, trust: Trust | None, log: CustodyLog) -> str | None:
    text, pem = small(data / VKEY), small(data / LOG_CHAIN)
    if text is None or pem is None:
        log.blame("bundle-incomplete", VKEY, "The log's key or its certificate is missing.")
        return None
    try:
        vkey = text.decode("ascii").strip()
        public = custody.parse_vkey(vkey).public
        facts = check_chain(from_pem(pem), use=USE_LOG)
    except (UnicodeDecodeError, CustodyError, CertificateError) as error:
        log.blame("log-key-wrong", VKEY, f"The log's key or its certificate does not hold: {error}")
        return None
    if facts.public_der != ED25519_SPKI + public:
        log.blame("log-key-wrong", VKEY, "The certificate is of another key than the log's.")
        return None
    log.reasons += judge_signer(facts, trust, "log key", CHECKPOINT)
    return vkey


def earlier_log(data: Path, proof: bytes, vkey: str) -> tuple[str, ChainFacts] | None:
    """Return key and certificate of the log that ended before that of `vkey` began and that `proof` leads to.

    None where the proof is of that log itself, or of none of its generations: its key then judges it. Raises
    CustodyError or CertificateError for what does not hold, EarlierLogMissing without the certificate.
    """
    told = custody.parse_tlog_proof(proof).note.partition("\n")[0]
    own = custody.parse_vkey(vkey).name
    if not _generation(told, own) < _generation(own, own):
        return None
    pem = small(data / EARLIER_CHAIN)
    if pem is None:
        raise EarlierLogMissing
    facts = check_chain(from_pem(pem), use=USE_LOG)
    return custody.make_vkey(told, facts.public_der.removeprefix(ED25519_SPKI)), facts


def _generation(name: str, own: str) -> float:
    """Return which generation of the log `own` is meant by `name`, the first being 1; infinity for another log."""
    found = GENERATION.fullmatch(name)
    wanted = GENERATION.fullmatch(own)
    if found is None or wanted is None or found["base"] != wanted["base"]:
        return math.inf
    return int(found["number"] or 1)


def _read_checkpoint(data: Path, log: CustodyLog) -> Checkpoint | None:
    note = small(data / CHECKPOINT)
    if note is None:
        log.blame("bundle-incomplete", CHECKPOINT, "The log's checkpoint is missing.")
        return None
    try:
        return custody.open_note(note, log.vkey or "")
    except CustodyError as error:
        log.blame("checkpoint-wrong", CHECKPOINT, error.what)
        return None


def _lines(path: Path, log: CustodyLog) -> Iterator[tuple[str, str]]:
    if not path.is_file():
        log.blame("bundle-incomplete", EVENTS, "The custody events are missing.")
        return
    with path.open("rb") as stream:
        number = 0
        while line := stream.readline(MOST_LINE_BYTES + 1):
            number += 1
            if len(line) > MOST_LINE_BYTES:
                log.blame("custody-line", f"{EVENTS}:{number}", "A line is too long to be an event.")
                return
            yield f"{EVENTS}:{number}", line.decode("utf-8", errors="replace")


def _read_line(data: Path, where: str, text: str, under: tuple[str, Checkpoint], log: CustodyLog) -> Line | None:
    try:
        index, leaf, event, salt = _parse_line(text)
    except (ValueError, KeyError, TypeError, RecursionError, FormatError) as error:
        log.blame("custody-line", where, f"This line is not an event with index, leaf, event and salt ({error}).")
        return None
    try:
        if not custody.event_matches(leaf, event, salt):
            log.blame("event-differs", where, "The event is not the one that was logged.")
            return None
        told = custody.decode_leaf(leaf)
        if [event.get(name) for name in ("type", "t", "subj")] != [told.type, told.t_s, told.subj]:
            log.blame("event-differs", where, "The event has another kind, time or pseudonym than its leaf.")
            return None
        proof = small(data / "proofs" / f"{index}.tlog-proof") or b""
        proved = custody.check_tlog_proof(proof, leaf, under[0])
        if proved != under[1] or custody.parse_tlog_proof(proof).index != index:
            log.blame("proof-wrong", where, "The proof is for another place or another checkpoint of the log.")
            return None
    except CustodyError as error:
        log.blame("proof-wrong", where, error.what)
        return None
    return Line(index, leaf, event)


def _parse_line(text: str) -> tuple[int, bytes, dict[str, Any], bytes]:
    row = json.loads(text)
    index = row["index"]
    if type(index) is not int or index < 0:
        raise ValueError("index")
    event = cbor.decode(bytes.fromhex(row["event"]))
    if not isinstance(event, dict):
        raise TypeError("event")
    return index, bytes.fromhex(row["leaf"]), event, bytes.fromhex(row["salt"])


def _check_subject(line: Line, rec_id: bytes | None, where: str, log: CustodyLog) -> None:
    if line.event.get("rec") not in (None, rec_id):
        log.blame("event-elsewhere", where, "The event is about another recording.")
    if line.event.get("subj") != log.lines[0].event.get("subj"):
        log.blame("event-elsewhere", where, "The event is logged under another pseudonym than the others.")
