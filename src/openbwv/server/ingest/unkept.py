"""Clearing away a file whose row could not be made; wherever the row might be there after all the file stays.

When a connection to the database breaks while it commits, nobody knows whether it did. A file without a row is only a
stray, which the job `vault.strays` removes; a row without its file would be evidence lost, and a receipt given for it
would let the camera wipe the last copy. So in doubt nothing is removed.
"""

import logging

from django.db import DatabaseError, InterfaceError, OperationalError

from openbwv.server.ingest.work import is_refused
from openbwv.server.vault.models import StoredObject
from openbwv.server.vault.store import vault_store

logger = logging.getLogger(__name__)


def remove_unkept(key: str, problem: BaseException) -> None:
    """Remove the object `key`, of which `problem` kept a row from being made, unless it has one or may have one."""
    if isinstance(problem, OperationalError | InterfaceError) and not is_refused(problem):
        return  # the connection may have gone with the answer to a commit that was done
    try:
        has_row = StoredObject.objects.filter(key=key).exists()
    except DatabaseError as unknown:
        logger.warning("object %s stays until the strays are removed, its row cannot be looked for: %s", key, unknown)
        return
    if not has_row:
        vault_store().remove(key)
