"""Whether a force's database has the tables that this version of the code was written for."""

from pathlib import Path

from openbwv.recording.errors import EXIT_CONFIG, BwvError


class OldDatabase(BwvError):
    """The database was made by an earlier version; nothing may touch it until it is brought up."""

    code = "old-database"
    http_status = 500
    exit_code = EXIT_CONFIG


class NewerDatabase(BwvError):
    """The database was brought up by a later version, whose tables this one does not know."""

    code = "newer-database"
    http_status = 500
    exit_code = EXIT_CONFIG


def require_current() -> None:
    """Raise OldDatabase or NewerDatabase unless database and code are of one version.

    Compares the names of migration files with those that the database lists: reading them as modules, as Django does,
    would cost every command a tenth of a second.
    """
    applied = _applied()
    ours, theirs = _on_disk()
    if unknown := sorted(each for each in applied if each[0] in ours and each[1] not in ours[each[0]]):
        raise NewerDatabase(
            what=f"A later version of OpenBWV has worked on this database: {_listed(unknown)}.",
            remedy="Run that version, or a newer one. To go back, restore a backup that was made before.",
        )
    wanted = {(app, name) for app, names in (ours | theirs).items() for name in names}
    if waiting := sorted(wanted - applied):
        raise OldDatabase(
            what=f"This database is of an earlier version of OpenBWV; it lacks {_listed(waiting)}.",
            remedy="Stop every process of the force, make a backup with the version that ran last, then run "
            "./bwv upgrade --state DIR.",
        )


def bring_up() -> list[str]:
    """Change the database to what the code needs and return what was done, as `app name`; empty if nothing had to be.

    Each change is a transaction of its own, so one that is cut off is made again by the next call.
    """
    from django.core.management import call_command

    before = _applied()
    call_command("migrate", interactive=False, verbosity=0)
    return [f"{app} {name}" for app, name in sorted(_applied() - before)]


def _applied() -> set[tuple[str, str]]:
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    return set(MigrationRecorder(connection).applied_migrations())


def _on_disk() -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return the migrations of our apps, and of the libraries' apps: label to names."""
    from django.apps import apps

    ours: dict[str, set[str]] = {}
    theirs: dict[str, set[str]] = {}
    for app in apps.get_app_configs():
        names = {path.stem for path in Path(app.path, "migrations").glob("[0-9]*.py")}
        (ours if app.name.startswith("openbwv.") else theirs)[app.label] = names
    return ours, theirs


def _listed(changes: list[tuple[str, str]]) -> str:
    shown = ", ".join(f"{app} {name}" for app, name in changes[:3])
    return shown if len(changes) <= 3 else f"{shown} and {len(changes) - 3} more"
