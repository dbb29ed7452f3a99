package cairo_test

import (
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/cairo"
	"github.com/bitsage/bitsage/internal/cairo/bindings/jobmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/paymentrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/privacyrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/proofverifier"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/internal/calldata"
)

func f(s string) felt.Felt { return felt.MustParse(s) }

func short(t *testing.T, s string) felt.Felt {
	t.Helper()
	x, err := felt.ShortString(s)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func felts(texts ...string) []felt.Felt {
	out := make([]felt.Felt, len(texts))
	for i, s := range texts {
		out[i] = f(s)
	}
	return out
}

func check(t *testing.T, call cairo.Call, function, selector string, want ...string) {
	t.Helper()
	if call.Function != function || call.Selector.String() != selector {
		t.Errorf("call of %s, %s, want %s, %s", call.Function, call.Selector, function, selector)
	}
	if len(call.Calldata) != len(want) {
		t.Fatalf("%s: %d felts, want %d", function, len(call.Calldata), len(want))
	}
	for i, x := range call.Calldata {
		if x.String() != want[i] {
			t.Errorf("%s: felt %d is %s, want %s", function, i, x, want[i])
		}
	}
}

// sage is n SAGE: n * 10^18.
func sage(n int64) calldata.U256 {
	x := new(big.Int).Exp(big.NewInt(10), big.NewInt(18), nil)
	u, _ := calldata.U256FromBig(x.Mul(x, big.NewInt(n)))
	return u
}

// digest is a u256 whose halves are easy to tell apart.
func digest(high, low byte) (u calldata.U256) {
	u[15], u[31] = high, low
	return u
}

func TestTransfer(t *testing.T) {
	// The selector is that of every ERC-20 token on Starknet.
	check(t, sagetoken.TransferCall(f("0x123"), sage(1)), "transfer",
		"0x83afd3f4caedc6eebf44246fe54e38c95e3179a5ec9ea81740eca5b482d12e",
		"0x123", "0xde0b6b3a7640000", "0x0")
}

func TestStake(t *testing.T) {
	check(t, stakingmanager.StakeCall(sage(1000), short(t, "T4"), 604800), "stake",
		"0x3a04795accb4b73d12f13b05a1e0e240cefeb9a89d008676730867a819d2f79",
		"0x3635c9adc5dea00000", "0x0", "0x5434", "0x93a80")
}

func TestRegisterWorker(t *testing.T) {
	key := stakingmanager.Point{X: f("0x11"), Y: f("0x22")}
	call := stakingmanager.RegisterWorkerCall("abc", f("0x33"), key, digest(5, 6))
	check(t, call, "register_worker", call.Selector.String(),
		"0x0", "0x616263", "0x3", // peer_id
		"0x33", "0x11", "0x22", // signing_key, elgamal_key
		"0x6", "0x5") // tee_quote_hash
}

func TestSubmitJob(t *testing.T) {
	call := jobmanager.SubmitJobCall(digest(1, 2), digest(3, 4), digest(5, 6), short(t, "std"), f("0x77"), 8, 9, felts("0xa", "0xb"))
	check(t, call, "submit_job", call.Selector.String(),
		"0x2", "0x1", "0x4", "0x3", "0x6", "0x5", "0x737464", "0x77", "0x8", "0x9", "0x2", "0xa", "0xb")
}

func TestRecordCertificate(t *testing.T) {
	fact := proofverifier.Fact{
		JobID:      proofverifier.JobID{Value: f("0x1")},
		ProgramID:  digest(2, 3),
		Profile:    f("0x4"),
		JobRoot:    digest(5, 6),
		ResultRoot: digest(7, 8),
		Worker:     f("0x9"),
		ProofHash:  digest(10, 11),
	}
	certificate := proofverifier.Certificate{
		Epoch:      12,
		Verdict:    proofverifier.VerdictInvalid,
		Bitmap:     5,
		Signatures: []proofverifier.Signature{{R: f("0xd"), S: f("0xe")}, {R: f("0xf"), S: f("0x10")}},
	}
	call := proofverifier.RecordCertificateCall(fact, certificate)
	check(t, call, "record_certificate", call.Selector.String(),
		"0x1", "0x3", "0x2", "0x4", "0x6", "0x5", "0x8", "0x7", "0x9", "0xb", "0xa",
		"0xc", "0x2", "0x5", "0x2", "0xd", "0xe", "0xf", "0x10")
}

func TestDecodeStakeStatus(t *testing.T) {
	insufficient, err := stakingmanager.DecodeVerifyStake(felts("0x0", "0x1", "0x0", "0x2", "0x0"))
	if err != nil || insufficient.Variant != stakingmanager.StakeStatusInsufficient ||
		*insufficient.Insufficient != (stakingmanager.Insufficient{Current: digest(0, 1), Required: digest(0, 2)}) || insufficient.Valid != nil {
		t.Error(insufficient, err)
	}
	unlocked, err := stakingmanager.DecodeVerifyStake(felts("0x1"))
	if err != nil || unlocked.Variant != stakingmanager.StakeStatusUnlocked {
		t.Error(unlocked, err)
	}
	valid, err := stakingmanager.DecodeVerifyStake(felts("0x2", "0x3", "0x0", "0x4", "0x5"))
	if err != nil || *valid.Valid != (stakingmanager.ValidStake{Amount: digest(0, 3), Tier: stakingmanager.TierEnterprise, Until: 5}) {
		t.Error(valid, err)
	}
	for _, bad := range [][]felt.Felt{felts("0x3"), felts("0x1", "0x0"), felts("0x2", "0x3", "0x0", "0x7", "0x5"), nil} {
		if _, err := stakingmanager.DecodeVerifyStake(bad); err == nil {
			t.Errorf("accepted %d felts", len(bad))
		}
	}
}

func TestDecodeEvent(t *testing.T) {
	// The selector is that of every Transfer event on Starknet.
	keys := felts("0x99cd8bde557814842a3121e8ddfd433a539b8c9f14bf31ebf108d12e6196e9", "0x1", "0x2")
	got, err := sagetoken.DecodeEvent(keys, felts("0x3", "0x4"))
	if err != nil || got != (sagetoken.TransferEvent{From: f("0x1"), To: f("0x2"), Value: digest(4, 3)}) {
		t.Error(got, err)
	}
	if _, err := sagetoken.DecodeEvent(keys[:2], felts("0x3", "0x4")); !errors.Is(err, calldata.ErrShort) {
		t.Error(err)
	}
	if _, err := sagetoken.DecodeEvent(keys, felts("0x3", "0x4", "0x5")); !errors.Is(err, calldata.ErrTrailing) {
		t.Error(err)
	}
	if _, err := sagetoken.DecodeEvent(keys[1:], nil); !errors.Is(err, calldata.ErrEvent) {
		t.Error(err)
	}
	if _, err := sagetoken.DecodeEvent(nil, nil); !errors.Is(err, calldata.ErrEvent) {
		t.Error(err)
	}
}

// TestComponentEvents wants events of components to be those of the contract.
func TestComponentEvents(t *testing.T) {
	got, err := jobmanager.DecodeEvent([]felt.Felt{jobmanager.SelectorPaused}, nil)
	if _, ok := got.(jobmanager.PausedEvent); err != nil || !ok {
		t.Error(got, err)
	}
}

func TestEnumString(t *testing.T) {
	if s := jobmanager.JobStateProven.String(); s != "Proven" {
		t.Error(s)
	}
	if s := jobmanager.JobState(99).String(); s != "JobState(99)" {
		t.Error(s)
	}
}

// TestOptions wants Some to be 0 and None to be 1, as Cairo has them.
func TestOptions(t *testing.T) {
	if got := privacyrouter.SetAuditorCall(&privacyrouter.Point{X: f("0x5"), Y: f("0x6")}); !slices.Equal(got.Calldata, felts("0x0", "0x5", "0x6")) {
		t.Errorf("a key: %v", got.Calldata)
	}
	if got := privacyrouter.SetAuditorCall(nil); !slices.Equal(got.Calldata, felts("0x1")) {
		t.Errorf("no key: %v", got.Calldata)
	}
	key, err := privacyrouter.DecodeAuditor(felts("0x0", "0x5", "0x6"))
	if err != nil || key == nil || key.X != f("0x5") || key.Y != f("0x6") {
		t.Errorf("a key: %v, %v", key, err)
	}
	if key, err := privacyrouter.DecodeAuditor(felts("0x1")); err != nil || key != nil {
		t.Errorf("no key: %v, %v", key, err)
	}
	for _, bad := range [][]felt.Felt{felts("0x2"), felts("0x0", "0x5"), felts("0x1", "0x5"), nil} {
		if _, err := privacyrouter.DecodeAuditor(bad); err == nil {
			t.Errorf("decoded %v", bad)
		}
	}
	keys := []felt.Felt{privacyrouter.SelectorAudited, f("0x9")}
	got, err := privacyrouter.DecodeEvent(keys, felts("0x5", "0x6", "0x1", "0xa", "0xb", "0xc", "0xd"))
	event, ok := got.(privacyrouter.AuditedEvent)
	if err != nil || !ok || event.Account != f("0x9") || event.Auditor.Y != f("0x6") || event.Amount != nil || event.Remainder.R.Y != f("0xd") {
		t.Errorf("audit of a withdrawal: %+v, %v", got, err)
	}
}

func TestPayments(t *testing.T) {
	call := paymentrouter.SubmitPaymentWithProofCall(f("0x1"), paymentrouter.JobID{Value: f("0x2")}, f("0x3"), f("0x4"), f("0x5"), f("0x6"), digest(7, 8))
	if !slices.Equal(call.Calldata, felts("0x1", "0x2", "0x3", "0x4", "0x5", "0x6", "0x8", "0x7")) {
		t.Errorf("%v", call.Calldata)
	}
	data := felts("0x2", "0x1", "0x2", "0x3", "0x4", "0x5", "0x6", "0x7", "0x8", "0x9", "0xa", "0xb", "0xc", "0xd")
	p, err := paymentrouter.DecodePayment(data)
	if err != nil || p.State != paymentrouter.PaymentStatePayable || p.Refund.L.X != f("0x3") || p.Fee.R.Y != f("0xa") || p.Nonce != 13 {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := paymentrouter.DecodePayment(append(felts("0x5"), data[1:]...)); err == nil {
		t.Error("decoded a state that does not exist")
	}
}
