/** The recording page: put source, player, timeline and keys together, and say what was checked. */
import { FramePlayer } from "./frames.js";
import { KEYS, keysAreOn, listen, setKeysOn } from "./keys.js";
import { Footage } from "./source.js";
import { Timeline } from "./timeline.js";
import { spoken, timecode } from "./words.js";

const $ = (id) => document.getElementById(id);
const root = $("player");
const video = $("video");
const facts = JSON.parse($("recording-facts").textContent);
const REVERSE_FPS = 5;
const STILL_HERE_MS = 45_000; // a minute of silence ends a viewing; somebody looking at a still picture is not silent
let player, source, timeline, reverse = null, reverseSpeed = 1;
let checked = 0, bad = 0;

async function start() {
  say("Loading…");
  source = await Footage.open(root.dataset.media);
  player = new FramePlayer(video, source);
  timeline = new Timeline($("tracks"), source.startS, source.endS);
  drawKnown();
  $("position").min = source.startS;
  $("position").max = source.endS;
  if (source.overlay) showOverlay(source.overlay);
  player.addEventListener("frame", (event) => showTime(event.detail.time));
  player.addEventListener("part", (event) => partArrived(event.detail.part));
  player.addEventListener("gap", () => say("This stretch has not been uploaded yet."));
  player.addEventListener("trouble", (event) => trouble(event.detail.error));
  if (source.initProblem) partFailed(source.startS, source.endS, "The first part", source.initProblem);
  wire();
  await player.open();
  if (root.dataset.trouble) return;
  say("");
  root.dataset.ready = "1";
  setInterval(stillHere, STILL_HERE_MS);
  window.bwvPlayer = player; // for the browser tests, which read pictures back
}

function stillHere() {
  if (!document.hidden && !root.dataset.trouble) source.get("init").catch(trouble);
}

function drawKnown() {
  for (const flag of facts.flags) timeline.add("flag", flag.ms / 1000, null, { title: flag.words });
  for (const span of facts.muted) timeline.add("mute", span.from / 1000, span.to / 1000, { title: span.words });
  for (const span of facts.watched) timeline.add("seen", span.from / 1000, span.to / 1000);
  for (const part of source.parts) if (!part.here) timeline.add("gap", part.startS, part.endS);
}

function partArrived(part) {
  timeline.add("seen", part.startS, part.endS);
  if (part.problem === null) {
    $("integrity").textContent = "Parts cannot be checked in this browser";
  } else if (part.problem === "") {
    if (!part.counted) checked += 1;
    timeline.add("good", part.startS, part.endS);
  } else {
    if (!part.counted) bad += 1;
    timeline.add("good", part.startS, part.endS, { bad: true });
    partFailed(part.startS, part.endS, `Part ${part.n + 1}`, part.problem);
  }
  part.counted = true;
  if (checked || bad) showChecked();
  if (video.videoWidth === 0 && video.readyState >= 2) {
    say("Your browser cannot show this video. Ask for a viewing copy.");
  }
}

function showChecked() {
  const tag = $("integrity");
  const all = source.parts.length;
  tag.className = bad ? "tag bad" : "tag ok";
  tag.textContent = bad
    ? `${bad} of ${all} parts do not match`
    : `${checked} of ${all} parts checked, all match`;
}

function partFailed(fromS, toS, name, problem) {
  const words = `${name} does not match its signature: ${problem}. Do not rely on ${timecode(fromS)}–${timecode(toS)}.`;
  const line = document.createElement("p");
  line.textContent = words;
  $("failures").append(line);
  $("failures").hidden = false;
}

function trouble(error) {
  say(`${error.what ?? error.message} ${error.remedy ?? ""}`.trim(), true);
  root.dataset.trouble = error.code ?? "error";
  const again = document.createElement("a");
  again.href = location.pathname;
  again.className = "button";
  again.textContent = "Watch again";
  $("player-says").append(" ", again);
}

function say(words, isBad = false) {
  const line = $("player-says");
  line.textContent = words;
  line.className = isBad ? "says bad" : "says";
}

function showOverlay(words) {
  const line = $("overlay");
  line.hidden = false;
  const draw = () => { line.textContent = `${words} · ${new Date().toLocaleTimeString("en-GB")}`; };
  draw();
  setInterval(draw, 1000);
}

function showTime(seconds) {
  const at = seconds - source.startS;
  $("timecode").textContent = timecode(at);
  const frame = player.frameNumber(seconds);
  $("frame").textContent = frame === null ? "" : frame;
  const slider = $("position");
  slider.value = seconds;
  slider.setAttribute("aria-valuetext", `${spoken(at)} of ${spoken(source.endS - source.startS)}`);
}

