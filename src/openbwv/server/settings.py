"""Django's settings, made from the environment (`environment.py` lists every variable).

The state folder decides the rest: database, secret key, vault, log. Without BWV_STATE an empty temporary folder is
used, which is enough for tests and for `--help`; a command that serves or changes a force refuses that in `boot`.
ATOMIC_REQUESTS stays off: a refusal raises, raising rolls back, and the outermost caller then writes the refusal's
event in a transaction of its own (house style 2.2).
"""

import atexit
import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
from csp.constants import NONE, SELF

from openbwv.server import environment, proxies

HERE = Path(__file__).resolve().parent


def _temporary_state() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="bwv-no-state-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _secret_key(state: Path, given: str) -> str:
    """Return the key given, or the one in STATE/secret_key (written by `init`), or a new one for this process."""
    file = state / "secret_key"
    if given:
        return given
    return file.read_text(encoding="ascii").strip() if file.exists() else secrets.token_urlsafe(48)


_given_state = environment.path("BWV_STATE")
STATE = _given_state or _temporary_state()
STATE_IS_TEMPORARY = _given_state is None

SECRET_KEY = _secret_key(STATE, environment.text("BWV_SECRET_KEY"))
DEBUG = environment.flag("BWV_DEBUG")
ORIGIN = environment.text("BWV_ORIGIN")
ALLOWED_HOSTS = environment.listed("BWV_HOSTS")
HTTPS = ORIGIN.startswith("https://")
if ORIGIN:
    ALLOWED_HOSTS = [*ALLOWED_HOSTS, urlsplit(ORIGIN).hostname or ""]
    CSRF_TRUSTED_ORIGINS = [ORIGIN]
TRUSTED_PROXIES = proxies.networks(environment.listed("BWV_TRUSTED_PROXIES"))

CLOCK_SOCKET = environment.path("BWV_CLOCK_SOCKET")
TESTING = "pytest" in sys.modules

# ── apps ──────────────────────────────────────────────────────────────────────────────────────────────────────────
OUR_APPS = [
    f"openbwv.server.{name}"
    for name in ("people", "fleet", "evidence", "cases", "ingest", "vault", "trail", "retention", "disclosure")
]
INSTALLED_APPS = [
    "django.forms",
    *OUR_APPS,
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "rules",
    "django_tasks",
    "django_tasks_db",
]
MIDDLEWARE = [
    "openbwv.server.proxies.ClientAddress",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "openbwv.server.errors.ErrorPages",
]
ROOT_URLCONF = "openbwv.server.urls"
ASGI_APPLICATION = "openbwv.server.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "openbwv.server.people.context.page_frame",
            ],
            "builtins": ["openbwv.server.people.templatetags.plain"],
        },
    }
]
FORM_RENDERER = "openbwv.server.people.rendering.PlainFormRenderer"

# ── database and jobs ─────────────────────────────────────────────────────────────────────────────────────────────
DATABASES = {
    "default": dj_database_url.parse(
        environment.text("DATABASE_URL") or f"sqlite:///{STATE}/server.sqlite3",
        conn_max_age=60,
        conn_health_checks=True,
    )
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE: a transaction that will write takes the lock first, so two writers wait instead of failing half-way.
    # FULL: a committed deed survives a power cut. secure_delete: what is erased leaves no bytes in free pages (R1).
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
        "PRAGMA secure_delete=ON; PRAGMA temp_store=MEMORY;",
    }
# Wrong tries are counted in the cache, so it is the database: memory would count for each process alone, and forget.
CACHES = {"default": {"BACKEND": "openbwv.server.people.limit_cache.LimitCache"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ATOMIC_REQUESTS = False
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

# ── sign-in ───────────────────────────────────────────────────────────────────────────────────────────────────────
AUTH_USER_MODEL = "people.Person"
AUTHENTICATION_BACKENDS = [
    "rules.permissions.ObjectPermissionBackend",
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "CommonPasswordValidator", "NumericPasswordValidator")
] + [{"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}}]
if TESTING:
    # A slow hash protects real passwords; tests sign in hundreds of times.
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "openbwv.server.people.adapter.ClosedAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
_FORMS = "openbwv.server.people.sign_in_forms"
ACCOUNT_FORMS = {
    "login": f"{_FORMS}.PlainLoginForm",
    "change_password": f"{_FORMS}.PlainChangePasswordForm",
    "reset_password": f"{_FORMS}.PlainResetPasswordForm",
    "reset_password_from_key": f"{_FORMS}.PlainResetPasswordKeyForm",
    "reauthenticate": f"{_FORMS}.PlainReauthenticateForm",
}
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # a letter to somebody who has no account helps nobody
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "reauthenticate": "10/m/user",
    "dock_sign_in": "5/5m/key",
    "dock_enrol": "5/5m/ip",
}
MFA_FORMS = {
    "authenticate": f"{_FORMS}.PlainCodeForm",
    "reauthenticate": f"{_FORMS}.PlainCodeAgainForm",
    "activate_totp": f"{_FORMS}.PlainActivateForm",
    "add_webauthn": f"{_FORMS}.PlainAddPasskeyForm",
    "edit_webauthn": f"{_FORMS}.PlainEditPasskeyForm",
}
MFA_ADAPTER = "openbwv.server.people.adapter.SealedMfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "OpenBWV"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS  # localhost only; browsers refuse WebAuthn elsewhere without HTTPS
USERSESSIONS_TRACK_ACTIVITY = False

ASIDE_SENDER_COUNT = environment.number("BWV_ASIDE_SENDER_COUNT")
ASIDE_SENDER_BYTES = environment.number("BWV_ASIDE_SENDER_MIB") << 20
ASIDE_TOTAL_COUNT = environment.number("BWV_ASIDE_TOTAL_COUNT")
ASIDE_TOTAL_BYTES = environment.number("BWV_ASIDE_TOTAL_MIB") << 20

DOOR_UPLOADS = environment.number("BWV_DOOR_UPLOADS")
DOOR_UPLOADS_OF_ONE = environment.number("BWV_DOOR_UPLOADS_OF_ONE")
DOOR_LEAST_BYTES_S = environment.number("BWV_DOOR_LEAST_KIB_S") << 10
DOOR_EASY_BYTES_S = environment.number("BWV_DOOR_EASY_KIB_S") << 10
DOOR_WINDOW_S = environment.number("BWV_DOOR_WINDOW_S")

SESSION_COOKIE_AGE = environment.number("BWV_SESSION_MINUTES") * 60
SESSION_SAVE_EVERY_REQUEST = True
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "openbwv.server.errors.csrf_failure"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None

# ── what the browser may load ─────────────────────────────────────────────────────────────────────────────────────
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "media-src": [SELF, "blob:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576  # pages take short forms only; footage never comes through them
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_048_576

# ── words, times, files ───────────────────────────────────────────────────────────────────────────────────────────
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "Europe/London"
USE_TZ = True
STATIC_URL = "static/"
STATICFILES_DIRS = [HERE / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG or TESTING
EMAIL_URL = environment.text("BWV_EMAIL_URL")
EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD, EMAIL_USE_SSL, EMAIL_USE_TLS = environment.mail(EMAIL_URL)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = environment.text("BWV_EMAIL_FROM")
SILENCED_SYSTEM_CHECKS: list[str] = []
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}
