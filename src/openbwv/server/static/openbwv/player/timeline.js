/** The stacked tracks under the picture: flags, sound off, watched, checked. Patterns differ, not only colours. */

const TRACKS = [
  ["flag", "Flags and markers"],
  ["mute", "Sound off"],
  ["gap", "Not here yet"],
  ["seen", "Watched"],
  ["good", "Checked"],
];

export class Timeline {
  /** @param {HTMLElement} root @param {number} startS @param {number} endS */
  constructor(root, startS, endS) {
    Object.assign(this, { root, startS, lengthS: Math.max(endS - startS, 0.001), rows: new Map() });
    root.replaceChildren();
    for (const [kind, words] of TRACKS) {
      const label = document.createElement("span");
      label.textContent = words;
      const row = document.createElement("div");
      row.className = `track ${kind}`;
      row.setAttribute("role", "img");
      root.append(label, row);
      this.rows.set(kind, { label, row, words, count: 0 });
      this.describe(kind);
    }
    this.hide("gap");
  }

  /** Draw a span (or a moment, when `toS` is null) on a track. */
  add(kind, fromS, toS = null, { title = "", bad = false } = {}) {
    const place = this.rows.get(kind);
    place.row.hidden = place.label.hidden = false;
    const last = place.last;
    if (toS !== null && last && !title && last.bad === bad && Math.abs(last.toS - fromS) < 0.002) {
      last.toS = toS;
      last.mark.style.width = this.percent(toS - last.fromS);
    } else {
      const mark = document.createElement("i");
      mark.style.left = this.percent(fromS - this.startS);
      if (toS !== null) mark.style.width = this.percent(toS - fromS);
      mark.className = `${bad ? "bad" : ""} ${toS === null ? "moment" : ""}`.trim();
      if (title) mark.title = title;
      place.row.append(mark);
      place.last = toS === null ? null : { mark, fromS, toS, bad };
    }
    place.count += 1;
    this.describe(kind);
  }

  hide(kind) {
    const place = this.rows.get(kind);
    place.row.hidden = place.label.hidden = true;
  }

  describe(kind) {
    const { row, words, count } = this.rows.get(kind);
    row.setAttribute("aria-label", `${words}: ${count === 0 ? "none" : count}`);
  }

  percent(seconds) {
    return `${(100 * seconds) / this.lengthS}%`;
  }
}
