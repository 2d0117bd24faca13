"""The door without TLS, on this machine alone: `python -m bench.plain_door PORT`, with BWV_STATE in the environment."""

import sys

from openbwv.server.boot import boot


def main() -> None:
    """Serve until a signal ends it."""
    boot(None)
    from openbwv.server.door import run_door

    run_door("127.0.0.1", int(sys.argv[1]), None, listening=lambda: None)


if __name__ == "__main__":
    main()
