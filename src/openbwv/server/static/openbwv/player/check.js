/**
 * Check one part against the camera's signature, in the browser.
 *
 * The camera signed, for each part, HMAC-SHA256(commitment key, bytes). So a part is right when its entry carries a
 * good ES256 signature, names this recording and this number, and the HMAC of the bytes received is the one signed.
 * Proves: no damage and no mix-up between the camera and this screen.
 * Does not prove: anything against a dishonest server, which also sends this code. The offline verifier does that.
 */
import { cborBytes, decodeCbor, fromBase64, join, toHex } from "./bytes.js";

// Keys of the entry's maps: docs/ref/recording-format.cddl. A test compares these with the Python side.
export const PAYLOAD = { type: 1, recId: 2, seq: 3, body: 6 };
export const FRAG_TYPE = 1;
export const FRAG_COMMITMENT = 3;

const SIGNATURE1 = Uint8Array.from([0x84, 0x6a, ...new TextEncoder().encode("Signature1")]);
const EMPTY = Uint8Array.from([0x40]);

export class PartChecker {
  /** @param {{camera_spki: string, commit_key: string|null, rec_id: string}} index */
  static async make(index) {
    const checker = new PartChecker();
    checker.recId = index.rec_id;
    checker.able = Boolean(globalThis.crypto?.subtle && index.commit_key && index.camera_spki);
    if (checker.able) {
      const usage = ["verify"];
      const curve = { name: "ECDSA", namedCurve: "P-256" };
      const hash = { name: "HMAC", hash: "SHA-256" };
      checker.cameraKey = await crypto.subtle.importKey("spki", fromBase64(index.camera_spki), curve, false, usage);
      checker.commitKey = await crypto.subtle.importKey("raw", fromBase64(index.commit_key), hash, false, usage);
    }
    return checker;
  }

  /**
   * @param {Uint8Array} entry the signed entry as the camera wrote it
   * @param {number} seq its number
   * @param {ArrayBuffer} plaintext the part as received
   * @returns {Promise<string>} empty when everything holds, otherwise what does not
   */
  async problem(entry, seq, plaintext) {
    let parts;
    try {
      parts = decodeCbor(entry);
    } catch (error) {
      return `its entry cannot be read (${error.message})`;
    }
    const [protectedHeader, , payload, signature] = parts;
    const signed = join([SIGNATURE1, cborBytes(protectedHeader), EMPTY, cborBytes(payload)]);
    const algorithm = { name: "ECDSA", hash: "SHA-256" };
    if (!(await crypto.subtle.verify(algorithm, this.cameraKey, signature, signed))) return "its signature is wrong";
    const facts = decodeCbor(payload);
    if (facts.get(PAYLOAD.type) !== FRAG_TYPE) return "its entry is not that of a part";
    if (toHex(facts.get(PAYLOAD.recId)) !== this.recId) return "its entry belongs to another recording";
    if (facts.get(PAYLOAD.seq) !== seq) return "its entry has another number";
    const commitment = facts.get(PAYLOAD.body).get(FRAG_COMMITMENT);
    const holds = await crypto.subtle.verify("HMAC", this.commitKey, commitment, plaintext);
    return holds ? "" : "its picture or sound is not what the camera signed";
  }
}

