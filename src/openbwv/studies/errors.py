"""What can go wrong in a study, one class per remedy."""

from openbwv.recording.errors import EXIT_CANNOT_CREATE, EXIT_USAGE, BwvError


class BadRow(BwvError):
    """A cell of a data file is not what its column must hold."""

    code = "bad-row"

    def __init__(self, *, file: str, line: int, column: str, problem: str, remedy: str) -> None:
        super().__init__(what=f"{file}, line {line}, column '{column}': {problem}", remedy=remedy)
        self.file, self.line, self.column = file, line, column


class BadTable(BwvError):
    """A data file is no table we can read, or lacks a column."""

    code = "bad-table"


class BadStudyOption(BwvError):
    """The options of a study command do not fit together."""

    code = "bad-study-option"
    exit_code = EXIT_USAGE


class CannotAnalyse(BwvError):
    """The data allow no answer under this design."""

    code = "cannot-analyse"


class HeadlineRefused(BwvError):
    """An interval that is wrong for the design was about to become the headline."""

    code = "headline-refused"


class BadPreregistration(BwvError):
    """A pre-registration file breaks its schema."""

    code = "bad-preregistration"

    def __init__(self, *, file: str, line: int, column: int, problem: str) -> None:
        super().__init__(
            what=f"{file}, line {line}, column {column}: {problem}",
            remedy="docs/ref/studies.md lists the fields; `./bwv study design --example` writes a file that holds.",
        )
        self.file, self.line, self.column = file, line, column


class AllocationExists(BwvError):
    """An allocation was about to be drawn a second time."""

    code = "allocation-exists"
    http_status = 409
    exit_code = EXIT_CANNOT_CREATE


class AllocationChanged(BwvError):
    """An allocation file is not the one that was drawn."""

    code = "allocation-changed"
    http_status = 409
