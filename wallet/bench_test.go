package wallet

import (
	"context"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
)

var benchHash = felt.MustParse("0x5db41db44b7f819403c01b09ea527482dcd1b0a2e280562c36f02ad33547c9")

func BenchmarkSign(b *testing.B) {
	key := testKey()
	want := sign(b, key, benchHash)
	for b.Loop() {
		sig, err := key.Sign(context.Background(), benchHash)
		if err != nil || sig != want {
			b.Fatalf("%x, %v", sig.Bytes(), err)
		}
	}
	if err := Verify(key.PublicKey(), benchHash, want); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkVerify(b *testing.B) {
	key := testKey()
	sig := sign(b, key, benchHash)
	for b.Loop() {
		if err := Verify(key.PublicKey(), benchHash, sig); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyPoint(b *testing.B) {
	key := testKey()
	sig := sign(b, key, benchHash)
	for b.Loop() {
		if err := VerifyPoint(key.Point(), benchHash, sig); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGrindKey(b *testing.B) {
	in := unhex(b, "86F3E7293141F20A8BAFF320E8EE4ACCB9D4A4BF2B4D295E8CEE784DB46E0519")
	for b.Loop() {
		if d, _ := grindKey(in); d.Text(16) != "5c8c8683596c732541a59e03007b2d30dbbbb873556fe65b5fb63c16688f941" {
			b.Fatal("wrong key")
		}
	}
}

// BenchmarkDeriveKey is the whole way from a phrase to a key.
func BenchmarkDeriveKey(b *testing.B) {
	m := must(ParseMnemonic(abandon))
	want := testKey().PublicKey()
	for b.Loop() {
		key, err := m.Key("", SchemeBraavos, 0)
		if err != nil || key.PublicKey() != want {
			b.Fatalf("%v, %v", key, err)
		}
	}
}

func BenchmarkAddress(b *testing.B) {
	public := testKey().PublicKey()
	for b.Loop() {
		a, err := ClassBraavos.Address(public)
		if err != nil || a.String() != "0x1d0c82685af7c5ab0d5083c4c8d32e1c93ca68ddf9d193fcdea05d77139a85d" {
			b.Fatalf("%s, %v", a, err)
		}
	}
}
