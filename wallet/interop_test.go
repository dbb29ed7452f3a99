//go:build walletinterop

package wallet

// Interoperation with other programs, which this test installs with npm and pip
// into temporary folders: Node and Python 3 must be there, and reach their
// registries. A missing tool is a failure.
//
//	go test -tags walletinterop -run Interop ./wallet

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/chain/felt"
)

// interopPassword has a character that composes and one that NFKC replaces.
const interopPassword = "p\u00e4ss \ufb01 \u20ac"

// tool runs a program in a folder with input on its standard input.
func tool(t *testing.T, dir string, input any, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Stdin = bytes.NewReader(must(json.Marshal(input)))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s%s", name, args, err, out, stderr.Bytes())
	}
	return out
}

// npm returns a folder with the given packages.
func npm(t *testing.T, packages ...string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "package.json", `{"private":true,"type":"module"}`)
	tool(t, dir, nil, "npm", append([]string{"install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"}, packages...)...)
	return dir
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
}

// exchange is what the scripts get and what they answer with.
type exchange struct {
	File     string `json:"file"` // a keystore
	Password string `json:"password"`
	Private  string `json:"private"` // 0x and 64 digits
}

// checkExchange gives another program a keystore of ours, and opens the one that
// it makes of the same key.
func checkExchange(t *testing.T, run func(in exchange) []byte) {
	t.Helper()
	for _, key := range []*Key{testKey(), must(NewKey(append(make([]byte, 31), 9)))} {
		private := fmt.Sprintf("0x%x", must(key.Reveal()))
		ours := must(SealKey(key, []byte(interopPassword), Scrypt{N: 1 << 12, R: 8, P: 1}))
		var got exchange
		require.NoError(t, json.Unmarshal(run(exchange{string(ours), interopPassword, private}), &got))
		if got.Private != private {
			t.Errorf("our file opened there as %s, want %s", got.Private, private)
		}
		theirs, err := OpenKey([]byte(got.File), []byte(interopPassword))
		if err != nil || theirs.PublicKey() != key.PublicKey() {
			t.Errorf("their file opened here as %v, %v:\n%s", theirs, err, got.File)
		}
	}
}

const ethersScript = `
import { Wallet, decryptKeystoreJson, encryptKeystoreJson } from "ethers";
import { readFileSync } from "node:fs";
const { file, password, private: key } = JSON.parse(readFileSync(0, "utf8"));
const opened = await decryptKeystoreJson(file, password);
const account = { address: new Wallet(key).address, privateKey: key };
const made = await encryptKeystoreJson(account, password, { scrypt: { N: 4096, r: 8, p: 1 } });
console.log(JSON.stringify({ private: opened.privateKey, file: made }));
`

func TestInteropEthers(t *testing.T) {
	dir := npm(t, "ethers@6.17.0")
	write(t, dir, "run.js", ethersScript)
	checkExchange(t, func(in exchange) []byte { return tool(t, dir, in, "node", "run.js") })
}

const ethKeyfileScript = `
import json, sys, unicodedata
from eth_keyfile import create_keyfile_json, decode_keyfile_json
x = json.load(sys.stdin)
password = x["password"].encode()
normal = unicodedata.normalize("NFKC", x["password"]).encode() # which eth-keyfile leaves to its callers
opened = decode_keyfile_json(json.loads(x["file"]), normal)
made = create_keyfile_json(bytes.fromhex(x["private"][2:]), password, kdf="scrypt", iterations=4096)
print(json.dumps({"private": "0x" + opened.hex(), "file": json.dumps(made)}))
`

func TestInteropEthKeyfile(t *testing.T) {
	dir := t.TempDir()
	tool(t, dir, nil, "python3", "-m", "venv", "venv")
	python := filepath.Join(dir, "venv", "bin", "python")
	tool(t, dir, nil, python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "eth-keyfile==0.10.0")
	checkExchange(t, func(in exchange) []byte { return tool(t, dir, in, python, "-c", ethKeyfileScript) })
}

const scureScript = `
import { sign, verify, getStarkKey } from "@scure/starknet";
import { readFileSync } from "node:fs";
const hex = (x) => "0x" + x.toString(16).padStart(64, "0");
console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(({ private: key, hash, signature }) => {
  const s = sign(hash, key);
  const compressed = (tag) => tag + hex(BigInt(getStarkKey(key))).slice(2);
  return { public: hex(BigInt(getStarkKey(key))), r: hex(s.r), s: hex(s.s),
    verified: verify(signature, hash, compressed("02")) || verify(signature, hash, compressed("03")) };
})));
`

// TestInteropScure compares 1000 signatures with @scure/starknet. About four of
// them take the path on which it departs from RFC 6979.
func TestInteropScure(t *testing.T) {
	dir := npm(t, "@scure/starknet@2.4.0")
	write(t, dir, "run.js", scureScript)
	type question struct {
		Private   string `json:"private"`
		Hash      string `json:"hash"`
		Signature string `json:"signature"`
	}
	type answer struct {
		Public, R, S string
		Verified     bool
	}
	var asked []question
	var ours []answer
	for i := range 1000 {
		seed := sha256.Sum256([]byte(fmt.Sprint("interop ", i)))
		d, _ := grindKey(seed[:])
		key := newKey(&d)
		var hash felt.Felt
		hash.SetBytes(seed[i%20 : 31]) // of every length
		sig := sign(t, key, hash)
		asked = append(asked, question{fmt.Sprintf("%x", must(key.Reveal())), hash.Padded(), fmt.Sprintf("%x", sig.Bytes())})
		ours = append(ours, answer{key.PublicKey().Padded(), sig.R.Padded(), sig.S.Padded(), true})
	}
	var theirs []answer
	require.NoError(t, json.Unmarshal(tool(t, dir, asked, "node", "run.js"), &theirs))
	if len(theirs) != len(ours) {
		t.Fatalf("%d answers", len(theirs))
	}
	for i := range ours {
		if ours[i] != theirs[i] {
			t.Errorf("%+v:\nours   %+v\ntheirs %+v", asked[i], ours[i], theirs[i])
		}
	}
}
