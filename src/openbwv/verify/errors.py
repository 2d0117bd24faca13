"""What can go wrong with the command itself. None of these is a verdict, so none ends in 0, 1 or 2."""

from openbwv.recording import BwvError
from openbwv.recording.errors import EXIT_IO, EXIT_USAGE


class NothingToVerify(BwvError):
    """PATH is not a recording, a folder of recordings or a bundle."""

    code = "nothing-to-verify"
    exit_code = EXIT_USAGE


class BadOption(BwvError):
    """A file named on the command line cannot be used."""

    code = "bad-option"
    exit_code = EXIT_USAGE


class CannotRead(BwvError):
    """The disk or the operating system refused to let a file be read."""

    code = "cannot-read"
    exit_code = EXIT_IO
