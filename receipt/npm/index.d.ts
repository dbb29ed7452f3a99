/**
 * What is wrong.
 *
 * - `damaged`: the parts of the receipt do not belong together, or are malformed. Whoever
 *   has had it may have changed it.
 * - `other`: it is about something else than it says or than was asked for: another job
 *   (as after a change of its label) or another input.
 * - `false`: the parts belong together and the proof is false, which it was from the
 *   beginning.
 * - `unchecked`: the arguments were wrong, and nothing is known of the receipt.
 */
export type ErrorKind = "damaged" | "other" | "false" | "unchecked";

export class ReceiptError extends Error {
  readonly kind: ErrorKind;
  constructor(kind: ErrorKind, message: string);
}

/** Bits of security of the proof: what it would cost to make a false one. */
export interface Security {
  /** proven, in the unique-decoding regime */
  unique: number;
  /** proven, up to the Johnson bound */
  johnson: number;
  conjectured: number;
  /** conjectured, below list-decoding capacity */
  listDecoding: number;
}

/** What a verified receipt says. Hashes are 64 hexadecimal digits. */
export interface Report {
  job: string;
  program: string;
  profile: string;
  label: string;
  /** The address of the account that claims the result; certain only if attested. */
  worker: string;
  jobRoot: string;
  resultRoot: string;
  proofHash: string;
  /**
   * Whether there is a certificate: votes of more than two thirds of the stake of the set
   * that it names. Whether that set was the chain's cannot be told offline.
   */
  attested: boolean;
  security: Security;
}

export interface Options {
  /** The job that was asked for; without it, compare the report's. */
  job?: string;
  /** The job's input. Only with it is it known what the proof is about. */
  input?: Uint8Array;
}

/**
 * Verifies a receipt, given as its JSON. The promise is rejected with a ReceiptError.
 * The computation does not yield: in a page, call it in a worker.
 */
export function verify(receipt: string | Uint8Array, options?: Options): Promise<Report>;

/**
 * Loads the WebAssembly module before the first call of verify, which otherwise does it;
 * a module can be given if dist/receipt.wasm is not beside index.js.
 */
export function load(wasm?: WebAssembly.Module | Promise<WebAssembly.Module>): Promise<void>;
