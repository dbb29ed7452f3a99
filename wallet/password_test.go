package wallet

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func TestReadPassword(t *testing.T) {
	long := strings.Repeat("x", maxSecret)
	for in, want := range map[string]string{
		"secret":        "secret",
		"secret\n":      "secret",
		"secret\r\n":    "secret",
		" spaces \n":    " spaces ",
		"pässwörd":      "pässwörd",
		long + "\r\n":   long,
		"tab\tinside\n": "tab\tinside",
	} {
		got, err := ReadPassword(iotest.OneByteReader(strings.NewReader(in)))
		if err != nil || string(got) != want {
			t.Errorf("%.20q: got %.20q, %v", in, got, err)
		}
	}
	for in, want := range map[string]error{
		"":                      ErrEmptyPassword,
		"\n":                    ErrEmptyPassword,
		"\r\n":                  ErrEmptyPassword,
		"two\nlines":            ErrPasswordLines,
		"two\nlines\n":          ErrPasswordLines,
		"end\n\n":               ErrPasswordLines,
		"a\rb":                  ErrPasswordLines,
		long + "x":              ErrPasswordSize,
		strings.Repeat(long, 9): ErrPasswordSize,
	} {
		if _, err := ReadPassword(strings.NewReader(in)); !errors.Is(err, want) {
			t.Errorf("%.20q: got %v, want %v", in, err, want)
		}
	}
	if _, err := ReadPassword(iotest.ErrReader(io.ErrUnexpectedEOF)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("broken reader: got %v", err)
	}
}

func TestReadPasswordFile(t *testing.T) {
	path := tempFile(t)
	write := func(s string, mode os.FileMode) {
		t.Helper()
		os.Remove(path)
		require.NoError(t, os.WriteFile(path, []byte(s), mode))
	}
	write("from a file\n", 0o600)
	if p, err := ReadPasswordFile(path); err != nil || string(p) != "from a file" {
		t.Errorf("%q, %v", p, err)
	}
	write("from a file\n", 0o644)
	var e *PermissionError
	if _, err := ReadPasswordFile(path); !errors.As(err, &e) {
		t.Errorf("readable by all: got %v", err)
	}
	for s, want := range map[string]error{
		"":                               ErrEmptyPassword,
		"two\nlines":                     ErrPasswordLines,
		strings.Repeat("x", maxSecret+1): ErrPasswordSize,
		strings.Repeat("x", maxSecret+3): ErrFileSize,
	} {
		write(s, 0o600)
		if _, err := ReadPasswordFile(path); !errors.Is(err, want) {
			t.Errorf("%.20q: got %v, want %v", s, err, want)
		}
	}
}

func TestPromptNeedsTerminal(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	defer w.Close()
	var out strings.Builder
	if _, err := PromptPassword(r, &out, "Password: "); !errors.Is(err, ErrNotTerminal) || out.Len() != 0 {
		t.Errorf("got %v, and %q on the screen", err, out.String())
	}
	if _, err := PromptNewPassword(r, &out, "Password: ", "Again: "); !errors.Is(err, ErrNotTerminal) {
		t.Errorf("got %v", err)
	}
}
