/**
 * Play a Footage in a <video>, exact to the frame.
 *
 * Every position is the presentation time of a picture, taken from the part itself. A seek goes to the middle of a
 * picture's time, so that rounding in the browser cannot show its neighbour.
 * Events (on the object): "frame" {time, frame}, "part" {part}, "trouble" {error}, "gap" {part}.
 */
const AHEAD_S = 20;
const BEHIND_S = 30;
const PUMP_EVERY_MS = 300;
const TOO_FAR_S = 1e-4;

export class FramePlayer extends EventTarget {
  /** @param {HTMLVideoElement} video @param {import("./source.js").Footage} source */
  constructor(video, source) {
    super();
    this.video = video;
    this.source = source;
    this.buffered = new Map(); // part number -> promise that it is appended
    this.queue = Promise.resolve();
    this.stopped = false;
    this.shownTime = null; // presentation time of the picture on screen, in the timescale
  }

  /** Attach to the <video> and show the first picture. */
  async open() {
    const Media = globalThis.ManagedMediaSource ?? globalThis.MediaSource;
    if (!Media?.isTypeSupported(this.source.mime)) throw new Error("This browser cannot play this kind of video.");
    this.media = new Media();
    this.video.disableRemotePlayback = true;
    this.video.src = URL.createObjectURL(this.media);
    await new Promise((done) => this.media.addEventListener("sourceopen", done, { once: true }));
    this.buffer = this.media.addSourceBuffer(this.source.mime);
    await this.append(this.source.init);
    this.media.duration = this.source.endS;
    this.watchFrames();
    this.video.addEventListener("seeking", () => this.pump());
    this.timer = setInterval(() => this.pump(), PUMP_EVERY_MS);
    await this.seekTo(this.source.startS);
  }

  /** Stop fetching; the picture stays. */
  stop() {
    this.stopped = true;
    clearInterval(this.timer);
    this.video.pause();
  }

  watchFrames() {
    const seen = (_now, facts) => {
      this.shownTime = Math.round(facts.mediaTime * this.source.video.timescale);
      this.dispatchEvent(new CustomEvent("frame", { detail: { time: facts.mediaTime } }));
      this.video.requestVideoFrameCallback(seen);
    };
    this.video.requestVideoFrameCallback(seen);
  }

  /** One SourceBuffer operation at a time. */
  append(bytes) {
    return this.exclusive(() => this.buffer.appendBuffer(bytes));
  }

  exclusive(operation) {
    const run = () =>
      new Promise((done, failed) => {
        this.buffer.addEventListener("updateend", done, { once: true });
        try {
          operation();
        } catch (error) {
          failed(error);
        }
      });
    this.queue = this.queue.then(run, run);
    return this.queue;
  }

  /** Make sure a part is fetched, checked and appended. @param {import("./source.js").Part} part */
  need(part) {
    if (!part || this.stopped) return Promise.resolve();
    if (!part.here) {
      this.dispatchEvent(new CustomEvent("gap", { detail: { part } }));
      return Promise.resolve();
    }
    if (!this.buffered.has(part.n)) {
      this.buffered.set(part.n, this.fetchAndAppend(part).catch((error) => this.fail(part, error)));
    }
    return this.buffered.get(part.n);
  }

  async fetchAndAppend(part) {
    const bytes = await this.source.load(part);
    await this.append(bytes);
    this.endWhenWhole();
    this.dispatchEvent(new CustomEvent("part", { detail: { part } }));
  }

  /** Say that nothing follows the last part; otherwise a seek to the last picture waits for more for ever. */
  endWhenWhole() {
    const last = this.source.parts.at(-1);
    this.queue = this.queue.then(() => {
      if (this.buffered.has(last.n) && last.pts && this.media.readyState === "open") this.media.endOfStream();
    });
  }

  fail(part, error) {
    this.buffered.delete(part.n);
    if (this.stopped) return;
    this.stop();
    this.dispatchEvent(new CustomEvent("trouble", { detail: { error } }));
  }

