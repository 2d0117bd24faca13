/**
 * Keep the trail on the page up to date: new entries appear, and "waiting" becomes "in the log".
 * Asks every few seconds, but only while the page is seen and somebody is at it: an answer of the server also renews
 * the sign-in, and a page that is merely left open must not keep that alive.
 */
const EVERY_MS = 4000;
const AT_IT_MS = 120_000;
const box = document.querySelector("[data-trail]");
const list = box?.querySelector("ol");
const news = box?.querySelector("[data-trail-news]");
let lastTouchMs = Date.now();

for (const kind of ["pointerdown", "pointermove", "keydown", "scroll"]) {
  addEventListener(kind, () => { lastTouchMs = Date.now(); }, { passive: true });
}
if (list) setInterval(look, EVERY_MS);

async function look() {
  if (document.hidden || Date.now() - lastTouchMs > AT_IT_MS) return;
  let answer;
  try {
    answer = await fetch(box.dataset.trail, { credentials: "same-origin", redirect: "manual" });
  } catch {
    say("The server does not answer; the trail may be out of date.");
    return;
  }
  if (!answer.ok) {
    say("The trail could not be read again; reload the page.");
    return;
  }
  document.dispatchEvent(new CustomEvent("bwv:alive"));
  show((await answer.json()).lines);
}

function show(lines) {
  let added = 0;
  for (const line of [...lines].reverse()) {
    const item = list.querySelector(`[data-event="${line.id}"]`);
    if (item) {
      const state = item.querySelector("[data-state]");
      if (state.textContent !== line.state) state.textContent = line.state;
    } else {
      list.prepend(made(line));
      added += 1;
    }
  }
  if (added) {
    list.querySelector("li.none")?.remove();
    say(added === 1 ? "One new entry." : `${added} new entries.`);
  }
}

function made(line) {
  const item = document.createElement("li");
  item.dataset.event = line.id;
  item.append(element("strong", line.what));
  if (line.outcome) item.append(" ", element("span", line.outcome, "tag warn"));
  item.append(document.createElement("br"), `${line.who}, `, element("time", line.local));
  if (line.why) item.append(document.createElement("br"), `Reason: ${line.why}`);
  if (line.rule) item.append(document.createElement("br"), element("span", line.rule, "quiet"));
  const state = element("span", line.state, "quiet");
  state.dataset.state = "";
  item.append(document.createElement("br"), state, " ", details(line));
  return item;
}

function details(line) {
  const box = document.createElement("details");
  const summary = element("summary", "Details");
  summary.append(element("span", ` of: ${line.what}`, "hidden-words"));
  const rows = document.createElement("dl");
  for (const [name, value] of line.raw) rows.append(element("dt", name), element("dd", value));
  box.append(summary, rows);
  return box;
}

function element(kind, text, classes = "") {
  const made = document.createElement(kind);
  made.textContent = text;
  if (classes) made.className = classes;
  return made;
}

function say(words) {
  if (news.textContent !== words) news.textContent = words;
}
