/**
 * Warn two minutes before the sign-in ends, and let the person stay.
 * Every answer of the server starts the time anew; pages that fetch in the background (the player) say so with the
 * event `bwv:alive` on document.
 */
const WARN_BEFORE_S = 120;
const lengthS = Number(document.body.dataset.sessionSeconds);
let endsAtMs = Date.now() + lengthS * 1000;
let box = null;

document.addEventListener("bwv:alive", renew);
setInterval(look, 1000);

function renew() {
  endsAtMs = Date.now() + lengthS * 1000;
  box?.remove();
  box = null;
}

function look() {
  const leftS = Math.round((endsAtMs - Date.now()) / 1000);
  if (leftS <= 0) {
    say("You have been signed out. What you typed on this page was not saved.", false);
  } else if (leftS <= WARN_BEFORE_S && !box) {
    say("You will be signed out in 2 minutes.", true);
  }
}

function say(words, canStay) {
  if (box?.dataset.words === words) return;
  box?.remove();
  box = document.createElement("div");
  box.className = "session-end";
  box.dataset.words = words;
  box.setAttribute("role", "alertdialog");
  box.setAttribute("aria-label", words);
  const text = document.createElement("p");
  text.textContent = words;
  const button = document.createElement("button");
  button.textContent = canStay ? "Stay signed in" : "Sign in again";
  button.addEventListener("click", canStay ? stay : () => location.reload());
  box.append(text, button);
  document.body.append(box);
}

async function stay() {
  const answer = await fetch("/account/alive", { credentials: "same-origin", redirect: "manual" });
  if (answer.status === 204) renew();
  else say("You have been signed out. What you typed on this page was not saved.", false);
}
