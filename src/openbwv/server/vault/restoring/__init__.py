"""Bringing a backup back (R13): `files` copies and checks, `logs` chooses the log, `actions` settles the rest."""
