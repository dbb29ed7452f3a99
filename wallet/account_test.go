package wallet

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/chain/felt"
)

var (
	_ Signer = (*Key)(nil)
	_ Signer = (*Account)(nil)
)

// TestCreateImport wants the mnemonic alone to restore an account of every class.
func TestCreateImport(t *testing.T) {
	for c := ClassOpenZeppelin; c <= ClassBraavos; c++ {
		a, m, err := CreateAccount(c)
		require.NoError(t, err)
		if m.Words() != DefaultWords || a.Class() != c {
			t.Errorf("%v: %d words, class %v", c, m.Words(), a.Class())
		}
		back, err := ImportAccount(must(ParseMnemonic(m.Reveal())), "", c, c.Scheme(), 0)
		if err != nil || back.Address() != a.Address() {
			t.Errorf("%v: restored as %v, %v", c, back, err)
		}
		other := must(ImportAccount(m, "", c, c.Scheme(), 1))
		if other.Address() == a.Address() {
			t.Errorf("%v: two accounts at one address", c)
		}
	}
}

func TestSaveLoadAccount(t *testing.T) {
	a := must(NewAccount(testKey(), ClassArgent))
	path := tempFile(t)
	require.NoError(t, a.Save(path, password, cheapSave))
	back, err := LoadAccount(path, password, ClassArgent)
	if err != nil || back.Address() != a.Address() || back.PublicKey() != a.PublicKey() {
		t.Errorf("%v, %v", back, err)
	}
	if _, err := LoadAccount(path, password, 0); !errors.Is(err, ErrClass) {
		t.Errorf("no class: got %v", err)
	}
	if _, err := LoadAccount(path, []byte("no"), ClassArgent); !errors.Is(err, ErrPassword) {
		t.Errorf("wrong password: got %v", err)
	}
}

func TestAccountRefuses(t *testing.T) {
	if _, err := NewAccount(testKey(), 0); !errors.Is(err, ErrClass) {
		t.Errorf("no class: got %v", err)
	}
	for _, k := range []*Key{nil, {}} {
		if _, err := NewAccount(k, ClassArgent); !errors.Is(err, ErrNoKey) {
			t.Errorf("no key: got %v", err)
		}
		if _, err := AccountAt(felt.Felt{}, k); !errors.Is(err, ErrNoKey) {
			t.Errorf("no key: got %v", err)
		}
	}
	if _, _, err := CreateAccount(0); !errors.Is(err, ErrClass) {
		t.Errorf("create without class: got %v", err)
	}
	m := must(ParseMnemonic(abandon))
	if _, err := ImportAccount(m, "", ClassArgent, 0, 0); !errors.Is(err, ErrScheme) {
		t.Errorf("no scheme: got %v", err)
	}
}

func TestAccountSigns(t *testing.T) {
	a, hash := must(AccountAt(felt.MustParse("0x77"), testKey())), felt.MustParse("0x5")
	sig, err := a.Sign(context.Background(), hash)
	require.NoError(t, err)
	assert.NoError(t, Verify(a.PublicKey(), hash, sig))
}

func TestAccountJSON(t *testing.T) {
	a := must(NewAccount(testKey(), ClassBraavos))
	const want = `{"address":"0x01d0c82685af7c5ab0d5083c4c8d32e1c93ca68ddf9d193fcdea05d77139a85d",` +
		`"class":"braavos","public_key":"0x05d97a4a9174d9158c3886717a70112c5e60b17318a1d3ae17f563f1cf8292f4"}`
	if got := must(json.Marshal(a)); string(got) != want {
		t.Errorf("%s", got)
	}
	at := must(AccountAt(felt.MustParse("0x77"), testKey()))
	var fields map[string]string
	if err := json.Unmarshal(must(json.Marshal(at)), &fields); err != nil || len(fields) != 2 {
		t.Errorf("%v, %v", fields, err)
	}
}
