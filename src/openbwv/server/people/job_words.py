"""What each periodic job does, in a sentence for people who do not know its name; a test finds one without."""

JOBS = {
    "disclosure": "Moves the dates of requests whose clock stands still, and ends holds whose time is over.",
    "disclosure.mail": "Sends letters to people who asked for footage.",
    "evidence.downloads": "Removes bundles that were saved, or that nobody saved in time.",
    "fleet.revocations": "Tells docks which cameras and docks are no longer trusted.",
    "fleet.write-offs": "Ends proposals to write off a camera that docked after all.",
    "ingest.counters": "Looks whether everything that cameras counted has arrived, and is what they signed.",
    "ingest.given-up": "Keeps what came of recordings whose camera was written off from being locked for ever.",
    "ingest.offering": "Takes in what was kept aside of cameras that have been enrolled since, if it holds.",
    "ingest.receipts": "Signs receipts for footage that has arrived, so that cameras may wipe it.",
    "log": "Writes events into the custody log.",
    "people.mail": "Sends links to people who forgot their password.",
    "reconcile": "Starts again what was cut off.",
    "retention": "Proposes and carries out deletions, and signs their certificates.",
    "retention.words": "Removes the words of old events, and whom they are about, after the years of the policy.",
    "tasks": "Makes copies for requests, and whatever else was ordered.",
    "vault.derive": "Makes the still and the index of new recordings.",
    "vault.epoch": "Gives cameras a new key to lock their footage with, and destroys those that nobody needs.",
    "vault.rotate": "Changes the retention key, after which deleted footage cannot be brought back.",
    "vault.strays": "Removes files that nothing refers to.",
    "vault.viewings": "Ends viewings in which nobody watches any more.",
}
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400


def job_in_words(name: str) -> str:
    """Return what the job does; its name when there are no words for it, as with a job of an older release."""
    return JOBS.get(name, name)


def how_often(every_s: int) -> str:
    """Return `every 10 seconds`, `every minute`, `every 6 hours` or `every day`; empty for 0, which is not periodic."""
    for unit, length_s in (("day", DAY_S), ("hour", HOUR_S), ("minute", MINUTE_S), ("second", 1)):
        if every_s >= length_s and every_s % length_s == 0:
            count = every_s // length_s
            return f"every {unit}" if count == 1 else f"every {count} {unit}s"
    return ""


def how_long_ago(seconds: float) -> str:
    """Return `just now`, `5 minutes ago`, `3 hours ago` or `2 days ago`."""
    if seconds < MINUTE_S:
        return "just now"
    for unit, length_s in (("day", DAY_S), ("hour", HOUR_S), ("minute", MINUTE_S)):
        count = int(seconds // length_s)
        if count:
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return ""
