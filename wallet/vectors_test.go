package wallet

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tyler-smith/go-bip39"

	"github.com/bitsage/bitsage/chain/felt"
)

// classOf maps the names of the vectors.
var classOf = map[string]Class{
	"oz_1_0_0":           ClassOpenZeppelin,
	"oz_starknetjs_0_17": ClassOpenZeppelin17,
	"argent_0_4_0":       ClassArgent,
	"argent_0_3_1":       ClassArgent031,
	"braavos_base_1_1_0": ClassBraavos,
}

var calldataOf = map[Class]string{
	ClassOpenZeppelin:   "openzeppelin",
	ClassOpenZeppelin17: "openzeppelin",
	ClassArgent:         "argent_0_4_0",
	ClassArgent031:      "argent_0_3_1",
	ClassBraavos:        "braavos",
}

func TestMnemonicVectors(t *testing.T) {
	for _, v := range loadVectors(t).Vectors {
		m, err := ParseMnemonic(v.Mnemonic)
		require.NoError(t, err)
		if m.Reveal() != v.Mnemonic {
			t.Errorf("%s became %s", v.Mnemonic, m.Reveal())
		}
		entropy := must(bip39.EntropyFromMnemonic(m.Reveal()))
		if !bytes.Equal(entropy, unhex(t, v.Entropy)) {
			t.Errorf("%s: entropy %x", v.Mnemonic, entropy)
		}
		if seed := must(m.seed(v.Passphrase)); !bytes.Equal(seed, unhex(t, v.Seed)) {
			t.Errorf("%s: seed %x", v.Mnemonic, seed)
		}
	}
}

// TestAccountVectors checks every step from the mnemonic to the addresses for all
// 25 accounts.
func TestAccountVectors(t *testing.T) {
	count := 0
	for _, v := range loadVectors(t).Vectors {
		m := must(ParseMnemonic(v.Mnemonic))
		seed := unhex(t, v.Seed)
		for _, a := range v.Accounts {
			count++
			t.Run(fmt.Sprintf("%s/%d", a.Scheme, count), func(t *testing.T) {
				checkDerivation(t, seed, a)
				scheme := must(ParseScheme(a.Scheme))
				key, err := m.Key(v.Passphrase, scheme, a.Index)
				require.NoError(t, err)
				checkKey(t, key, a)
				checkAddresses(t, key, a)
			})
		}
	}
	if count != 25 {
		t.Errorf("%d accounts, want 25", count)
	}
}

// checkDerivation checks the intermediate keys.
func checkDerivation(t *testing.T, seed []byte, a accountVector) {
	if a.Scheme == "argent" {
		eth := must(derivePath(seed, 44|hardened, 60|hardened, 0|hardened, 0, 0))
		if !bytes.Equal(eth, unhex(t, a.Eth)) {
			t.Errorf("Ethereum key %x", eth)
		}
		seed = eth
	}
	child := must(derivePath(seed, 44|hardened, 9004|hardened, 0|hardened, 0, a.Index))
	if !bytes.Equal(child, unhex(t, a.Child)) {
		t.Errorf("child key %x", child)
	}
	d, i := grindKey(child)
	if b := d.Bytes(); !bytes.Equal(b[:], unhex(t, a.Private)) || int(i) != a.Grind {
		t.Errorf("key %x after %d rounds, want %s after %d", b, i, a.Private, a.Grind)
	}
}

func checkKey(t *testing.T, key *Key, a accountVector) {
	if got := must(key.Reveal()); !bytes.Equal(got, unhex(t, a.Private)) {
		t.Errorf("private key %x", got)
	}
	if got := key.PublicKey().Padded(); got != a.Public {
		t.Errorf("public key %s", got)
	}
	p := key.Point()
	x, y := p.X.Bytes(), p.Y.Bytes()
	if got := "0x04" + hex.EncodeToString(x[:]) + hex.EncodeToString(y[:]); got != a.Point {
		t.Errorf("point %s", got)
	}
	imported := must(ParseKey(a.Private))
	if imported.PublicKey() != key.PublicKey() {
		t.Error("the imported private key has another public key")
	}
}

func checkAddresses(t *testing.T, key *Key, a accountVector) {
	calldata := a.Addresses["calldata"].(map[string]any)
	for name, class := range classOf {
		account, err := NewAccount(key, class)
		require.NoError(t, err)
		if got := account.Address().Padded(); got != a.Addresses[name] {
			t.Errorf("%s: address %s, want %v", class, got, a.Addresses[name])
		}
		var got []any
		for _, x := range class.Calldata(key.PublicKey()) {
			got = append(got, x.Padded())
		}
		if want := calldata[calldataOf[class]]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: calldata %v, want %v", class, got, want)
		}
	}
}

func TestClassVectors(t *testing.T) {
	v := loadVectors(t)
	if len(v.ClassHashes) != len(classOf) {
		t.Errorf("%d classes", len(v.ClassHashes))
	}
	for name, hash := range v.ClassHashes {
		if got := classOf[name].Hash().String(); got != hash {
			t.Errorf("%s: %s, want %s", name, got, hash)
		}
	}
}

func TestSignatureVectors(t *testing.T) {
	high := 0
	for _, v := range loadVectors(t).Signatures {
		key := must(ParseKey(v.Private))
		hash, public := felt.MustParse(v.Hash), felt.MustParse(v.Public)
		sig := sign(t, key, hash)
		if sig.R.Padded() != v.R || sig.S.Padded() != v.S {
			t.Errorf("hash %s: signature %x", v.Hash, sig.Bytes())
		}
		if key.PublicKey() != public {
			t.Errorf("public key %v", key)
		}
		want := Signature{felt.MustParse(v.R), felt.MustParse(v.S)}
		if err := Verify(public, hash, want); (err == nil) != v.Verify {
			t.Errorf("hash %s: %v", v.Hash, err)
		}
		if v.High {
			high++
		}
	}
	if high == 0 {
		t.Error("no signature with a high s")
	}
}

// TestAnchors checks the values of Argent X's own tests and of StarkWare's
// grindKey.
func TestAnchors(t *testing.T) {
	anchors := loadVectors(t).Anchors
	get := func(name string) string { return anchors[name].(string) }
	secret := unhex(t, get("argentx_secret")) // an Ethereum key: the seed of the second tree
	for index, name := range map[uint32]string{5: "expected5", 7: "expected7"} {
		key := must(DeriveKey(secret, SchemeBraavos, index))
		if got := key.PublicKey().Padded(); got != get(name) {
			t.Errorf("index %d: %s, want %s", index, got, get(name))
		}
	}
	d, _ := grindKey(unhex(t, get("grind_in")))
	if got := "0x" + d.Text(16); got != get("grind_expected") {
		t.Errorf("grindKey: %s", got)
	}
}

func TestCurveOrder(t *testing.T) {
	order := unhex(t, loadVectors(t).CurveOrder)
	if _, err := NewKey(order); err == nil {
		t.Error("the order is accepted as a key")
	}
	order[31]--
	if _, err := NewKey(order); err != nil {
		t.Errorf("the order less one: %v", err)
	}
}
