package wallet

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tyler-smith/go-bip39"
	"github.com/tyler-smith/go-bip39/wordlists"
)

const abandon = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"

func TestNewMnemonic(t *testing.T) {
	for _, words := range []int{12, 15, 18, 21, 24} {
		m := must(NewMnemonic(words))
		if m.Words() != words {
			t.Errorf("%d words, want %d", m.Words(), words)
		}
		if back := must(ParseMnemonic(m.Reveal())); back.Reveal() != m.Reveal() {
			t.Error("read back as another phrase")
		}
	}
	if m := must(NewMnemonic(0)); m.Words() != DefaultWords {
		t.Errorf("%d words by default", m.Words())
	}
	if a, b := must(NewMnemonic(12)), must(NewMnemonic(12)); a.Reveal() == b.Reveal() {
		t.Error("the same phrase twice")
	}
	for _, words := range []int{-12, 3, 11, 13, 27, 48} {
		var e *WordCountError
		if _, err := NewMnemonic(words); !errors.As(err, &e) || e.Words != words {
			t.Errorf("%d words: got %v", words, err)
		}
	}
}

// TestForeignWordList wants a global word list that someone replaced to be noticed.
func TestForeignWordList(t *testing.T) {
	bip39.SetWordList(wordlists.Spanish)
	defer bip39.SetWordList(wordlists.English)
	for name, use := range map[string]func() error{
		"NewMnemonic":   func() error { _, err := NewMnemonic(12); return err },
		"ParseMnemonic": func() error { _, err := ParseMnemonic(abandon); return err },
	} {
		assert.ErrorIs(t, use(), ErrWordList, "%s", name)
	}
}

// TestParseNormalises wants the same mnemonic for everything that looks the same.
func TestParseNormalises(t *testing.T) {
	for name, text := range map[string]string{
		"upper case":        strings.ToUpper(abandon),
		"spaces and lines":  "\n  " + strings.ReplaceAll(abandon, " ", " \t\r\n ") + "  ",
		"wide spaces":       strings.ReplaceAll(abandon, " ", "\u3000"),
		"no-break spaces":   strings.ReplaceAll(abandon, " ", "\u00a0"),
		"full-width letter": strings.Replace(abandon, "a", "\uff21", 1),
	} {
		m, err := ParseMnemonic(text)
		if err != nil || m.Reveal() != abandon {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseMnemonicRefuses(t *testing.T) {
	words := strings.Fields(abandon)
	with := func(i int, w string) string {
		changed := append([]string(nil), words...)
		changed[i] = w
		return strings.Join(changed, " ")
	}
	for _, n := range []int{0, 1, 11, 13, 25} {
		var e *WordCountError
		if _, err := ParseMnemonic(strings.Repeat("abandon ", n)); !errors.As(err, &e) || e.Words != n {
			t.Errorf("%d words: got %v", n, err)
		}
	}
	for i, word := range map[int]string{0: "abandn", 5: "señal", 11: "123"} {
		_, err := ParseMnemonic(with(i, word))
		var e *WordError
		if !errors.As(err, &e) || e.Position != i+1 {
			t.Errorf("%s at %d: got %v", word, i, err)
			continue
		}
		if i != 5 && (e.Word != word || !strings.Contains(err.Error(), word)) {
			t.Errorf("%s at %d: %v", word, i, err)
		}
	}
	for _, text := range []string{with(11, "abandon"), with(0, "about"), strings.Repeat("zoo ", 24)} {
		if _, err := ParseMnemonic(text); !errors.Is(err, ErrChecksum) {
			t.Errorf("%s: got %v", text, err)
		}
	}
	if _, err := ParseMnemonic(strings.Repeat("abandon ", 1000)); !errors.Is(err, ErrPhraseSize) {
		t.Errorf("1000 words: got %v", err)
	}
}

// TestWordErrorKeepsQuiet wants a phrase pasted as one word cut short, and no word
// in a log.
func TestWordErrorKeepsQuiet(t *testing.T) {
	long := strings.Repeat("secretword", 10)
	_, err := ParseMnemonic(strings.Repeat("abandon ", 11) + long)
	if err == nil || strings.Contains(err.Error(), long[:17]) {
		t.Errorf("%v", err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Error("import", "err", err)
	if s := log.String(); strings.Contains(s, "secret") || !strings.Contains(s, "word 12") {
		t.Error(s)
	}
}

// TestPassphrase wants composed and decomposed forms of a passphrase to mean the
// same key, and everything else about it to matter.
func TestPassphrase(t *testing.T) {
	m := must(ParseMnemonic(abandon))
	key := func(passphrase string) string {
		k, err := m.Key(passphrase, SchemeBraavos, 0)
		require.NoError(t, err, "%q", passphrase)
		return k.String()
	}
	if key("caf\u00e9") != key("cafe\u0301") {
		t.Error("composed and decomposed differ")
	}
	seen := make(map[string]string)
	for _, p := range []string{"", " ", "a", "A", "a "} {
		k := key(p)
		if q, ok := seen[k]; ok {
			t.Errorf("%q and %q give the same key", p, q)
		}
		seen[k] = p
	}
	if _, err := m.Key("\xff", SchemeBraavos, 0); !errors.Is(err, ErrPassphrase) {
		t.Errorf("not UTF-8: got %v", err)
	}
	if _, err := m.Key(strings.Repeat("a", maxPhrase+1), SchemeBraavos, 0); !errors.Is(err, ErrPhraseSize) {
		t.Errorf("too long: got %v", err)
	}
}

func TestMnemonicZero(t *testing.T) {
	m := must(ParseMnemonic(abandon))
	copied := *m
	text := m.phrase().text
	m.Zero()
	if copied.Reveal() != "" || copied.Words() != 0 || !bytes.Equal(text, make([]byte, len(text))) {
		t.Error("the phrase is still there")
	}
	for _, m := range []Mnemonic{copied, {}} {
		if _, err := m.Key("", SchemeBraavos, 0); !errors.Is(err, ErrNoKey) {
			t.Errorf("got %v", err)
		}
	}
	(Mnemonic{}).Zero()
}
