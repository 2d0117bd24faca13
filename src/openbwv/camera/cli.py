"""`./bwv camera`: record, run, enrol, offload, assign."""

from pathlib import Path

from openbwv.camera.errors import BadOption
from openbwv.camera.profile import PICTURES
from openbwv.camera.record import Plan, record
from openbwv.camera.sources import SOUND_HELP
from openbwv.command import Parser
from openbwv.recording import CATEGORIES

EXAMPLES = """\
  ./bwv camera record --source testsrc2 --seconds 5 --store camera --test-identity
  ./bwv camera record --source street.mp4 --seconds 20 --prebuffer 10 --mute 3-5 --marker 4 --store C
  ./bwv camera run --source /dev/video0 --store C --dock https://127.0.0.1:8444
  ./bwv camera enrol --dock https://127.0.0.1:8445 --store C --name 0417
"""
ABOUT = {
    "record": "make one recording by a plan, then end",
    "run": "be a camera: standby, start, stop, dock; keys or a control socket",
    "enrol": "make this store a camera of a force, at a dock",
    "offload": "hand everything to a dock, wipe on receipts",
    "assign": "fetch who has taken this camera, at a dock",
}


def main(argv: list[str]) -> int:
    """Run `./bwv camera …` and return its exit code; raises BwvError."""
    parser = Parser(prog="./bwv camera", description="A body-worn camera on Linux.", examples=EXAMPLES)
    choices = parser.add_subparsers(dest="deed", required=True, metavar="{" + ",".join(ABOUT) + "}")
    for deed, about in ABOUT.items():
        choices.add_parser(deed, help=about, add_help=False)
    deed = parser.parse_args(argv[:1]).deed
    rest = argv[1:]
    if deed == "record":
        return record(_plan(rest))
    if deed == "run":
        from openbwv.camera import run

        return run.main(rest)
    if deed == "enrol":
        from openbwv.camera import enrol

        return enrol.main(rest)
    from openbwv.camera import offload

    return offload.main(rest) if deed == "offload" else offload.assign_main(rest)


def _plan(argv: list[str]) -> Plan:
    parser = Parser(
        prog="./bwv camera record",
        description=ABOUT["record"],
        examples=EXAMPLES.split("\n  ./bwv camera run", maxsplit=1)[0] + "\n",
    )
    parser.add_argument("--source", required=True, help="testsrc2, a media file, or a device such as /dev/video0")
    parser.add_argument("--sound", metavar="PCM", help=SOUND_HELP)
    parser.add_argument("--seconds", type=float, required=True, help="length, counted from the press")
    parser.add_argument("--store", type=Path, required=True, help="the camera's store; recovered first, then used")
    parser.add_argument("--profile", choices=sorted(PICTURES), help="size and rate (default: the force's, or 720p25)")
    parser.add_argument(
        "--prebuffer", type=int, metavar="N", help="seconds before the press, picture only (default 30)"
    )
    parser.add_argument("--mute", action="append", default=[], metavar="A-B", help="mute from A to B; repeatable")
    parser.add_argument(
        "--marker", action="append", default=[], type=float, metavar="T", help="marker at T; repeatable"
    )
    parser.add_argument("--told", action="append", default=[], type=float, metavar="T", help="people told at T")
    parser.add_argument("--category", choices=sorted(CATEGORIES), metavar="CODE", help="label given at stop")
    parser.add_argument("--flag", action="store_true", help="mark as evidence at stop")
    parser.add_argument("--track", type=Path, metavar="FILE", help="positions to replay, GPX or CSV; sealed")
    parser.add_argument("--test-identity", action="store_true", help="a throw-away identity that no force accepts")
    parser.add_argument("--loop", action="store_true", help="begin a file again at its end")
    parser.add_argument("--fast", action="store_true", help="not paced as live; times count as if it had just ended")
    parser.add_argument("--json", action="store_true", help="facts as JSON before the folder")
    args = parser.parse_args(argv)
    if not 0 < args.seconds <= 24 * 3600:
        raise BadOption(what=f"--seconds {args.seconds} is no length.", remedy="Use more than 0 and at most 86400.")
    mutes = [_span(text, args.seconds) for text in args.mute]
    for moment in (*args.marker, *args.told):
        if not 0 <= moment < args.seconds:
            raise BadOption(what=f"{moment} s lies outside the recording.", remedy=f"Use 0 to {args.seconds}.")
    return Plan(
        source=args.source,
        seconds=args.seconds,
        store=args.store,
        picture=args.profile,
        prebuffer_s=args.prebuffer,
        mutes=mutes,
        markers=args.marker,
        told=args.told,
        category=CATEGORIES[args.category].code if args.category else None,
        evidential=args.flag,
        track=args.track,
        test_identity=args.test_identity,
        loop=args.loop,
        unpaced=args.fast,
        sound=args.sound,
        as_json=args.json,
    )


def _span(text: str, seconds: float) -> tuple[float, float]:
    try:
        begin, end = (float(part) for part in text.split("-"))
    except ValueError as problem:
        raise BadOption(what=f"--mute {text} is not A-B.", remedy="Write for example --mute 3-5.") from problem
    if not 0 <= begin < end <= seconds:
        raise BadOption(
            what=f"--mute {text} does not lie inside the recording.", remedy=f"Use A < B between 0 and {seconds}."
        )
    return begin, end
