"""What an asker holds: a secret of 128 bits, shown once and kept as a hash; and one-time codes.

Comparisons take the same time whether or not there is such a request, and wrong and unknown look the same. Limits count
wrong tries from one network address; codes also end after five tries. Lifetimes are the system's time (R11).
"""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from django.db.models import F

from openbwv.server.disclosure.errors import CodeWrong, NotYours, TooMany
from openbwv.server.disclosure.models import Attempt, OneTimeCode, Request
from openbwv.server.proxies import one_household

SECRET_BYTES = 16
CODE_DIGITS = 6
CODE_LIFE = timedelta(minutes=10)
CODE_TRIES = 5
WINDOW = timedelta(minutes=15)
LIMITS = {"status": 10, "code": 10, "submit": 20}  # wrong tries (or submissions) in WINDOW from one address
NOBODY = hashlib.sha256(b"no such request").digest()


def new_secret() -> str:
    """Return 128 random bits as 26 letters and digits in groups, easy to copy from paper."""
    text = base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode().rstrip("=").lower()
    return "-".join(text[at : at + 5] for at in range(0, len(text), 5))


def hash_secret(secret: str) -> bytes:
    """Return the hash that is kept; spaces, dashes and capitals do not matter."""
    return hashlib.sha256("".join(secret.split()).replace("-", "").lower().encode()).digest()


def request_of(reference: str, secret: str, *, address: str, now: datetime) -> Request:
    """Return the request of `reference` if `secret` is its own; raises NotYours alike otherwise, TooMany."""
    check_limit("status", address, now)
    found = Request.objects.filter(reference=reference.strip().upper()[:20]).first()
    kept = bytes(found.secret_sha256) if found else NOBODY
    if not hmac.compare_digest(kept, hash_secret(secret)) or found is None:
        count_attempt("status", address, now)
        raise NotYours(
            what="We cannot find a request with this reference and secret.",
            remedy="Check both on the page you printed or saved when you asked.",
        )
    return found


def new_code(request: Request, now: datetime) -> tuple[OneTimeCode, str]:
    """Make a code for `request`; earlier ones end. Returns the row and the six digits."""
    request.codes.filter(used=None).update(expires=now)
    digits = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    row = OneTimeCode.objects.create(
        request=request, code_sha256=_hash_code(request, digits), made=now, expires=now + CODE_LIFE
    )
    return row, digits


def use_code(request: Request, digits: str, *, address: str, now: datetime) -> OneTimeCode:
    """Use up the newest code of `request`; raises CodeWrong, TooMany."""
    check_limit("code", address, now)
    row = request.codes.filter(used=None, expires__gt=now, tries__lt=CODE_TRIES).order_by("-id").first()
    given = _hash_code(request, "".join(digits.split()))
    if row is None or not hmac.compare_digest(bytes(row.code_sha256), given):
        count_attempt("code", address, now)
        if row is not None:
            OneTimeCode.objects.filter(pk=row.pk).update(tries=F("tries") + 1)
        raise CodeWrong(
            what="This code is wrong, was used, or is more than 10 minutes old.", remedy="Ask for a new code."
        )
    if not OneTimeCode.objects.filter(pk=row.pk, used=None).update(used=now):
        raise CodeWrong(what="This code was used a moment ago.", remedy="Ask for a new code.")
    return row


def check_limit(scope: str, address: str, now: datetime) -> None:
    """Raise TooMany when there were too many tries from `address`."""
    recent = Attempt.objects.filter(scope=scope, key_sha256=_hash_address(address), at__gt=now - WINDOW)
    if recent.count() >= LIMITS[scope]:
        raise TooMany(what="There were too many tries.", remedy="Wait 15 minutes, then try again.")


def count_attempt(scope: str, address: str, now: datetime) -> None:
    """Count one try from `address`."""
    Attempt.objects.create(scope=scope, key_sha256=_hash_address(address), at=now)


def forget_attempts(now: datetime) -> None:
    """Remove tries older than a day."""
    Attempt.objects.filter(at__lt=now - timedelta(days=1)).delete()


def _hash_code(request: Request, digits: str) -> bytes:
    return hashlib.sha256(f"{request.reference}:{digits}".encode()).digest()


def _hash_address(address: str) -> bytes:
    return hashlib.sha256(f"address:{one_household(address)}".encode()).digest()
