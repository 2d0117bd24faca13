"""What can be wrong with records that are each well formed."""

from openbwv.studies.errors import BwvError


class BadRecords(BwvError):
    """Records contradict each other or themselves, so that matching or counting them would mislead."""

    code = "bad-records"