  /** Fetch what comes next and drop what lies far behind, so that memory stays flat. */
  async pump() {
    if (this.pumping || this.stopped) return;
    this.pumping = true;
    try {
      const here = this.source.partAt(this.video.currentTime);
      await this.need(here);
      for (let n = here.n + 1; n < this.source.parts.length; n += 1) {
        const part = this.source.parts[n];
        if (part.startS > this.video.currentTime + AHEAD_S) break;
        await this.need(part);
      }
      await this.evict();
    } finally {
      this.pumping = false;
    }
  }

  async evict() {
    const keepFrom = this.source.partAt(Math.max(0, this.video.currentTime - BEHIND_S));
    const keepTo = this.source.partAt(this.video.currentTime + 2 * AHEAD_S);
    for (const n of [...this.buffered.keys()]) {
      const part = this.source.parts[n];
      if (n >= keepFrom.n && n <= keepTo.n) continue;
      await this.buffered.get(n);
      this.buffered.delete(n);
      await this.exclusive(() => this.buffer.remove(part.startS, Math.max(part.endS, part.startS + TOO_FAR_S)));
      this.endWhenWhole();
    }
  }

  /** Show the picture that is on at `seconds`. */
  async seekTo(seconds) {
    const source = this.source;
    const t = Math.min(Math.max(seconds, source.startS), source.endS - TOO_FAR_S);
    const part = source.partAt(t);
    await this.need(part);
    if (!part.pts?.length) {
      this.video.currentTime = t;
      return;
    }
    const units = t * source.video.timescale + 0.5;
    let i = part.pts.length - 1;
    while (i > 0 && part.pts[i] > units) i -= 1;
    this.show(part, i);
  }

  /** Go `count` pictures on (or back, when negative), across the edges of parts. */
  async step(count) {
    this.video.pause();
    const units = this.shownTime ?? Math.round(this.video.currentTime * this.source.video.timescale);
    let part = this.source.partAt(units / this.source.video.timescale);
    await this.need(part);
    let i = nearest(part.pts ?? [], units) + count;
    while (part && (i < 0 || i >= (part.pts?.length ?? 0))) {
      const next = this.source.parts[part.n + Math.sign(count)];
      if (!next?.here) break;
      await this.need(next);
      i = count < 0 ? i + next.pts.length : i - part.pts.length;
      part = next;
    }
    if (part.pts?.length) this.show(part, Math.min(Math.max(i, 0), part.pts.length - 1));
  }

  show(part, i) {
    const from = part.pts[i];
    const to = part.pts[i + 1] ?? this.after(part);
    this.shownTime = from;
    this.video.currentTime = (from + to) / 2 / this.source.video.timescale;
  }

  /**
   * When the picture after a part's last one comes on. A part's signed length ends its decoding, which reordered
   * pictures outlast; so it is the next part's first picture, or, before that one was fetched, half a picture later.
   */
  after(part) {
    const next = this.source.parts[part.n + 1]?.pts?.[0];
    if (next !== undefined) return next;
    const last = part.pts.length - 1;
    return part.pts[last] + (last > 0 ? (part.pts[last] - part.pts[last - 1]) / 2 : 1);
  }

  /** Number of the picture at `seconds`, counted from 0. Parts not fetched yet count by the length of the first. */
  frameNumber(seconds) {
    const part = this.source.partAt(seconds);
    if (!part?.pts?.length) return null;
    const unit = part.pts.length / (part.end - part.start);
    let before = 0;
    for (const earlier of this.source.parts.slice(0, part.n)) {
      before += earlier.pts?.length ?? Math.round((earlier.end - earlier.start) * unit);
    }
    return before + nearest(part.pts, seconds * this.source.video.timescale);
  }
}

function nearest(times, units) {
  let best = 0;
  for (let i = 1; i < times.length; i += 1) {
    if (Math.abs(times[i] - units) < Math.abs(times[best] - units)) best = i;
  }
  return best;
}
