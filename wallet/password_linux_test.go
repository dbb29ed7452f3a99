package wallet

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// openPTY returns both ends of a new terminal: what the user's hands and eyes are
// at, and what the program has.
func openPTY(t *testing.T) (user, tty *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { user.Close() })
	var number, unlock uint32
	ioctl(t, user, syscall.TIOCGPTN, &number)
	ioctl(t, user, syscall.TIOCSPTLCK, &unlock)
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { tty.Close() })
	return user, tty
}

func ioctl(t *testing.T, f *os.File, request uintptr, arg *uint32) {
	t.Helper()
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(unsafe.Pointer(arg))); errno != 0 {
		t.Fatal(errno)
	}
}

// screen is a writer that types the next answer when a prompt appears.
type screen struct {
	user    *os.File
	answers []string
	shown   strings.Builder
}

func (s *screen) Write(p []byte) (int, error) {
	if strings.HasSuffix(string(p), ": ") && len(s.answers) > 0 {
		answer := s.answers[0]
		s.answers = s.answers[1:]
		go func() {
			time.Sleep(100 * time.Millisecond) // until the echo is off
			s.user.WriteString(answer)
		}()
	}
	return s.shown.Write(p)
}

func TestPrompt(t *testing.T) {
	for _, c := range []struct {
		answers []string
		want    string
		err     error
	}{
		{[]string{"hunter2\n", "hunter2\n"}, "hunter2", nil},
		{[]string{"hunter2\n", "hunter3\n"}, "", ErrPasswordMismatch},
		{[]string{"\n"}, "", ErrEmptyPassword},
		{[]string{"hunter2\n", "\n"}, "", ErrEmptyPassword},
	} {
		user, tty := openPTY(t)
		s := &screen{user: user, answers: c.answers}
		got, err := PromptNewPassword(tty, s, "New password: ", "Again: ")
		if string(got) != c.want || !errors.Is(err, c.err) {
			t.Errorf("%q: got %q, %v", c.answers, got, err)
		}
		if !strings.HasPrefix(s.shown.String(), "New password: \n") || strings.Contains(s.shown.String(), "hunter") {
			t.Errorf("%q: the screen shows %q", c.answers, s.shown.String())
		}
		if echo := echoed(t, user); strings.Contains(echo, "hunter") {
			t.Errorf("%q: the terminal echoed %q", c.answers, echo)
		}
	}
}

// echoed returns what the terminal showed by itself.
func echoed(t *testing.T, user *os.File) string {
	t.Helper()
	fd := int(user.Fd())
	require.NoError(t, syscall.SetNonblock(fd, true))
	buf := make([]byte, 1024)
	n, err := syscall.Read(fd, buf)
	if err != nil && !errors.Is(err, syscall.EAGAIN) {
		t.Fatal(err)
	}
	return string(buf[:max(n, 0)])
}
