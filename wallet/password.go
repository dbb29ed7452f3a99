package wallet

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// maxSecret bounds a password, key or mnemonic that is read, in bytes.
const maxSecret = 4096

var (
	// ErrNotTerminal means that there is no terminal to ask at. Read the secret
	// with ReadPassword or ReadPasswordFile instead.
	ErrNotTerminal = errors.New("wallet: not a terminal: give the password in a file or on standard input")
	// ErrPasswordMismatch means that a new password was typed differently the
	// second time.
	ErrPasswordMismatch = errors.New("wallet: the two passwords differ")
	// ErrPasswordLines means that there is more than one line where a password is
	// expected.
	ErrPasswordLines = errors.New("wallet: more than one line where a password is expected")
	// ErrPasswordSize means that a password is longer than 4096 bytes.
	ErrPasswordSize = errors.New("wallet: more than 4096 bytes where a password is expected")
)

// There is no function that takes a secret from a command line flag: other users
// of the machine see the arguments of a process, and shells write them down.

// PromptPassword asks for a password, or another secret of one line, at a terminal
// without echo. The prompt goes to w, usually os.Stderr. It fails with
// ErrNotTerminal or ErrEmptyPassword. A signal that ends the program while it asks
// leaves the terminal without echo, unless the program restores it.
func PromptPassword(tty *os.File, w io.Writer, prompt string) ([]byte, error) {
	fd := int(tty.Fd())
	if !term.IsTerminal(fd) {
		return nil, ErrNotTerminal
	}
	if _, err := io.WriteString(w, prompt); err != nil {
		return nil, err
	}
	p, err := term.ReadPassword(fd)
	io.WriteString(w, "\n")
	if err != nil {
		return nil, fmt.Errorf("wallet: reading the password: %w", err)
	}
	return checkPassword(p)
}

// PromptNewPassword asks for a password twice. It fails as PromptPassword does, or
// with ErrPasswordMismatch.
func PromptNewPassword(tty *os.File, w io.Writer, prompt, again string) ([]byte, error) {
	first, err := PromptPassword(tty, w, prompt)
	if err != nil {
		return nil, err
	}
	second, err := PromptPassword(tty, w, again)
	defer clear(second)
	if err == nil && subtle.ConstantTimeCompare(first, second) != 1 {
		err = ErrPasswordMismatch
	}
	if err != nil {
		clear(first)
		return nil, err
	}
	return first, nil
}

// ReadPassword reads r, for example standard input, to its end and returns its one
// line without the line ending. Spaces count. It fails with ErrEmptyPassword,
// ErrPasswordLines or ErrPasswordSize.
func ReadPassword(r io.Reader) ([]byte, error) {
	p, err := io.ReadAll(io.LimitReader(r, maxSecret+2+1)) // a line ending, and one too many
	if err != nil {
		clear(p)
		return nil, fmt.Errorf("wallet: reading the password: %w", err)
	}
	return checkPassword(p)
}

// ReadPasswordFile is ReadPassword of a file. It also fails with a
// *PermissionError if others can read or write the file, with ErrNotRegular, or
// with ErrFileSize.
func ReadPasswordFile(path string) ([]byte, error) {
	p, err := readSecret(path, maxSecret+2)
	if err != nil {
		return nil, err
	}
	return checkPassword(p)
}

// checkPassword cuts one line ending off.
func checkPassword(p []byte) ([]byte, error) {
	line := bytes.TrimSuffix(bytes.TrimSuffix(p, []byte("\n")), []byte("\r"))
	var err error
	switch {
	case len(line) == 0:
		err = ErrEmptyPassword
	case len(line) > maxSecret:
		err = ErrPasswordSize
	case bytes.ContainsAny(line, "\r\n"):
		err = ErrPasswordLines
	default:
		return line, nil
	}
	clear(p)
	return nil, err
}
