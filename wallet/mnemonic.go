package wallet

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tyler-smith/go-bip39"
	"github.com/tyler-smith/go-bip39/wordlists"
	"golang.org/x/text/unicode/norm"
)

// DefaultWords is the number of words of a new mnemonic: 256 bits of entropy.
const DefaultWords = 24

// maxPhrase bounds the bytes of a phrase or passphrase before any work on it. A
// phrase of 24 words has at most 215.
const maxPhrase = 4096

var (
	// ErrChecksum means that all words of a mnemonic are known but do not belong
	// together: a word was mistaken for another one, or two were swapped.
	ErrChecksum = errors.New("wallet: the mnemonic's checksum is wrong: a word is not the one written down, or the order is not")
	// ErrPhraseSize means that a phrase or passphrase is far longer than any can be.
	ErrPhraseSize = errors.New("wallet: more than 4096 bytes given as mnemonic or passphrase")
	// ErrPassphrase means that a passphrase is not UTF-8.
	ErrPassphrase = errors.New("wallet: the mnemonic's passphrase is not UTF-8")
	// ErrWordList means that another part of the program called SetWordList of
	// go-bip39, which is global, and so broke the English list.
	ErrWordList = errors.New("wallet: the word list of go-bip39 was replaced and is not the English one")
)

// WordCountError says that a mnemonic has, or was asked to have, a number of words
// other than 12, 15, 18, 21 or 24.
type WordCountError struct {
	Words int
}

// Error implements error.
func (e *WordCountError) Error() string {
	return fmt.Sprintf("wallet: a mnemonic has 12, 15, 18, 21 or 24 words, not %d", e.Words)
}

// WordError says that a word of a mnemonic is not in the English list of BIP-39.
// Its message repeats the word, for the person who typed it; with log/slog it
// shows the position only.
type WordError struct {
	Position int    // from 1
	Word     string // as normalised, cut after 16 characters
}

// Error implements error.
func (e *WordError) Error() string {
	return fmt.Sprintf("wallet: word %d of the mnemonic, %q, is not in the BIP-39 list", e.Position, e.Word)
}

// LogValue returns the position of the word.
func (e *WordError) LogValue() slog.Value {
	return slog.StringValue(fmt.Sprintf("wallet: word %d of the mnemonic is not in the BIP-39 list", e.Position))
}

// Mnemonic is a phrase of BIP-39 with a correct checksum. Make one with
// NewMnemonic or ParseMnemonic; the zero value holds no words. It prints as
// nothing but the number of words.
type Mnemonic struct {
	phrase func() *phrase // a function for the reason that Key has
}

type phrase struct {
	text []byte // words of the English list, one space between two
}

// NewMnemonic returns a random mnemonic of 12, 15, 18, 21 or 24 words, or of
// DefaultWords if words is 0. Other numbers are a *WordCountError.
func NewMnemonic(words int) (*Mnemonic, error) {
	if words == 0 {
		words = DefaultWords
	}
	if !validCount(words) {
		return nil, &WordCountError{words}
	}
	if !english() {
		return nil, ErrWordList
	}
	entropy := make([]byte, words/3*4)
	defer clear(entropy)
	rand.Read(entropy)
	text, err := bip39.NewMnemonic(entropy)
	if err != nil {
		return nil, fmt.Errorf("wallet: %w", err)
	}
	return ParseMnemonic(text)
}

// english reports whether go-bip39 has the list that it starts with.
func english() bool { return slices.Equal(bip39.GetWordList(), wordlists.English) }

func validCount(words int) bool { return words >= 12 && words <= 24 && words%3 == 0 }

// ParseMnemonic reads a phrase as a person types it: case and the kind and number
// of spaces do not matter, and the text is normalised to Unicode's NFKD. It fails
// with a *WordCountError, a *WordError, ErrChecksum, ErrPhraseSize or ErrWordList.
func ParseMnemonic(text string) (*Mnemonic, error) {
	if len(text) > maxPhrase {
		return nil, ErrPhraseSize
	}
	words := strings.Fields(strings.ToLower(norm.NFKD.String(text)))
	if !validCount(len(words)) {
		return nil, &WordCountError{len(words)}
	}
	if !english() {
		return nil, ErrWordList
	}
	for i, w := range words {
		if _, ok := bip39.GetWordIndex(w); !ok {
			return nil, &WordError{i + 1, cut(w, 16)}
		}
	}
	text = strings.Join(words, " ")
	if _, err := bip39.EntropyFromMnemonic(text); err != nil {
		return nil, ErrChecksum // the words and their number are right
	}
	p := &phrase{[]byte(text)}
	return &Mnemonic{func() *phrase { return p }}, nil
}

// cut returns at most n characters of s.
func cut(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i] + "…"
		}
	}
	return s
}

// Reveal returns the phrase, one space between two words. It is empty after Zero.
func (m Mnemonic) Reveal() string {
	if m.phrase == nil {
		return ""
	}
	return string(m.phrase().text)
}

// Words returns the number of words.
func (m Mnemonic) Words() int { return len(strings.Fields(m.Reveal())) }

// Zero erases the phrase from this Mnemonic and its copies, as far as Go allows.
// Nothing else may use the Mnemonic at the same time.
func (m Mnemonic) Zero() {
	if m.phrase != nil {
		p := m.phrase()
		clear(p.text)
		p.text = nil
	}
}

// Key derives the key of an account. Most wallets leave the passphrase empty; it
// is not the password of a keystore file. The index counts the accounts of the
// mnemonic from 0.
func (m Mnemonic) Key(passphrase string, scheme Scheme, index uint32) (*Key, error) {
	seed, err := m.seed(passphrase)
	if err != nil {
		return nil, err
	}
	defer clear(seed)
	return DeriveKey(seed, scheme, index)
}

// seed returns the 64 bytes that BIP-39 derives from phrase and passphrase.
func (m Mnemonic) seed(passphrase string) ([]byte, error) {
	switch {
	case m.Words() == 0:
		return nil, ErrNoKey
	case len(passphrase) > maxPhrase:
		return nil, ErrPhraseSize
	case !utf8.ValidString(passphrase):
		return nil, ErrPassphrase
	}
	return bip39.NewSeed(m.Reveal(), norm.NFKD.String(passphrase)), nil
}

// String returns the number of words.
func (m Mnemonic) String() string { return fmt.Sprintf("Mnemonic(%d words)", m.Words()) }

// GoString returns the number of words.
func (m Mnemonic) GoString() string { return "wallet." + m.String() }

// Format writes the number of words, whatever the verb.
func (m Mnemonic) Format(f fmt.State, _ rune) { io.WriteString(f, m.String()) }

// LogValue returns the number of words.
func (m Mnemonic) LogValue() slog.Value { return slog.StringValue(m.String()) }

// MarshalText returns the number of words. There is no inverse.
func (m Mnemonic) MarshalText() ([]byte, error) { return []byte(m.String()), nil }
