/** Small helpers for bytes: base64, hex, joining, comparing, and a reader of the CBOR our entries are made of. */

/** @param {string} text base64 @returns {Uint8Array} */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** @param {Uint8Array} bytes @returns {string} */
export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {Uint8Array[]} pieces @returns {Uint8Array} */
export function join(pieces) {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** @param {Uint8Array} a @param {Uint8Array} b @returns {boolean} */
export function equal(a, b) {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

const UINT = 0, NEGATIVE = 1, BYTES = 2, TEXT = 3, ARRAY = 4, MAP = 5, TAG = 6, SIMPLE = 7;
const SIMPLE_VALUES = new Map([[20, false], [21, true], [22, null]]);

/**
 * Decode one CBOR value (RFC 8949; definite lengths only, no floats: docs/ref/recording-format.md).
 * Maps become Map, tags are dropped.
 * @param {Uint8Array} data
 * @returns {any}
 */
export function decodeCbor(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let at = 0;

  function take(count) {
    if (at + count > data.length) throw new Error("CBOR ends too early");
    at += count;
    return at - count;
  }

  function head() {
    const first = data[take(1)];
    const small = first & 31;
    const sizes = { 24: 1, 25: 2, 26: 4, 27: 8 };
    if (small < 24) return [first >> 5, small];
    const size = sizes[small];
    if (!size) throw new Error("CBOR length is not definite");
    const from = take(size);
    if (size === 1) return [first >> 5, data[from]];
    if (size === 2) return [first >> 5, view.getUint16(from)];
    if (size === 4) return [first >> 5, view.getUint32(from)];
    return [first >> 5, Number(view.getBigUint64(from))];
  }

  function value() {
    const [major, number] = head();
    switch (major) {
      case UINT: return number;
      case NEGATIVE: return -1 - number;
      case BYTES: return data.subarray(take(number), at);
      case TEXT: return new TextDecoder("utf-8", { fatal: true }).decode(data.subarray(take(number), at));
      case ARRAY: return Array.from({ length: number }, value);
      case MAP: return new Map(Array.from({ length: number }, () => [value(), value()]));
      case TAG: return value();
      case SIMPLE:
        if (SIMPLE_VALUES.has(number)) return SIMPLE_VALUES.get(number);
    }
    throw new Error("CBOR value of an unknown kind");
  }

  const decoded = value();
  if (at !== data.length) throw new Error("bytes after the CBOR value");
  return decoded;
}

/** Encode a byte string with its CBOR head. @param {Uint8Array} bytes @returns {Uint8Array} */
export function cborBytes(bytes) {
  const n = bytes.length;
  let head;
  if (n < 24) head = [0x40 | n];
  else if (n < 0x100) head = [0x58, n];
  else if (n < 0x10000) head = [0x59, n >> 8, n & 255];
  else head = [0x5a, (n >>> 24) & 255, (n >> 16) & 255, (n >> 8) & 255, n & 255];
  return join([Uint8Array.from(head), bytes]);
}
