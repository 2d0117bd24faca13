"""The six digits that a camera and a dock show when they have met each other and nobody in between.

Camera: draws nonce_c, sends commitment = SHA-256("openbwv/enrol/v1" || CSR || nonce_c)
Dock:   draws nonce_d, answers it with its SubjectPublicKeyInfo
Camera: opens: CSR, nonce_c
Both show SHA-256(CSR || dock SPKI || nonce_c || nonce_d) mod 10^6, six digits; a fleet manager compares them.

Why so: of a plain hash of the CSR a forger finds a second one in under a second. Here somebody in between must fix
what they send to each side before they learn what the other side adds, so one try succeeds with chance 10^-6, and
there is one try, for two minutes. The commitment covers the CSR as well as the nonce: were only the nonce fixed, the
forger could still make CSRs by the hundred thousand after the opening until the dock showed the camera's digits.
The DER values carry their own length, so the concatenation has one reading.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from openbwv.recording.errors import EXIT_NOT_PERMITTED, BwvError
from openbwv.shared.agency import read_csr

NONCE_BYTES = 32
SESSION_BYTES = 16
TRY_SECONDS = 120
MOST_SESSIONS = 32
COMMIT_LABEL = b"openbwv/enrol/v1"


class EnrolmentRefused(BwvError):
    """The exchange was not in order, took too long, or was tried twice."""

    code = "enrolment-refused"
    http_status = 403
    exit_code = EXIT_NOT_PERMITTED

    def __init__(self, what: str) -> None:
        super().__init__(what=what, remedy="Start the enrolment again on the camera; it gets new digits.")


class TooManyEnrolments(BwvError):
    """More enrolments are open than a dock keeps at once."""

    code = "too-many-enrolments"
    http_status = 503

    def __init__(self) -> None:
        super().__init__(
            what=f"{MOST_SESSIONS} enrolments are open at this dock.", remedy="Wait two minutes, then try again."
        )


def commitment(csr_der: bytes, nonce_c: bytes) -> bytes:
    """Return what the camera sends first, 32 bytes."""
    return hashlib.sha256(COMMIT_LABEL + csr_der + nonce_c).digest()


def shown_code(csr_der: bytes, dock_spki: bytes, nonce_c: bytes, nonce_d: bytes) -> str:
    """Return the six digits that both sides show."""
    digest = hashlib.sha256(csr_der + dock_spki + nonce_c + nonce_d).digest()
    return f"{int.from_bytes(digest, 'big') % 1_000_000:06d}"


@dataclass
class EnrolmentSession:
    """One camera's try at this dock; `opened` once its code stands."""

    session: str
    commit: bytes
    nonce_d: bytes
    began_ns: int
    csr_der: bytes = b""
    name: str = ""
    code: str = ""

    @property
    def opened(self) -> bool:
        """Whether the camera has opened its commitment."""
        return bool(self.code)


class EnrolmentBook:
    """The dock's side: every open try, one opening each, two minutes long. Not safe to share between threads."""

    def __init__(self, *, dock_spki: bytes, random: Callable[[int], bytes], mono_ns: Callable[[], int]) -> None:
        self.dock_spki = dock_spki
        self._random = random
        self._mono_ns = mono_ns
        self._sessions: dict[str, EnrolmentSession] = {}

    def commit(self, commit: bytes) -> EnrolmentSession:
        """Begin a try for a camera that sent `commit`; raises EnrolmentRefused, TooManyEnrolments."""
        if len(commit) != hashlib.sha256().digest_size:
            raise EnrolmentRefused("The camera's commitment is not 32 bytes long.")
        self._forget_old()
        if len(self._sessions) >= MOST_SESSIONS:
            raise TooManyEnrolments
        session = EnrolmentSession(
            session=self._random(SESSION_BYTES).hex(),
            commit=commit,
            nonce_d=self._random(NONCE_BYTES),
            began_ns=self._mono_ns(),
        )
        self._sessions[session.session] = session
        return session

    def open(self, session_id: str, *, csr_der: bytes, nonce_c: bytes, name: str) -> EnrolmentSession:
        """Open a try and fix its code; a wrong opening ends it. Raises EnrolmentRefused, BadRequest."""
        session = self._sessions.get(session_id)
        if session is None or session.opened or self._too_old(session):
            self._sessions.pop(session_id, None)
            raise EnrolmentRefused("This enrolment is unknown, over, or was opened before.")
        if len(nonce_c) != NONCE_BYTES or not hmac.compare_digest(commitment(csr_der, nonce_c), session.commit):
            del self._sessions[session_id]
            raise EnrolmentRefused("The camera opened something else than it had committed to.")
        try:
            read_csr(csr_der)
        except BwvError:
            del self._sessions[session_id]
            raise
        session.csr_der, session.name = csr_der, name
        session.code = shown_code(csr_der, self.dock_spki, nonce_c, session.nonce_d)
        return session

    def take(self, session_id: str) -> EnrolmentSession:
        """Return an opened try and end it: it can be confirmed or refused once. Raises EnrolmentRefused."""
        session = self._sessions.pop(session_id, None)
        if session is None or not session.opened or self._too_old(session):
            raise EnrolmentRefused("This enrolment is unknown, over, or not opened yet.")
        return session

    def waiting(self) -> list[EnrolmentSession]:
        """Return the opened tries that can still be confirmed, oldest first."""
        self._forget_old()
        return [session for session in self._sessions.values() if session.opened]

    def has(self, session_id: str) -> bool:
        """Return whether a try is still open."""
        self._forget_old()
        return session_id in self._sessions

    def _too_old(self, session: EnrolmentSession) -> bool:
        return self._mono_ns() - session.began_ns > TRY_SECONDS * 1_000_000_000

    def _forget_old(self) -> None:
        self._sessions = {key: each for key, each in self._sessions.items() if not self._too_old(each)}
