"""Two people look at what Ellis asked for, and a covered part of B is handed out."""

import re
import time
from datetime import datetime, timedelta

from openbwv.demo import judges
from openbwv.demo.pages import Page, Visitor
from openbwv.demo.processes import StepFailed
from openbwv.demo.story.asking import LONDON
from openbwv.demo.story.telling import Story, step
from openbwv.demo.story.watching import references

COPY_S = (1, 3)  # B is only a few seconds long
OTHERS = "Data Protection Act 2018, section 45(4)(e)"
COPY_LIMIT_S = 180.0
SAME_GREY = 8  # what an encoder may make of one even colour, of 255


@step("Two people look, and Ellis gets a part of it")
def ellis_is_answered(story: Story) -> None:
    """Casey decides, Kim checks the copy, Ellis downloads it with the secret and a code."""
    casey, kim = story.force.visitor("casey"), story.force.visitor("kim")
    request = f"/requests/{story.request['reference']}"
    page = casey.submit(casey.get(request), "/take")
    page = _decide(story, casey, page)
    copy = _make_copy(casey, page, request)
    story.must("Kim" in kim.get(copy).text, "The copy waits for the second person", "HTTP")
    kim.download(copy + "/copy.mp4")
    kim.submit(kim.get(copy), "may leave", note="Watched to the end")
    answer = {"outcome": "part", "answer": "You get the part that shows you. Other people are covered."}
    casey.submit(casey.get(request), "/answer", **answer)
    film = _fetch(story)
    _judge_copy(story, film)


def _decide(story: Story, casey: Visitor, page: Page) -> Page:
    """A is evidence and stays closed; a part of B goes out."""
    matches = [reference for reference in references(page) if reference in story.references.values()]
    expected = {story.references["A"], story.references["B"]}
    story.must(set(matches) == expected, "What matches is A and B, and not C", "HTTP", page.text)
    story.must(
        "embargo is proposed" in page.text, "For A, which is evidence, an embargo is proposed", "HTTP", page.text
    )
    for number, reference in enumerate(matches):
        forms = [form for form in page.forms if re.search(r"/matches/\d+$", form.action)]
        if reference == story.references["A"]:
            review = datetime.fromtimestamp(story.force.now_ms() / 1000, LONDON) + timedelta(days=60)
            words = {"state": "embargoed", "ground": "Data Protection Act 2018, section 45(4)"}
            words |= {"reason": "A trial is coming", "review_date": f"{review:%Y-%m-%d}"}
        else:
            words = {"state": "part", "ground": OTHERS, "reason": "Others are in the picture", "review_date": ""}
        page = casey.submit(page, forms[number].action, **words)
    return page


def _make_copy(casey: Visitor, page: Page, request: str) -> str:
    """Plan a copy of B, wait until the worker has made it, and return its address."""
    checker = page.form("/copy").option("checker", "Kim")
    casey.submit(page, "/copy", from_s=COPY_S[0], to_s=COPY_S[1], picture="fill", sound="silence", checker=checker)
    deadline = time.monotonic() + COPY_LIMIT_S
    while time.monotonic() < deadline:
        copy = casey.get(request).link("/copies/")
        if "Watch the copy" in casey.get(copy).text:
            return copy
        time.sleep(0.3)
    raise StepFailed("The copy was not made.", casey.get(copy).text[:800])


def _fetch(story: Story) -> bytes:
    """Download the copy as Ellis: by the link, with a code from the outbox."""
    ellis = story.force.stranger()
    page = ellis.get(f"/ask/open/{story.request['reference']}/{story.request['secret']}")
    download = page.form("download").action
    refused = ellis.post_bytes(download, page, code="000000")
    story.must(refused.status_code >= 400, "Without the code from the e-mail there is no download", "HTTP")
    page = ellis.submit(page, "send me a code")
    letter = story.force.stranger().get("/ask/outbox").text
    code = re.search(r"Your code is (\d{6})", letter)
    answer = ellis.post_bytes(download, page, code=code[1] if code else "")
    story.must(
        answer.status_code == 200, "Ellis downloads the copy with the secret and the code", "HTTP", answer.text[:300]
    )
    thief = story.force.stranger()
    other = thief.post_bytes(download, thief.get("/ask/follow"), code=code[1] if code else "")
    story.must(not other.content.startswith(answer.content[:8]), "Somebody without the secret does not", "HTTP")
    return answer.content


def _judge_copy(story: Story, film: bytes) -> None:
    path = story.folder / "copy-for-ellis.mp4"
    path.write_bytes(film)
    streams = judges.streams(path)
    length = streams["video"]["duration_s"]
    wanted = COPY_S[1] - COPY_S[0]
    story.must(abs(length - wanted) < 0.5, f"The copy is a film of {length:.1f} s, as decided", "ffprobe", streams)
    seen, covered = judges.contrast(story.folder / "watched-B.mp4"), judges.contrast(path)
    holds = covered <= SAME_GREY < seen
    story.must(holds, "Nobody can be seen in it: the picture is covered throughout", "ffmpeg", (seen, covered))
    if "audio" in streams:
        spans = judges.silent_spans(path)
        story.must(spans and spans[0][0] < 0.1, "Nobody can be heard in it", "ffmpeg", spans)
