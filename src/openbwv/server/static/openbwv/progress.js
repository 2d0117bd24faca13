/**
 * Show that something which takes a while goes on: ask for this page again, and put its `#progress` in place of ours
 * when it says something else. When nothing runs any more the whole page is loaded, with what can be done then.
 */
const EVERY_MS = 3000;
const timer = setInterval(look, EVERY_MS);

async function look() {
  if (document.hidden) return;
  let answer;
  try {
    answer = await fetch(location.href, { credentials: "same-origin", redirect: "manual" });
  } catch {
    return; // the server is away for a moment; the next look tries again
  }
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("progress");
  const shown = document.getElementById("progress");
  if (!fresh || !shown) return;
  if (!fresh.dataset.progress) {
    clearInterval(timer);
    location.reload();
  } else if (fresh.textContent !== shown.textContent) {
    shown.replaceChildren(...fresh.childNodes);
  }
}
