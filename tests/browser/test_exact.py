"""The right picture is on screen: judged by a barcode in the picture, read back from a canvas."""

import random

import pytest
from playwright.sync_api import expect

from tests.browser.footage import make_footage

READ = """
async ([seconds]) => {
  const player = window.bwvPlayer, video = player.video;
  const drawn = new Promise((done) => video.requestVideoFrameCallback(() => done()));
  const settled = new Promise((done) => video.addEventListener("seeked", () => done(), { once: true }));
  if (typeof seconds === "number") await player.seekTo(seconds);
  else await player.step(seconds.by);
  await Promise.race([Promise.all([drawn, settled]), new Promise((done) => setTimeout(done, 1500))]);
  return window.readPicture();
}
"""
READER = """
window.readPicture = () => {
  const video = window.bwvPlayer.video, canvas = document.createElement("canvas");
  canvas.width = 320; canvas.height = 180;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(video, 0, 0, 320, 180);
  let number = 0;
  for (let bit = 0; bit < 16; bit += 1) {
    const light = pen.getImageData(bit * 20 + 10, 20, 1, 1).data[1];
    if (light > 128) number += 2 ** bit;
  }
  return number;
};
"""


@pytest.fixture
def player(open_page, viewing, door):
    def ready(footage):
        address = viewing(footage=footage)
        page = open_page("avery", "/account/me")
        door(page, footage)
        page.goto(address)
        page.wait_for_selector("#player[data-ready='1']")
        page.evaluate(READER)
        return page

    return ready


def during(footage, number):
    """Return a moment, seconds, in which picture `number` is on: a third into its time."""
    later = [*footage.times[1:], footage.times[-1] + 1 / footage.fps]
    return footage.times[number] + (later[number] - footage.times[number]) / 3


CASES = [
    pytest.param({"fps": 25}, id="25 fps with sound"),
    pytest.param({"fps": 30}, id="30 fps with sound"),
    pytest.param({"fps": 25, "b_frames": True}, id="25 fps, reordered pictures"),
]


@pytest.mark.parametrize("kind", CASES)
def test_100_random_seeks_and_20_steps_each_way_show_the_right_picture(player, kind):
    footage = make_footage(**kind)
    page = player(footage)
    count = footage.fps * footage.seconds
    chance = random.Random(1)
    for _ in range(100):
        wanted = chance.randrange(count)
        assert page.evaluate(READ, [during(footage, wanted)]) == wanted
    here = page.evaluate(READ, [during(footage, count // 2)])
    assert here == count // 2
    for by in (1, -1):
        for _ in range(20):
            here += by
            assert page.evaluate(READ, [{"by": by}]) == here
    for by in (10, -10):
        here += by
        assert page.evaluate(READ, [{"by": by}]) == here


def test_steps_stop_at_both_ends(player):
    footage = make_footage(fps=25)
    page = player(footage)
    assert page.evaluate(READ, [0]) == 0
    assert page.evaluate(READ, [{"by": -1}]) == 0
    last = footage.fps * footage.seconds - 1
    assert page.evaluate(READ, [9999]) == last
    assert page.evaluate(READ, [{"by": 1}]) == last


def test_the_number_shown_is_the_pictures_own(player):
    footage = make_footage(fps=30)
    page = player(footage)
    page.evaluate(READ, [during(footage, 100)])
    expect(page.locator("#frame")).to_have_text("100")
