"""The one family of error that every room raises.

Each error says what happened and what to do next. `code` is stable: the API, `--json` and `docs/ref/errors.md` name it.
`exit_code` follows sysexits.h, so that no failure of a command can be mistaken for a verdict (1 and 2 of `verify`).
"""

EXIT_USAGE = 64
EXIT_BAD_DATA = 65
EXIT_UNAVAILABLE = 69
EXIT_INTERNAL = 70
EXIT_CANNOT_CREATE = 73
EXIT_IO = 74
EXIT_TRY_LATER = 75
EXIT_NOT_PERMITTED = 77
EXIT_CONFIG = 78


class BwvError(Exception):
    """What happened, and what to do about it. Subclass once per remedy."""

    code = "error"
    http_status = 400
    exit_code = EXIT_BAD_DATA

    def __init__(self, *, what: str, remedy: str) -> None:
        super().__init__(f"{what} {remedy}".strip())
        self.what = what
        self.remedy = remedy

    def as_dict(self) -> dict[str, str]:
        """Return the shape that the API and `--json` print: code, what, remedy."""
        return {"code": self.code, "what": self.what, "remedy": self.remedy}
