package wallet

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"
	"github.com/stretchr/testify/require"
)

// holder is how a careless program holds secrets.
type holder struct {
	Key      Key
	Ptr      *Key
	Mnemonic Mnemonic
	Account  *Account
	hidden   Key
	phrase   *Mnemonic
	account  Account
}

// traces returns every form in which the secrets could show.
func traces(t *testing.T, k *Key, m *Mnemonic) []string {
	b := must(k.Reveal())
	var d fr.Element
	require.NoError(t, d.SetBytesCanonical(b))
	list := []string{
		hex.EncodeToString(b)[2:], // without the leading zeros
		new(big.Int).SetBytes(b).String(),
		base64.StdEncoding.EncodeToString(b),
		strings.Trim(fmt.Sprint(b), "[]"),
		strings.Trim(fmt.Sprint([]byte(m.Reveal())[:20]), "[]"),
		hex.EncodeToString([]byte(m.Reveal())[:20]),
	}
	for _, limb := range d { // as kept in memory
		list = append(list, fmt.Sprint(limb), fmt.Sprintf("%x", limb))
	}
	for _, limb := range d.Bits() {
		list = append(list, fmt.Sprint(limb), fmt.Sprintf("%x", limb))
	}
	return append(list, strings.Fields(m.Reveal())...)
}

// TestNoSecretShows prints, logs and marshals everything that holds a secret and
// looks for the secret in what comes out.
func TestNoSecretShows(t *testing.T) {
	// A mnemonic none of whose words is part of this package's messages.
	m := must(ParseMnemonic("zoo wave left wave question wise thank team visual panel round tide year ivory rack"))
	k := must(m.Key("", SchemeBraavos, 0))
	a := must(NewAccount(k, ClassOpenZeppelin))
	h := holder{*k, k, *m, a, *k, m, *a}
	var out bytes.Buffer
	verbs := strings.Fields("%v %+v %#v %s %q %x %X %d %o %b %c %U %e %t %p %T")
	logs := []*slog.Logger{slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))}
	for _, v := range []any{k, *k, m, *m, a, *a, h, &h, []any{k, *m}, map[string]any{"k": *k, "h": h}, fmt.Errorf("x: %v", h)} {
		for _, verb := range verbs {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		fmt.Fprintln(&out, v)
		for _, l := range logs {
			l.Info("message", "v", v)
			l.Info("message", slog.Group("g", slog.Any("v", v)))
		}
		out.Write(must(json.MarshalIndent(v, "", " ")))
	}
	fmt.Fprintln(&out, k.GoString(), m.GoString(), a.GoString())
	text := strings.ToLower(out.String())
	for _, trace := range traces(t, k, m) {
		if i := strings.Index(text, strings.ToLower(trace)); i >= 0 {
			t.Errorf("%q shows in …%s…", trace, text[max(0, i-60):min(len(text), i+60)])
		}
	}
	if n := strings.Count(text, strings.ToLower(k.String())); n < 50 {
		t.Errorf("the public key shows only %d times: the test looks at the wrong thing", n)
	}
}

// TestTracesAreFound wants the test above to find what it looks for.
func TestTracesAreFound(t *testing.T) {
	m := must(ParseMnemonic(abandon))
	k := testKey()
	leak := fmt.Sprint(k.secret().d, must(k.Reveal()), hex.EncodeToString(must(k.Reveal())), m.Reveal())
	found := 0
	for _, trace := range traces(t, k, m) {
		if strings.Contains(leak, trace) {
			found++
		}
	}
	if found < 4 {
		t.Errorf("%d traces found in a leak", found)
	}
}
