"""After the years of the policy (R1): the words of events go, and what says whom a pseudonym stands for.

One rule: what has been over for the policy's years, and on which nothing rests that lives, loses its words. A recording
is over when it became irrecoverable, a request when it was closed, anything else the moment it happened. Leaves and
their places in the log stay; each removal is an event of its own, written in the transaction that removes.
"""

from openbwv.server.forgetting.due import Cutoff, Waiting, cutoff_at, cutoff_of, waiting
from openbwv.server.forgetting.job import forget

__all__ = ["Cutoff", "Waiting", "cutoff_at", "cutoff_of", "forget", "waiting"]
