/** Times in words and figures, the way our pages write them. */

/** `01:12:05.40`, or `12:05.40` under an hour. @param {number} seconds */
export function timecode(seconds) {
  const whole = Math.max(0, Math.round(seconds * 100));
  const two = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 360000);
  const rest = `${two(Math.floor(whole / 6000) % 60)}:${two(Math.floor(whole / 100) % 60)}.${two(whole % 100)}`;
  return hours ? `${two(hours)}:${rest}` : rest;
}

/** `5 minutes 1 second`. @param {number} seconds */
export function spoken(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [[Math.floor(whole / 3600), "hour"], [Math.floor(whole / 60) % 60, "minute"], [whole % 60, "second"]];
  const words = parts.filter(([n], i) => n || (i === 2 && whole < 60)).map(([n, unit]) => `${n} ${unit}${n === 1 ? "" : "s"}`);
  return words.join(" ");
}
