package wallet

import (
	"context"
	"encoding/hex"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/vectors"
)

// cheap is a cost for tests only.
var cheap = Scrypt{N: minScryptN, R: 1, P: 1}

// walletVectors is testdata/wallet.json.
type walletVectors struct {
	ClassHashes map[string]string `json:"class_hashes"`
	CurveOrder  string            `json:"curve_order"`
	Vectors     []struct {
		Mnemonic   string
		Entropy    string
		Passphrase string `json:"bip39_passphrase"`
		Seed       string
		Accounts   []accountVector
	}
	Anchors    map[string]any
	Signatures []struct {
		Private string `json:"private_key"`
		Hash    string `json:"msg_hash"`
		R, S    string
		High    bool   `json:"s_is_high"`
		Public  string `json:"public_key"`
		Verify  bool
	} `json:"rfc6979_signatures"`
	Hashes map[string]string
}

type accountVector struct {
	Scheme    string
	Index     uint32
	Eth       string         `json:"eth_private_key"`
	Child     string         `json:"bip32_child_private_key"`
	Grind     int            `json:"grind_iterations"`
	Private   string         `json:"stark_private_key"`
	Public    string         `json:"stark_public_key"`
	Point     string         `json:"public_point_uncompressed"`
	Addresses map[string]any // class to address, and calldata
}

func loadVectors(t testing.TB) *walletVectors {
	t.Helper()
	var v walletVectors
	vectors.Load(t, &v, "wallet.json")
	if len(v.Vectors) != 5 || len(v.Signatures) != 5 {
		t.Fatalf("%d mnemonics and %d signatures", len(v.Vectors), len(v.Signatures))
	}
	return &v
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	require.NoError(t, err)
	return b
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// testKey is a public test key, the first of wallet.json.
func testKey() *Key {
	return must(ParseKey("0x001b8e16cdf31892c56c0370f0e4ca0da096ef4e0c81007b3ba10b11452f8971"))
}

func sign(t testing.TB, k *Key, hash felt.Felt) Signature {
	t.Helper()
	sig, err := k.Sign(context.Background(), hash)
	require.NoError(t, err)
	return sig
}

func tempFile(t testing.TB) string { return filepath.Join(t.TempDir(), "key.json") }
