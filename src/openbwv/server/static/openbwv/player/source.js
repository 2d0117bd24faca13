/** Fetch parts of one viewing from `/media/<viewing>/`, check each, and know the time of every picture. */
import { fromBase64 } from "./bytes.js";
import { PartChecker } from "./check.js";
import { presentationTimes, readInit } from "./mp4.js";

/** What the server said instead of a part: a stable code, what happened, what to do. */
export class MediaError extends Error {
  constructor(status, { code = "unreachable", what = "The server does not answer.", remedy = "" } = {}) {
    super(`${what} ${remedy}`.trim());
    Object.assign(this, { status, code, what, remedy });
  }
}

/**
 * @typedef {{n: number, seq: number, start: number, end: number, startS: number, endS: number, here: boolean,
 *   flags: number, entry: Uint8Array, pts: number[]|null, problem: string|null}} Part
 */
export class Footage {
  /** @param {string} base address of the viewing, ending in a slash */
  static async open(base) {
    const source = new Footage();
    source.base = base;
    const index = await (await source.get("index.json")).json();
    source.overlay = index.overlay;
    source.checker = await PartChecker.make(index);
    source.init = await (await source.get("init")).arrayBuffer();
    const facts = readInit(source.init);
    source.mime = index.mime ?? facts.mime;
    source.trackId = [...facts.tracks].find(([, track]) => track.kind === "video")[0];
    source.video = facts.tracks.get(source.trackId);
    source.parts = index.parts.map((row, n) => source.partOf(row, n));
    source.initProblem = index.init?.entry ? await source.check(index.init, source.init) : null;
    return source;
  }

  /** @returns {Part} */
  partOf(row, n) {
    const [, base, duration] = row.t.find(([track]) => track === this.trackId) ?? row.t[0];
    const start = base - this.video.editOffset;
    return {
      n, seq: row.seq, start, end: start + duration,
      startS: start / this.video.timescale, endS: (start + duration) / this.video.timescale,
      here: row.here !== false, flags: row.f ?? 0, entry: row.entry ? fromBase64(row.entry) : null,
      pts: row.pts ?? null, problem: null,
    };
  }

  get startS() { return this.parts[0]?.startS ?? 0; }

  get endS() { return this.parts.at(-1)?.endS ?? 0; }

  /** The part that holds time `t` (seconds), or the nearest. @returns {Part} */
  partAt(t) {
    let low = 0;
    let high = this.parts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.parts[middle].startS <= t + 1e-6) low = middle;
      else high = middle - 1;
    }
    return this.parts[low];
  }

  /** Fetch a part, check it, remember its picture times. @param {Part} part @returns {Promise<ArrayBuffer>} */
  async load(part) {
    const bytes = await (await this.get(String(part.seq))).arrayBuffer();
    part.pts ??= presentationTimes(bytes, this.trackId, this.video);
    this.allowForReordering(part);
    part.problem = part.entry ? await this.check(part, bytes) : null;
    return bytes;
  }

  /**
   * The manifest signs decode times. Where pictures are reordered, each comes on a little after its part's decode time,
   * by the same delay throughout; without this a moment near a part's edge would be looked for in the wrong part.
   */
  allowForReordering(part) {
    if (this.delay !== undefined || !part.pts.length) return;
    this.delay = part.pts[0] - part.start;
    for (const each of this.parts) {
      each.start += this.delay;
      each.end += this.delay;
      each.startS = each.start / this.video.timescale;
      each.endS = each.end / this.video.timescale;
    }
  }

  /** @returns {Promise<string|null>} null when it cannot be checked here, empty when it holds, else what does not */
  async check(row, bytes) {
    if (!this.checker.able) return null;
    const entry = typeof row.entry === "string" ? fromBase64(row.entry) : row.entry;
    return this.checker.problem(entry, row.seq, bytes);
  }

  async get(name) {
    let answer;
    try {
      answer = await fetch(this.base + name, { credentials: "same-origin", cache: "no-store" });
    } catch {
      throw new MediaError(0);
    }
    if (answer.ok) {
      document.dispatchEvent(new Event("bwv:alive"));
      return answer;
    }
    const body = await answer.json().catch(() => ({}));
    throw new MediaError(answer.status, body.error);
  }
}
