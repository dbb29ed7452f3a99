// Verifies receipts with the Go code of package receipt, compiled to WebAssembly: see
// README.md, and build.mjs for how dist is made.
import "./dist/wasm_exec.js";

export class ReceiptError extends Error {
  constructor(kind, message) {
    super(message);
    this.name = "ReceiptError";
    this.kind = kind;
  }
}

const wasmURL = new URL("./dist/receipt.wasm", import.meta.url);

// compile returns the module, from the file in node and by fetch elsewhere.
async function compile(url) {
  if (url.protocol === "file:") {
    const { readFile } = await import(/* webpackIgnore: true */ /* @vite-ignore */ "node:fs/promises");
    return WebAssembly.compile(await readFile(url));
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return WebAssembly.compile(await response.arrayBuffer());
}

// start runs the Go program, and returns the function that it hands over.
async function start(module) {
  const go = new globalThis.Go();
  const instance = await WebAssembly.instantiate(await module, go.importObject);
  let call;
  globalThis.bitsageReceipt = (f) => { call = f; };
  try {
    const begin = () => { verifier = undefined; }; // it ends only by a crash: the next call begins anew
    go.run(instance).then(begin, begin); // hands the function over before it returns
  } finally {
    delete globalThis.bitsageReceipt;
  }
  if (!call) throw new Error("receipt.wasm did not start");
  return call;
}

let verifier;

export function load(wasm) {
  verifier ??= start(wasm ?? compile(wasmURL)).catch((err) => {
    verifier = undefined; // so that it can be tried again
    throw err;
  });
  return verifier.then(() => undefined);
}

export async function verify(receipt, { job, input } = {}) {
  await load();
  const data = typeof receipt === "string" ? new TextEncoder().encode(receipt) : receipt;
  const call = await verifier;
  const report = JSON.parse(call(data, job, input));
  if (report.kind) throw new ReceiptError(report.kind, report.message);
  return report;
}
