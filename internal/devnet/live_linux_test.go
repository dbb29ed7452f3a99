//go:build devnet

package devnet

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const childVariable = "BITSAGE_DEVNET_TEST_CHILD"

// TestDevnetOrphan kills a process that has started a devnet, which must end too.
func TestDevnetOrphan(t *testing.T) {
	if os.Getenv(childVariable) != "" {
		fmt.Println(Test(t, Options{Accounts: 1}).URL())
		select {} // until it is killed
	}
	child := exec.Command(os.Args[0], "-test.run", "^TestDevnetOrphan$")
	child.Env = append(os.Environ(), childVariable+"=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	url, err := bufio.NewReader(out).ReadString('\n')
	child.Process.Kill()
	child.Wait()
	if url = strings.TrimSpace(url); err != nil || !strings.HasPrefix(url, "http://") {
		t.Fatal(url, err)
	}
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		resp, err := http.Get(url)
		if err != nil {
			return
		}
		resp.Body.Close()
	}
	t.Errorf("%s still answers", url)
}
