package elgamal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestScalarSampling wants numbers in [1, n) by rejection: neither 0, nor n or
// above, nor reduced.
func TestScalarSampling(t *testing.T) {
	n := fr.Modulus()
	word := func(v *big.Int) []byte { return v.FillBytes(make([]byte, 32)) }
	one, last := big.NewInt(1), new(big.Int).Sub(n, big.NewInt(1))
	highBits := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(15), 252), one)
	stream := bytes.Join([][]byte{
		word(new(big.Int)), word(n), word(new(big.Int).Add(n, one)),
		bytes.Repeat([]byte{0xff}, 32), word(last), word(highBits),
	}, nil)
	p := prover{standard(), bytes.NewReader(stream)}
	if s := must(p.scalar())(t); bigOf(&s).Cmp(last) != 0 {
		t.Errorf("first scalar is %v, want n - 1", bigOf(&s))
	}
	if s := must(p.scalar())(t); bigOf(&s).Cmp(one) != 0 {
		t.Errorf("second scalar is %v, want 1: only 252 bits count", bigOf(&s))
	}
	if _, err := p.scalar(); err == nil {
		t.Error("no error at the end of the randomness")
	}
}

func TestKeyRoundTrip(t *testing.T) {
	k := must(GenerateKey())(t)
	again := must(DecodeSecretKey(k.Bytes()))(t)
	if !again.Public().Equal(k.Public()) || !bytes.Equal(again.Bytes(), k.Bytes()) {
		t.Error("another key after decoding")
	}
	y := must(DecodePublicKey(k.Public().Bytes()))(t)
	f := y.Felts()
	if z := must(NewPublicKey(f[0], f[1]))(t); !z.Equal(k.Public()) {
		t.Error("another public key after decoding")
	}
	if want := mulPoint(Generator(), &k.s().x); !want.Equal(k.Public().Point) {
		t.Error("the public key is not g^x")
	}
}

func TestSecretKeyEncodings(t *testing.T) {
	n := fr.Modulus()
	for name, test := range map[string]struct {
		data  []byte
		check Check
	}{
		"empty": {nil, CheckLength},
		"short": {make([]byte, 31), CheckLength},
		"long":  {make([]byte, 33), CheckLength},
		"zero":  {make([]byte, 32), CheckZero},
		"n":     {n.FillBytes(make([]byte, 32)), CheckScalar},
		"all":   {bytes.Repeat([]byte{0xff}, 32), CheckFelt},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := DecodeSecretKey(test.data)
			wantCheck(t, err, test.check)
		})
	}
}

// TestZeroSecrets wants an error, not a panic, where there is no secret.
func TestZeroSecrets(t *testing.T) {
	w := newWorld(t, 1)
	var k SecretKey
	var o Opening
	_, err1 := k.ProveOwnership(w.ctx)
	_, err2 := k.Decrypt(t.Context(), w.ctx.Balance)
	_, err3 := o.ProveEncryption(w.ctx)
	_, err4 := o.ProveRange(w.ctx, Bits)
	_, err5 := o.ProveSame(w.ctx, w.payee.Public())
	_, err6 := w.payer.ProveReencryption(w.ctx, w.ctx.Balance, o)
	_, err7 := o.Under(w.payee.Public())
	_, err8 := ProveTransfer(k, w.transferStatement(false), 1, 1)
	for i, err := range []error{err1, err2, err3, err4, err5, err6, err7, err8} {
		if !errors.Is(err, ErrKey) {
			t.Errorf("error %d is %v", i+1, err)
		}
	}
	if k.Bytes() != nil || k.Public().Valid() || k.Holds(w.ctx.Balance, w.balance) {
		t.Error("the zero key has a secret")
	}
}

// TestSecretsNeverPrinted prints secrets in every way and looks for their digits.
func TestSecretsNeverPrinted(t *testing.T) {
	p := seeded(2)
	k := must(p.key())(t)
	_, o, err := p.encrypt(k.Public(), 987654321)
	require.NoError(t, err)
	nested := struct {
		Key     SecretKey
		key     SecretKey
		pointer *SecretKey
		Opening Opening
		opening Opening
	}{k, k, &k, o, o}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		for _, v := range []any{k, &k, o, &o, nested, []SecretKey{k}, map[string]any{"k": k, "o": o}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("secrets", "key", k, "pointer", &k, "opening", o, "nested", nested)
	}
	data, err := json.Marshal(nested)
	out.Write(data)
	assert.NoError(t, err)
	noSecrets(t, out.String(), &k.s().x, &o.o().r, &o.o().b)
}

func noSecrets(t *testing.T, out string, secrets ...*fr.Element) {
	t.Helper()
	for _, s := range secrets {
		v := bigOf(s)
		leaks := []string{v.String(), v.Text(16), strings.ToUpper(v.Text(16)), fmt.Sprint(s[0]), fmt.Sprintf("%x", s[0])}
		for _, leak := range leaks {
			if strings.Contains(out, leak) {
				t.Errorf("the output has %s:\n%s", leak, out)
			}
		}
	}
	if !strings.Contains(out, "redacted") {
		t.Error("no placeholder in the output")
	}
}
