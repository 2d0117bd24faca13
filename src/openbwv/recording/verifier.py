"""Judging one recording as it streams past: no key, no server, no account, no more memory than a fragment's piece.

Rule: entries by `ManifestReader`, every media byte against the signed `ct`, the entries' agreement by `Timeline`, the
signer by the trust file. With the commitment key, decrypted media too, fragment by fragment, against `pc`.
Proves and does not prove: said in every verdict, see `proves` and `does_not_prove` below.
"""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Protocol

from openbwv.recording.bodies import CloseBody, FragBody, OpenBody
from openbwv.recording.certificates import Trust, check_dates
from openbwv.recording.entries import Entry, FragmentInfo
from openbwv.recording.keys import commit_key_commitment
from openbwv.recording.problems import FormatError, FragmentError, FragmentMissing, KeyMismatch, UncoveredBytes
from openbwv.recording.reader import ManifestReader
from openbwv.recording.registry import CloseReason, FragFlag
from openbwv.recording.seal import TAG_BYTES
from openbwv.recording.timeline import Timeline
from openbwv.recording.verdict import Reason, RecordingFacts, Signer, Verdict, Weight

PIECE_BYTES = 1024 * 1024
MOST_FINDINGS = 50


class Readable(Protocol):
    """Anything with `read(n)`, such as a file opened for reading bytes."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, none at the end."""


class PlaintextChanged(FragmentError):
    """Decrypted media that is not what the camera sealed."""

    code = "plaintext-changed"


def verify_recording(
    manifest: Iterable[bytes],
    media: Readable | None,
    *,
    trust: Trust | None,
    commit_key: bytes | None = None,
    plaintext: Readable | None = None,
) -> Verdict:
    """Judge a recording. `manifest` are pieces of manifest.cbor; `media` is media.bin.

    `plaintext` are the decrypted fragments back to back and needs `commit_key`; with it, `media` may be None.
    """
    return _Judge(media, trust, commit_key, plaintext).run(manifest)