/* What the keys and buttons do. */
const deeds = {
  toggle: () => (video.paused && !reverse ? play(1) : pause()),
  forward: () => play(video.paused || reverse ? 1 : Math.min(8, video.playbackRate * 2)),
  backward: () => playBackwards(),
  frameBack: () => stepBy(-1),
  frameOn: () => stepBy(1),
  tenBack: () => stepBy(-10),
  tenOn: () => stepBy(10),
  fiveBack: () => jump(video.currentTime - 5),
  fiveOn: () => jump(video.currentTime + 5),
  toStart: () => jump(source.startS),
  toEnd: () => jump(source.endS),
  previousFlag: () => toFlag(-1),
  nextFlag: () => toFlag(1),
  speed: (key) => setSpeed(Number(key)),
  mute: () => { video.muted = !video.muted; $("listen").setAttribute("aria-pressed", String(!video.muted)); },
  flag: () => flagFromHere(),
  help: () => ($("key-list").open ? $("key-list").close() : $("key-list").showModal()),
};

function play(rate) {
  stopReverse();
  setSpeed(rate);
  return video.play().catch((problem) => {
    if (problem.name !== "AbortError") throw problem; // paused before it began, as the person asked
  });
}

function pause() {
  stopReverse();
  video.pause();
}

/** Browsers have no negative speed, so going backwards is stepped seeks, five a second. */
function playBackwards() {
  if (reverse) {
    reverseSpeed = Math.min(8, reverseSpeed * 2);
    return;
  }
  video.pause();
  reverseSpeed = 1;
  reverse = setInterval(() => {
    if (video.currentTime <= source.startS + 0.05) stopReverse();
    else if (!video.seeking) player.seekTo(video.currentTime - reverseSpeed / REVERSE_FPS);
  }, 1000 / REVERSE_FPS);
}

function stopReverse() {
  clearInterval(reverse);
  reverse = null;
}

function stepBy(count) {
  stopReverse();
  return player.step(count);
}

function jump(seconds) {
  stopReverse();
  return player.seekTo(seconds);
}

function setSpeed(rate) {
  video.playbackRate = rate;
  const choice = [...$("speed").options].find((option) => Number(option.value) === rate);
  if (choice) $("speed").value = choice.value;
}

function toFlag(direction) {
  const times = facts.flags.map((flag) => flag.ms / 1000).sort((a, b) => a - b);
  const here = video.currentTime;
  const next = direction > 0 ? times.find((t) => t > here + 0.1) : times.findLast((t) => t < here - 0.1);
  if (next !== undefined) jump(next);
}

/** The keys that do something on this page. */
function keysHere() {
  const idle = new Set();
  if (!$("flag-form")) idle.add("flag");
  if (!facts.flags.length) idle.add("previousFlag").add("nextFlag");
  return KEYS.filter(([, , , deed]) => !idle.has(deed));
}

function flagFromHere() {
  const box = $("flag-form");
  pause();
  box.open = true;
  box.querySelector("[name=media_ms]").value = Math.round((video.currentTime - source.startS) * 1000);
  box.querySelector("select, input:not([type=hidden])").focus();
}

function wire() {
  const offered = keysHere();
  listen(offered, (deed, key) => deeds[deed](key));
  for (const button of document.querySelectorAll("[data-deed]")) {
    button.addEventListener("click", () => deeds[button.dataset.deed]());
  }
  $("position").addEventListener("input", (event) => jump(Number(event.target.value)));
  $("speed").addEventListener("change", (event) => setSpeed(Number(event.target.value)));
  for (const name of ["play", "pause"]) video.addEventListener(name, showPlaying);
  const rows = $("key-rows");
  for (const [shown, , words] of offered) {
    const row = rows.insertRow();
    const kbd = document.createElement("kbd");
    kbd.textContent = shown;
    row.insertCell().append(kbd);
    row.insertCell().textContent = words;
  }
  $("keys-on").checked = keysAreOn();
  $("keys-on").addEventListener("change", (event) => setKeysOn(event.target.checked));
  addEventListener("pagehide", leave);
}

function showPlaying() {
  const button = $("play");
  button.textContent = video.paused ? "▶" : "❚❚";
  button.setAttribute("aria-label", video.paused ? "Play" : "Pause");
}

/** Leaving the page ends the viewing at once instead of after a minute of silence. */
function leave() {
  const form = new FormData($("leave-form"));
  navigator.sendBeacon($("leave-form").action, form);
}

start().catch(trouble);
