package twin

import (
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
)

// paymentState is what became of a fee. Released and refunded are final.
type paymentState uint8

const (
	paymentNone paymentState = iota
	paymentEscrowed
	paymentPayable
	paymentReleased
	paymentRefunded
)

func (paymentState) Variants() uint64 { return 5 }

type payment struct {
	State     paymentState
	Client    cairo.Address
	Worker    cairo.Address
	Refund    ciphertext // under the client's key
	Fee       ciphertext // under the worker's key
	ProofHash cairo.U256
	Nonce     uint64
}

// fee is the same fee under two keys.
type fee struct{ Refund, Fee ciphertext }

// paymentRouter is contracts/src/payments.cairo.
type paymentRouter struct {
	*cairo.Frame
	jobs     cairo.Variable[cairo.Address]
	privacy  cairo.Variable[cairo.Address]
	payments cairo.Mapping[jobID, payment]
}

func newPaymentRouter(f *cairo.Frame) *paymentRouter {
	return &paymentRouter{
		f,
		cairo.NewVariable[cairo.Address](f, "job_manager"),
		cairo.NewVariable[cairo.Address](f, "privacy"),
		cairo.NewMapping[jobID, payment](f, "payments"),
	}
}

func paymentRouterClass() *cairo.Class {
	return contract("PaymentRouter", cairo.Methods(newPaymentRouter, cairo.Functions{
		"constructor":               (*paymentRouter).constructor,
		"escrow":                    (*paymentRouter).escrow,
		"settle":                    (*paymentRouter).settle,
		"refund":                    (*paymentRouter).refund,
		"submit_payment_with_proof": (*paymentRouter).submitPaymentWithProof,
		"payment":                   (*paymentRouter).payment,
		"job_manager":               (*paymentRouter).jobManager,
		"privacy_router":            (*paymentRouter).privacyRouter,
	}))
}

func (t *paymentRouter) constructor(jobs, privacy cairo.Address) {
	cairo.Assert(!jobs.IsZero() && !privacy.IsZero(), "ZERO_ADDRESS")
	t.jobs.Write(jobs)
	t.privacy.Write(privacy)
}

func (t *paymentRouter) escrow(id jobID, client, worker cairo.Address, transfer []felt.Felt) {
	t.assertJobManager()
	p := t.become(id, paymentNone, paymentEscrowed)
	privacy := t.privacy.Read()
	p.Client, p.Worker = client, worker
	p.Nonce = cairo.Call[uint64](t.Frame, privacy, "nonce", client)
	f := cairo.Call[fee](t.Frame, privacy, "debit", id, client, worker, transfer)
	p.Refund, p.Fee = f.Refund, f.Fee
	t.payments.Write(id, p)
	t.Emit("PaymentEscrowed", cairo.Keys{id, client, worker}, p.Fee, p.Refund)
}

func (t *paymentRouter) settle(id jobID, proofHash cairo.U256) {
	t.assertJobManager()
	p := t.become(id, paymentEscrowed, paymentPayable)
	p.ProofHash = proofHash
	t.payments.Write(id, p)
}

func (t *paymentRouter) refund(id jobID) {
	t.assertJobManager()
	p := t.become(id, paymentEscrowed, paymentRefunded)
	t.Emit("Refunded", cairo.Keys{id, p.Client})
	t.Invoke(t.privacy.Read(), "credit", p.Client, p.Refund)
}

func (t *paymentRouter) submitPaymentWithProof(worker cairo.Address, id jobID, c1x, c1y, c2x, c2y felt.Felt, proofHash cairo.U256) {
	p := t.become(id, paymentPayable, paymentReleased)
	amount := ciphertext{point{c1x, c1y}, point{c2x, c2y}}
	cairo.Assert(worker == p.Worker && amount == p.Fee && proofHash == p.ProofHash, "WRONG_PAYMENT")
	t.Emit("PaymentReleased", cairo.Keys{id, worker}, proofHash)
	t.Invoke(t.privacy.Read(), "credit", worker, amount)
}

func (t *paymentRouter) payment(id jobID) payment { return t.payments.Read(id) }

func (t *paymentRouter) jobManager() cairo.Address { return t.jobs.Read() }

func (t *paymentRouter) privacyRouter() cairo.Address { return t.privacy.Read() }

func (t *paymentRouter) assertJobManager() { cairo.Assert(t.Caller() == t.jobs.Read(), "UNAUTHORIZED") }

// become changes the state of a payment.
func (t *paymentRouter) become(id jobID, before, after paymentState) payment {
	p := t.payments.Read(id)
	cairo.Assert(p.State == before, "BAD_STATE")
	p.State = after
	t.payments.Write(id, p)
	return p
}