class _Judge:
    def __init__(
        self, media: Readable | None, trust: Trust | None, commit_key: bytes | None, plaintext: Readable | None
    ) -> None:
        self._media, self._trust, self._commit_key, self._plaintext = media, trust, commit_key, plaintext
        self._reader = ManifestReader()
        self._timeline: Timeline | None = None
        self._through: int | None = None
        self._tail = b""
        self._cts = hashlib.sha256()
        self._media_bytes = 0
        self._recovered = False
        self._muted = False
        self._reasons: list[Reason] = []
        self._not_checked: list[Reason] = []

    def run(self, manifest: Iterable[bytes]) -> Verdict:
        try:
            for piece in manifest:
                for entry in self._reader.read(piece):
                    self._take(entry)
            self._reader.finish()
            self._check_ends()
        except FormatError as error:
            self._reasons.append(Reason(error.code, self._place(), f"{error.what} {error.remedy}"))
        signer = self._judge_signer()
        return self._verdict(signer)

    def _place(self) -> str:
        return "the start" if self._through is None else f"after entry {self._through}"

    def _take(self, entry: Entry) -> None:
        if isinstance(entry.body, OpenBody):
            self._timeline = Timeline(entry.body)
            self._check_open(entry.body)
        elif entry.fragment is not None and isinstance(entry.body, FragBody):
            self._check_fragment(entry.fragment)
        elif isinstance(entry.body, CloseBody):
            self._recovered = entry.body.why == CloseReason.RECOVERED
        if self._timeline is not None and len(self._reasons) < MOST_FINDINGS:
            found = self._timeline.add(entry)
            self._reasons += [Reason(finding.code, f"entry {finding.seq}", finding.what) for finding in found]
        self._through, self._tail = entry.seq, entry.sig_structure_sha256

    def _check_open(self, body: OpenBody) -> None:
        if self._commit_key is not None and not hmac.compare_digest(commit_key_commitment(self._commit_key), body.cc):
            raise KeyMismatch("The commitment key is not the one that this recording commits to.")
        if not body.clock.synchronised:
            what = "The camera's clock was not set, so certificate dates were not compared with the time of signing."
            self._not_checked.append(Reason("certificate-dates", "entry 0", what, Weight.NOTE))
        elif self._reader.chain is not None:
            check_dates(self._reader.chain, body.clock.utc_ms, body.clock.uncertainty_ms)

    def _check_fragment(self, fragment: FragmentInfo) -> None:
        if self._media is not None:
            digest = hashlib.sha256()
            for piece in _pieces(self._media, fragment.n, fragment.seq):
                digest.update(piece)
            if digest.digest() != fragment.ct:
                raise FragmentError(f"Fragment {fragment.seq} is not the one that was signed.")
        if self._plaintext is not None and self._commit_key is not None:
            code = hmac.new(self._commit_key, digestmod="sha256")
            for piece in _pieces(self._plaintext, fragment.n - TAG_BYTES, fragment.seq):
                code.update(piece)
            if not hmac.compare_digest(code.digest(), fragment.pc):
                raise PlaintextChanged(f"The decrypted fragment {fragment.seq} is not what the camera recorded.")
        self._muted = self._muted or bool(fragment.flags & FragFlag.MUTED)
        self._cts.update(fragment.ct)
        self._media_bytes += fragment.n

    def _check_ends(self) -> None:
        for name, stream in (("media", self._media), ("decrypted media", self._plaintext)):
            if stream is not None and stream.read(1):
                raise UncoveredBytes(f"Bytes follow the last signed fragment of the {name}.")

    def _judge_signer(self) -> Signer:
        chain = self._reader.chain
        if chain is None:
            return "unknown"
        name = f"key {chain.fingerprint}"
        if self._trust is None:
            what = f"Unchanged since it was signed by {name}; whose key that is was not checked (no trust file)."
            self._doubt("signer-not-checked", what, Weight.CANNOT_TELL)
            return "unknown"
        standing = self._trust.judge(chain)
        if standing == "same-name":
            what = f"Signed by {name} under another authority with the trusted one's name, {chain.root_name}."
            self._doubt("signer-same-name", what, Weight.CHANGED)
        elif standing == "unknown":
            what = f"Signed by {name} under {chain.root_name}, which is not in the trust file."
            self._doubt("signer-unknown", what, Weight.CANNOT_TELL)
        return "trusted" if standing == "trusted" else "unknown"

    def _doubt(self, code: str, what: str, weight: Weight) -> None:
        if weight == Weight.CHANGED or not self._reasons:  # "unchanged since" would be false beside a change
            self._reasons.append(Reason(code, "entry 0", what, weight))

    def _verdict(self, signer: Signer) -> Verdict:
        verdict = Verdict(
            closed=self._reader.closed and self._through == self._reader.next_seq - 1,
            through_seq=self._through,
            signer=signer,
            reasons=tuple(self._reasons),
            not_checked=(*self._not_checked, *self._unseen()),
            does_not_prove=DOES_NOT_PROVE,
            facts=self._facts(),
        )
        return verdict if verdict.verdict == "changed" else verdict.proving(self._proves(verdict))

    def _unseen(self) -> list[Reason]:
        unseen = [
            Reason("revocation", "entry 0", "Whether the key was revoked is known to its agency only.", Weight.NOTE)
        ]
        if self._media is None:
            unseen.append(
                Reason("ciphertext", "media", "The sealed fragments are not here to be compared.", Weight.NOTE)
            )
        if self._plaintext is None:
            unseen.append(
                Reason(
                    "plaintext", "media", "The decrypted video was not compared (no key needed so far).", Weight.NOTE
                )
            )
        if self._muted:
            what = "No sound is decoded, with the key either: that the muted spans are silent was not checked."
            unseen.append(Reason("muted-sound", "media", what, Weight.NOTE))
        return unseen

    def _facts(self) -> RecordingFacts | None:
        chain, body, rec_id = self._reader.chain, self._reader.open_body, self._reader.rec_id
        if chain is None or body is None or rec_id is None or self._through is None:
            return None
        return RecordingFacts(
            rec_id=rec_id,
            rc=body.rc,
            previous=body.previous,
            previous_tail=body.previous_tail,
            last_seq=self._through,
            tail=self._tail,
            media_bytes=self._media_bytes,
            media_sha256_of_cts=self._cts.digest(),
            chain=chain,
            opened_at_ms=body.clock.utc_ms if body.clock.synchronised else None,
        )

    def _proves(self, verdict: Verdict) -> tuple[str, ...]:
        chain = self._reader.chain
        key = chain.fingerprint if chain else ""
        what = "sealed fragments" if self._media is not None else "entries"
        if self._plaintext is not None:
            what += " and the decrypted video"
        proves = [
            f"The {what} up to entry {self._through} are, byte for byte, what key {key} signed, in that order, whole."
        ]
        if verdict.signer == "trusted" and chain:
            proves.append(f"That key was certified for a camera by {chain.root_name}, which the trust file names.")
        if self._recovered:
            proves.append(
                "The camera lost power or was killed; it closed the recording at its next start. Seconds may lack."
            )
        elif verdict.closed:
            proves.append("The recording is closed: nothing is missing at its end.")
        else:
            proves.append(
                "The recording is not closed: what the camera recorded after that entry, if anything, is not here."
            )
        return tuple(proves)


DOES_NOT_PROVE = (
    "That the scene was real: a camera that films a screen signs that screen.",
    "That there is no other recording; see the camera's counter and the agency's log for that.",
    "That muted sound is silent: muted spans are compared byte for byte, never decoded, with the key either.",
    "The time of day beyond the camera's own clock and the log's checkpoints.",
)


def _pieces(stream: Readable, length: int, seq: int) -> Iterable[bytes]:
    while length:
        piece = stream.read(min(length, PIECE_BYTES))
        if not piece:
            raise FragmentMissing(f"The media ends {length} bytes before fragment {seq} does.")
        length -= len(piece)
        yield piece
