package transport

import (
	"crypto/ed25519"
	"encoding/base32"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/mr-tron/base58"
)

// TestSpecifiedIdentities compares with libp2p's specification of peer identities: the
// pair of keys of its test vectors, and an identity that it writes as base58 and as a CID.
func TestSpecifiedIdentities(t *testing.T) {
	private, err := hex.DecodeString("7e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d")
	if err != nil {
		t.Fatal(err)
	}
	id := PeerOf(ed25519.NewKeyFromSeed(private).Public().(ed25519.PublicKey))
	multihash, err := base58.Decode(string(id))
	if got := hex.EncodeToString(multihash); err != nil || got != "0024"+"080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e" {
		t.Errorf("the identity is %s, of the bytes %s, %v", id, got, err)
	}
	if id != "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq" {
		t.Errorf("the identity is %s", id)
	}

	const text, cid = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA", "bafzaajaiaejcal72gwuz2or47oyxxn6b3rkwdmmkrxgkjxzy3rqt5kczyn7lcm3l"
	b, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(cid[1:]))
	if err != nil {
		t.Fatal(err)
	}
	key, err := PeerID(text).Key()
	if err != nil || string(b[:2]) != "\x01\x72" || string(b[2:]) != identity+string(key) {
		t.Errorf("%x, %v, want the end of %x", key, err, b)
	}
	if got := PeerOf(key); got != text {
		t.Errorf("%s, want %s", got, text)
	}
}

// TestIdentitiesAreStrict: every key has one identity.
func TestIdentitiesAreStrict(t *testing.T) {
	good := PeerOf(make([]byte, ed25519.PublicKeySize))
	if !good.Valid() {
		t.Fatalf("%s is not valid", good)
	}
	of := func(b string) PeerID { return PeerID(base58.Encode([]byte(b))) }
	zeros := strings.Repeat("\x00", ed25519.PublicKeySize)
	for name, p := range map[string]PeerID{
		"empty":                      "",
		"short":                      good[:len(good)-1],
		"long":                       good + "1",
		"a zero more":                "1" + good,
		"a zero less":                good[1:],
		"a space":                    good + " ",
		"another alphabet":           "0" + good[1:],
		"not ASCII":                  PeerID("ä") + good,
		"an RSA key":                 "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N",
		"a CID":                      "bafzaajaiaejcal72gwuz2or47oyxxn6b3rkwdmmkrxgkjxzy3rqt5kczyn7lcm3l",
		"a short key":                PeerOf(make([]byte, ed25519.PublicKeySize-1)),
		"a long key":                 PeerOf(make([]byte, ed25519.PublicKeySize+1)),
		"another type of key":        of("\x00\x24\x08\x02\x12\x20" + zeros),
		"another hash":               of("\x12\x24\x08\x01\x12\x20" + zeros),
		"fields in another order":    of("\x00\x24\x12\x20" + zeros + "\x08\x01"),
		"a length in two bytes":      of("\x00\x25\x08\x01\x12\xa0\x00" + zeros),
		"longer than a peer's bound": PeerID(strings.Repeat("z", MaxPeerID+1)),
		"much longer":                PeerID(strings.Repeat("z", 1<<20)),
	} {
		if key, err := p.Key(); err == nil || key != nil || p.Valid() {
			t.Errorf("%s: %x", name, key)
		} else if len(err.Error()) > 300 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
	}
}

// FuzzPeerID: what parses is the identity of its key, and every key has one.
func FuzzPeerID(f *testing.F) {
	f.Add("12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA", []byte("0123456789abcdef0123456789abcdef"))
	f.Add("QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N", make([]byte, ed25519.PublicKeySize))
	f.Fuzz(func(t *testing.T, text string, key []byte) {
		if got, err := PeerID(text).Key(); err == nil && (PeerOf(got) != PeerID(text) || len(got) != ed25519.PublicKeySize) {
			t.Errorf("%q parses as %x", text, got)
		}
		p := PeerOf(key)
		got, err := p.Key()
		if fits := len(key) == ed25519.PublicKeySize; (err == nil) != fits || fits && (string(got) != string(key) || len(p) > MaxPeerID) {
			t.Errorf("%x becomes %s, and that %x, %v", key, p, got, err)
		}
	})
}
