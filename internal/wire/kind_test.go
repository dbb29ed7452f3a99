package wire

import (
	"reflect"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/internal/program"
	"github.com/bitsage/bitsage/internal/program/programtest"
	"github.com/bitsage/bitsage/proof"
)

func init() { programtest.Register() }

// squares returns a program that is no product of matrices, with an input.
func squares(t testing.TB) (proof.Program, []byte) {
	t.Helper()
	kind := programtest.New(programtest.Body(16))
	p, err := proof.ParseProgram(kind.String())
	must(t, err)
	return p, kind.TestInput(1)
}

// TestSecondKind sends what the messages say of a program with a longer text and more
// parts of its input than a product of matrices has.
func TestSecondKind(t *testing.T) {
	p, input := squares(t)
	d := Description{Job: proof.JobID{6}, Task: newTask(p, input)}
	data, err := d.Encode()
	must(t, err)
	if back, err := DecodeDescription(data); err != nil || !reflect.DeepEqual(back, d) {
		t.Errorf("%+v becomes %+v (%v)", d, back, err)
	}
	if _, err := DecodeDescription(data[:len(data)-1]); err == nil {
		t.Error("a shorter description passes")
	}
	d.Task.Inputs = d.Task.Inputs[:2]
	if _, err := d.Encode(); err == nil {
		t.Error("a description with two hashes of three passes")
	}
	r, _ := newRequest(t, p)
	data, err = r.Encode()
	must(t, err)
	if back, err := DecodeQuoteRequest(data); err != nil || back.Program != p {
		t.Errorf("%v becomes %v (%v)", p, back.Program, err)
	}
}

// TestLargestProgram adds up what a program may take in messages.
func TestLargestProgram(t *testing.T) {
	p, input := squares(t)
	d := Description{Job: proof.JobID{6}, Task: newTask(p, input)}
	d.Task.Label = strings.Repeat("x", proof.MaxLabel)
	data, err := d.Encode()
	must(t, err)
	if n := len(data) + program.MaxText - len(p.String()) + 32*(program.MaxParts-p.NumParts()); n > TaskProtocol.MaxResponse {
		t.Errorf("a description may take %d bytes, the protocol has %d", n, TaskProtocol.MaxResponse)
	}
	r, _ := newRequest(t, p)
	request, err := r.Encode()
	must(t, err)
	if n := len(request) + program.MaxText - len(p.String()); n > QuoteProtocol.MaxRequest {
		t.Errorf("a request for quotes may take %d bytes, the protocol has %d", n, QuoteProtocol.MaxRequest)
	}
	const quote = 300 // 291 with the longest peer
	if n := len(data) + len(request) + quote + 2*(program.MaxText-len(p.String())) + 32*(program.MaxParts-p.NumParts()); n > OfferProtocol.MaxRequest {
		t.Errorf("an offer may take %d bytes, the protocol has %d", n, OfferProtocol.MaxRequest)
	}
}
