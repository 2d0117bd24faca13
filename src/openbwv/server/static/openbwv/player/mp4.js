/**
 * Read what the player needs out of MP4 boxes (ISO/IEC 14496-12): codec string, edit offset, times of pictures.
 * Frames are addressed by presentation time, never by n/fps: phone video has a variable rate, and an encoder's
 * priming may shift the first picture.
 */

/** @param {ArrayBuffer} buffer @returns {DataView} */
export const viewOf = (buffer) => new DataView(buffer);

/** Iterate over the boxes between two offsets. @param {DataView} view */
function* boxes(view, from, to) {
  let at = from;
  while (at + 8 <= to) {
    let size = view.getUint32(at);
    const name = String.fromCharCode(...[4, 5, 6, 7].map((i) => view.getUint8(at + i)));
    let head = 8;
    if (size === 1) {
      size = Number(view.getBigUint64(at + 8));
      head = 16;
    }
    if (size < head || at + size > to) throw new Error(`MP4 box ${name} is cut off`);
    yield { name, from: at + head, to: at + size };
    at += size;
  }
}

function* find(view, from, to, path) {
  const [name, ...rest] = path;
  for (const box of boxes(view, from, to)) {
    if (box.name !== name) continue;
    if (rest.length) yield* find(view, box.from, box.to, rest);
    else yield box;
  }
}

const first = (iterator) => iterator.next().value ?? null;
const hex2 = (byte) => byte.toString(16).padStart(2, "0");

/**
 * @param {ArrayBuffer} init ftyp and moov
 * @returns {{mime: string, tracks: Map<number, {kind: string, timescale: number, editOffset: number, defaultDuration: number}>}}
 */
export function readInit(init) {
  const view = viewOf(init);
  const moov = first(find(view, 0, view.byteLength, ["moov"]));
  if (!moov) throw new Error("the first part has no moov box");
  const tracks = new Map();
  const codecs = [];
  for (const trak of find(view, moov.from, moov.to, ["trak"])) {
    const { id, facts, codec } = readTrack(view, trak);
    tracks.set(id, facts);
    if (codec) codecs.push(codec);
  }
  for (const trex of find(view, moov.from, moov.to, ["mvex", "trex"])) {
    const track = tracks.get(view.getUint32(trex.from + 4));
    if (track) track.defaultDuration = view.getUint32(trex.from + 12);
  }
  return { mime: `video/mp4; codecs="${codecs.join(", ")}"`, tracks };
}

function readTrack(view, trak) {
  const tkhd = first(find(view, trak.from, trak.to, ["tkhd"]));
  const id = view.getUint32(tkhd.from + (view.getUint8(tkhd.from) === 1 ? 20 : 12));
  const mdhd = first(find(view, trak.from, trak.to, ["mdia", "mdhd"]));
  const timescale = view.getUint32(mdhd.from + (view.getUint8(mdhd.from) === 1 ? 20 : 12));
  const hdlr = first(find(view, trak.from, trak.to, ["mdia", "hdlr"]));
  const handler = String.fromCharCode(...[8, 9, 10, 11].map((i) => view.getUint8(hdlr.from + i)));
  const kind = { vide: "video", soun: "audio" }[handler] ?? handler;
  const facts = { kind, timescale, editOffset: editOffset(view, trak), defaultDuration: 0 };
  return { id, facts, codec: codecOf(view, trak, kind) };
}

/** A single edit with a media time moves every picture earlier by that much; browsers apply it. */
function editOffset(view, trak) {
  const elst = first(find(view, trak.from, trak.to, ["edts", "elst"]));
  if (!elst || view.getUint32(elst.from + 4) !== 1) return 0;
  const wide = view.getUint8(elst.from) === 1;
  const mediaTime = wide ? Number(view.getBigInt64(elst.from + 16)) : view.getInt32(elst.from + 12);
  return Math.max(0, mediaTime);
}

const VISUAL_ENTRY = 78; // bytes of a visual sample entry before its own boxes

function codecOf(view, trak, kind) {
  const stsd = first(find(view, trak.from, trak.to, ["mdia", "minf", "stbl", "stsd"]));
  const entry = first(boxes(view, stsd.from + 8, stsd.to));
  if (!entry) return "";
  if (kind === "audio") {
    if (entry.name === "Opus") return "opus";
    return entry.name === "mp4a" ? "mp4a.40.2" : entry.name;
  }
  const avcC = first(find(view, entry.from + VISUAL_ENTRY, entry.to, ["avcC"]));
  if (!avcC) return entry.name;
  return `${entry.name}.${[1, 2, 3].map((i) => hex2(view.getUint8(avcC.from + i))).join("")}`;
}

/**
 * Presentation times of one track's pictures in a part, in order, in the track's timescale.
 * @param {ArrayBuffer} part moof and mdat
 * @param {number} trackId
 * @param {{editOffset: number, defaultDuration: number}} track
 * @returns {number[]}
 */
export function presentationTimes(part, trackId, track) {
  const view = viewOf(part);
  const times = [];
  for (const traf of find(view, 0, view.byteLength, ["moof", "traf"])) {
    const tfhd = first(find(view, traf.from, traf.to, ["tfhd"]));
    if (view.getUint32(tfhd.from + 4) !== trackId) continue;
    const duration = defaultDuration(view, tfhd) ?? track.defaultDuration;
    const tfdt = first(find(view, traf.from, traf.to, ["tfdt"]));
    let time = view.getUint8(tfdt.from) === 1 ? Number(view.getBigUint64(tfdt.from + 4)) : view.getUint32(tfdt.from + 4);
    for (const trun of find(view, traf.from, traf.to, ["trun"])) time = readRun(view, trun, time, duration, times);
  }
  return times.map((time) => time - track.editOffset).sort((a, b) => a - b);
}

function defaultDuration(view, tfhd) {
  const flags = view.getUint32(tfhd.from) & 0xffffff;
  if (!(flags & 0x8)) return null;
  const before = (flags & 0x1 ? 8 : 0) + (flags & 0x2 ? 4 : 0);
  return view.getUint32(tfhd.from + 8 + before);
}

/** Add the times of one trun box to `times`; return the decode time after it. */
function readRun(view, trun, startTime, duration, times) {
  const flags = view.getUint32(trun.from) & 0xffffff;
  const signed = view.getUint8(trun.from) === 1;
  const count = view.getUint32(trun.from + 4);
  let at = trun.from + 8 + (flags & 0x1 ? 4 : 0) + (flags & 0x4 ? 4 : 0);
  let time = startTime;
  for (let i = 0; i < count; i += 1) {
    let own = duration;
    let offset = 0;
    if (flags & 0x100) { own = view.getUint32(at); at += 4; }
    if (flags & 0x200) at += 4;
    if (flags & 0x400) at += 4;
    if (flags & 0x800) { offset = signed ? view.getInt32(at) : view.getUint32(at); at += 4; }
    times.push(time + offset);
    time += own;
  }
  return time;
}
