"""B is filmed and the battery falls out, A is filmed, and C by another officer three hours later."""

import shutil
import time
from pathlib import Path

from openbwv.demo import judges
from openbwv.demo.force import HOUR_MS
from openbwv.demo.processes import Done, StepFailed
from openbwv.demo.story.setting_up import store_of
from openbwv.demo.story.telling import Story, step
from openbwv.demo.street import BELOW_THE_CLOCK, DRAWN, THE_CLOCK

SECONDS = 8
MUTED = (3, 5)
TORN_BYTES = 40  # less than any entry: the cut leaves a part of the newest one
GROW_LIMIT_S = 90.0
ENOUGH_BYTES = 1_500_000
ENOUGH_S = 15.0  # where there is little to see, such as at night


@step("B is filmed until the battery falls out")
def b_is_filmed_and_cut(story: Story) -> None:
    """SIGKILL in the middle; then the end that had not reached the disk is cut off."""
    _judge_source(story)
    store = store_of(story, "0417")
    story.force.runner.start("camera-b", "camera", "record", *_film(story, "0417", seconds=60))
    folder = _wait_for_growth(story, store)
    story.force.runner.kill("camera-b")
    manifest = folder / "manifest.cbor"
    with manifest.open("r+b") as file:
        file.truncate(manifest.stat().st_size - TORN_BYTES)
    story.recordings["B"] = folder
    story.captured_ms["B"] = story.force.now_ms()
    torn = verify(story, folder, expect=1)
    story.must(torn["reasons"], "B, cut in the middle of an entry, is not called genuine", "bwv verify", torn)
    story.must(
        not judges.is_film(folder / "media.bin"), "What lies on the camera is no film anybody can open", "ffprobe"
    )


def _judge_source(story: Story) -> None:
    """What is drawn when nobody names a source has sound, people who move, and a clock; others have what they have."""
    film = story.folder / DRAWN
    if not story.is_drawn:
        given = Path(story.source)
        if given.is_file():
            story.has_sound = "audio" in judges.streams(given)
        return
    streams = judges.streams(film)
    heard = {"video", "audio"} <= set(streams) and not judges.silent_spans(film)
    story.must(heard, f"The street to film is {streams['video']['duration_s']:.0f} s long and has sound", "ffprobe")
    story.must(judges.changes(film, BELOW_THE_CLOCK), "Its people move: no two seconds look alike", "ffmpeg")
    story.must(judges.changes(film, THE_CLOCK), "nor does the clock above them ever show the same", "ffmpeg")


@step("A is filmed, muted and marked; B is recovered")
def a_is_filmed(story: Story) -> None:
    """The next start closes B, then films A."""
    before = set(_folders(store_of(story, "0417")))
    story.recordings["A"] = _record(story, "0417", "--mute", "3-5", "--marker", "6", "--category", "stop-and-search")
    story.captured_ms["A"] = story.force.now_ms()
    recovered = verify(story, story.recordings["B"], expect=0)
    story.must(
        recovered["closed"], "B was recovered: closed, and genuine up to where the power went", "bwv verify", recovered
    )
    verdict = verify(story, story.recordings["A"], expect=0)
    story.must(
        verdict["signer"] == "trusted", "A is genuine, and the signer is the force's camera", "bwv verify", verdict
    )
    unknown = verify(story, story.recordings["A"], expect=2, trust=False)
    story.must(
        unknown["verdict"] == "cannot-tell", "Without the trust file the answer is: cannot tell", "bwv verify", unknown
    )
    new = set(_folders(store_of(story, "0417"))) - before
    story.must(new == {story.recordings["A"]}, "Nothing else was made or lost", "the file system", new)


@step("C is filmed in another borough three hours later")
def c_is_filmed(story: Story) -> None:
    """The clock moves by three hours; Noor films in Camden."""
    story.force.move_clock(story.force.now_ms() + 3 * HOUR_MS)
    story.recordings["C"] = _record(story, "0418")
    story.captured_ms["C"] = story.force.now_ms()
    verdict = verify(story, story.recordings["C"], expect=0)
    story.must(verdict["signer"] == "trusted", "C is genuine", "bwv verify", verdict)
    copies = story.folder / "copies"
    for name, folder in story.recordings.items():
        story.copies[name] = copies / name
        shutil.copytree(folder, story.copies[name])


def verify(story: Story, path: Path, *, expect: int, trust: bool = True) -> dict:
    """Return the verifier's JSON for `path`; StepFailed unless it exits with `expect`."""
    words = ["--trust", str(story.force.trust)] if trust else []
    return dict(story.force.runner.run("verify", path, *words, "--json", expect=expect).json())


def _film(story: Story, camera: str, *, seconds: int) -> list[object]:
    return [
        "--source", story.source, "--seconds", seconds, "--store", store_of(story, camera), "--profile", "720p25",
        "--prebuffer", 2,
    ]  # fmt: skip


def _record(story: Story, camera: str, *options: str) -> Path:
    done: Done = story.force.runner.run("camera", "record", *_film(story, camera, seconds=SECONDS), *options)
    folder = Path(done.out.strip().splitlines()[-1])
    if not (folder / "manifest.cbor").exists():
        raise StepFailed("The last line of `camera record` is not a recording's folder.", done.out[-500:])
    return folder


def _folders(store: Path) -> list[Path]:
    return [path.parent for path in store.glob("rec/*/*/manifest.cbor")]


def _wait_for_growth(story: Story, store: Path) -> Path:
    deadline, films = time.monotonic() + GROW_LIMIT_S, None
    while time.monotonic() < deadline and story.force.runner.is_running("camera-b"):
        for folder in _folders(store):
            media = folder / "media.bin"
            size = media.stat().st_size if media.exists() else 0
            films = films or (time.monotonic() if size else None)
            if size > ENOUGH_BYTES or (films and time.monotonic() > films + ENOUGH_S):
                return folder
        time.sleep(0.05)
    raise StepFailed("The camera does not film.", story.force.runner.tail("camera-b"))
