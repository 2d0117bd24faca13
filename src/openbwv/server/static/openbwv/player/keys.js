/**
 * The player's keys (note: WCAG 2.1.4 – they can be switched off, and are off while typing).
 * The table is also what `?` lists, so that no key can be missing from the list. A key without anything to do on this
 * page (no flag to jump to, nobody who may flag) is neither listed nor listened to.
 */
const STORE = "bwv-keys-off";
const TYPING = "textarea, select, input:not([type=range]):not([type=checkbox]):not([type=button]):not([type=submit])";

/** Keys in the order they are listed: [shown, keys that mean it, words, deed]. */
export const KEYS = [
  ["Space or K", [" ", "k"], "play or pause", "toggle"],
  ["J", ["j"], "play backwards; again for faster", "backward"],
  ["L", ["l"], "play forwards; again for 2, 4, 8 times", "forward"],
  [",", [","], "back one picture", "frameBack"],
  [".", ["."], "forward one picture", "frameOn"],
  ["Shift ,", ["<", "shift+,"], "back 10 pictures", "tenBack"],
  ["Shift .", [">", "shift+."], "forward 10 pictures", "tenOn"],
  ["←", ["arrowleft"], "back 5 seconds", "fiveBack"],
  ["→", ["arrowright"], "forward 5 seconds", "fiveOn"],
  ["Home", ["home"], "to the start", "toStart"],
  ["End", ["end"], "to the end", "toEnd"],
  ["[", ["["], "previous flag or marker", "previousFlag"],
  ["]", ["]"], "next flag or marker", "nextFlag"],
  ["1 to 9", ["1", "2", "3", "4", "5", "6", "7", "8", "9"], "speed", "speed"],
  ["M", ["m"], "listening on or off", "mute"],
  ["F", ["f"], "flag as evidence from here", "flag"],
  ["?", ["?"], "show this list", "help"],
];

export function keysAreOn() {
  return localStorage.getItem(STORE) !== "1";
}

export function setKeysOn(on) {
  if (on) localStorage.removeItem(STORE);
  else localStorage.setItem(STORE, "1");
}

/** Call `act(deed, key)` for every key of `offered`, rows of KEYS, pressed on the page; others are left alone. */
export function listen(offered, act) {
  const deeds = new Map(offered.flatMap(([, keys, , deed]) => keys.map((key) => [key, deed])));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest(TYPING)) return;
    const key = event.key.toLowerCase();
    const deed = deeds.get(event.shiftKey && deeds.has(`shift+${key}`) ? `shift+${key}` : key);
    if (!deed || (!keysAreOn() && !event.target.closest("input[type=range]"))) return;
    const onControl = event.target.closest("button, a, summary, input[type=checkbox]");
    if (onControl && key === " ") return; // Space presses the control that has the focus
    event.preventDefault();
    act(deed, key);
  });
}
