// Builds dist: the verifier, the loader that belongs to the Go toolchain that compiled it,
// and the schema. Needs Go; an argument names another folder than dist.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const dist = resolve(process.argv[2] ?? join(here, "dist"));
mkdirSync(dist, { recursive: true });

const go = (args, env = {}) =>
  execFileSync("go", args, { cwd: here, env: { ...process.env, ...env }, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });

go(["build", "-trimpath", "-ldflags=-s -w", "-o", join(dist, "receipt.wasm"), "../wasm"], { GOOS: "js", GOARCH: "wasm" });
copyFileSync(join(go(["env", "GOROOT"]).trim(), "lib", "wasm", "wasm_exec.js"), join(dist, "wasm_exec.js"));
copyFileSync(join(here, "..", "..", "docs", "schema", "receipt.schema.json"), join(dist, "receipt.schema.json"));
