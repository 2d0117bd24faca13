"""`./bwv dock run` and `./bwv dock enrol`."""

import argparse
import json
import logging
import os
import time
from dataclasses import replace
from pathlib import Path

from openbwv.command import Parser
from openbwv.dock import identity as identities
from openbwv.dock.run import Ports, open_hall, serve
from openbwv.dock.spool import RESERVE_BYTES, SpoolLimits
from openbwv.dock.uplink import MOST_PARTS_AT_ONCE, PARTS_AT_ONCE
from openbwv.shared.clock import SOCKET_VARIABLE, open_clock

EXAMPLES = """\
  ./bwv dock enrol --server http://127.0.0.1:8000 --code ABCDE-FGHJK-LMNPQ-RSTUV --store dock
  ./bwv dock run --store dock
  ./bwv dock run --store dock --door https://evidence.example:8443 --camera-port 8444"""


def build_parser() -> Parser:
    """Return the parser of `./bwv dock`."""
    parser = Parser(prog="./bwv dock", description="Empty cameras and hand on what they hold.", examples=EXAMPLES)
    commands = parser.add_subparsers(dest="command", required=True, metavar="run|enrol")
    run = commands.add_parser("run", help="serve cameras, enrolments and the dock's page", examples=EXAMPLES)
    run.add_argument("--store", type=Path, required=True, help="the dock's folder")
    run.add_argument("--door", help="the server's door, https://HOST:PORT (default: what enrolment said)")
    run.add_argument("--trust", type=Path, help="the agency CA; must be the one this dock was enrolled under")
    run.add_argument("--host", default="127.0.0.1", help="address of the camera and enrolment ports")
    run.add_argument("--page-host", default="127.0.0.1", help="address of the page")
    run.add_argument("--camera-port", type=int, default=8444)
    run.add_argument("--enrol-port", type=int, default=8445)
    run.add_argument("--page-port", type=int, default=8100)
    run.add_argument("--spool-max-mb", type=int, default=0, help="most media to hold, in MB (default: what fits)")
    run.add_argument("--spool-reserve-mb", type=int, default=RESERVE_BYTES >> 20, help="MB of the disk left free")
    run.add_argument(
        "--parts-at-once",
        type=int,
        default=PARTS_AT_ONCE,
        metavar="N",
        choices=range(1, MOST_PARTS_AT_ONCE + 1),
        help=f"parts under way to the server at once, 1 to {MOST_PARTS_AT_ONCE} (default: {PARTS_AT_ONCE})",
    )
    run.add_argument("--clock-socket", default=os.environ.get(SOCKET_VARIABLE), help="clock of a pretend force")
    run.add_argument("--json", action="store_true", help="print the addresses as one line of JSON")
    enrol = commands.add_parser("enrol", help="get this dock's identity with a one-time code", examples=EXAMPLES)
    enrol.add_argument("--server", required=True, help="address of the server's pages")
    enrol.add_argument("--code", required=True, help="the code that the fleet manager was given")
    enrol.add_argument("--store", type=Path, required=True, help="the dock's folder, made if missing")
    enrol.add_argument("--name", default="dock", help="wished name; the server decides")
    enrol.add_argument("--host", action="append", default=[], help="address under which cameras reach it; repeatable")
    enrol.add_argument("--trust", type=Path, help="the agency CA you expect")
    enrol.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def main(argv: list[str]) -> int:
    """Run `./bwv dock …` and return its exit code."""
    arguments = build_parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.Formatter.converter = time.gmtime
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return run(arguments) if arguments.command == "run" else enrol(arguments)


def run(arguments: argparse.Namespace) -> int:
    """Serve until stopped."""
    identity = identities.load_identity(arguments.store)
    if arguments.trust is not None and arguments.trust.read_bytes().split() != identity.trust_pem.split():
        raise identities.NotADock(
            what=f"{arguments.trust} is another agency's CA than the one this dock was enrolled under.",
            remedy="Leave out --trust, or enrol the dock with that agency.",
        )
    if arguments.door:
        identity = replace(identity, door_url=arguments.door)
    clock = open_clock(identity.trust_pem, arguments.clock_socket)
    limits = SpoolLimits(max_bytes=arguments.spool_max_mb << 20, reserve_bytes=arguments.spool_reserve_mb << 20)
    hall = open_hall(identity, arguments.store, clock=clock, limits=limits)
    ports = Ports(
        host=arguments.host,
        page_host=arguments.page_host,
        camera=arguments.camera_port,
        enrol=arguments.enrol_port,
        page=arguments.page_port,
    )
    serve(hall, ports, log_vkey=identities.log_vkey(identity), at_once=arguments.parts_at_once, as_json=arguments.json)
    return 0


def enrol(arguments: argparse.Namespace) -> int:
    """Get an identity and store it."""
    hosts = arguments.host or ["127.0.0.1", "localhost"]
    trust = arguments.trust.read_bytes() if arguments.trust else None
    identity = identities.enrol(
        store=arguments.store,
        server_url=arguments.server,
        code=arguments.code,
        name=arguments.name,
        hosts=hosts,
        trust=trust,
    )
    if arguments.json:
        print(json.dumps({"name": identity.name, "kid": identity.signer.kid.hex(), "door": identity.door_url}))
    else:
        print(f"This dock is {identity.name}, key {identity.signer.kid.hex()}.")
    return 0
