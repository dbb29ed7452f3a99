package ledger

// paymentState is what became of a fee. Released and refunded are final.
type paymentState uint8

const (
	paymentNone paymentState = iota
	paymentEscrowed
	paymentPayable
	paymentReleased
	paymentRefunded
)

func (paymentState) variants() uint64 { return 5 }

type payment struct {
	State     paymentState
	Client    address
	Worker    address
	Refund    ciphertext // under the client's key
	Fee       ciphertext // under the worker's key
	ProofHash u256
	Nonce     uint64
}

// fee is the same fee under two keys.
type fee struct{ Refund, Fee ciphertext }

// paymentRouter is contracts/src/payments.cairo.
type paymentRouter struct {
	*frame
	jobs     variable[address]
	privacy  variable[address]
	payments mapping[jobID, payment]
}

func newPaymentRouter(f *frame) *paymentRouter {
	return &paymentRouter{f, variable[address]{f, "job_manager"}, variable[address]{f, "privacy"}, mapping[jobID, payment]{f, "payments"}}
}

var paymentRouterClass = contract("PaymentRouter", methods(newPaymentRouter, functions{
	"constructor":               (*paymentRouter).constructor,
	"escrow":                    (*paymentRouter).escrow,
	"settle":                    (*paymentRouter).settle,
	"refund":                    (*paymentRouter).refund,
	"submit_payment_with_proof": (*paymentRouter).submitPaymentWithProof,
	"payment":                   (*paymentRouter).payment,
	"job_manager":               (*paymentRouter).jobManager,
	"privacy_router":            (*paymentRouter).privacyRouter,
}))

func (t *paymentRouter) constructor(jobs, privacy address) {
	assert(!jobs.IsZero() && !privacy.IsZero(), "ZERO_ADDRESS")
	t.jobs.write(jobs)
	t.privacy.write(privacy)
}

func (t *paymentRouter) escrow(id jobID, client, worker address, transfer []Felt) {
	t.assertJobManager()
	p := t.become(id, paymentNone, paymentEscrowed)
	privacy := t.privacy.read()
	p.Client, p.Worker = client, worker
	p.Nonce = call[uint64](t.frame, privacy, "nonce", client)
	f := call[fee](t.frame, privacy, "debit", id, client, worker, transfer)
	p.Refund, p.Fee = f.Refund, f.Fee
	t.payments.write(id, p)
	t.emit("PaymentEscrowed", key{id, client, worker}, p.Fee, p.Refund)
}

func (t *paymentRouter) settle(id jobID, proofHash u256) {
	t.assertJobManager()
	p := t.become(id, paymentEscrowed, paymentPayable)
	p.ProofHash = proofHash
	t.payments.write(id, p)
}

func (t *paymentRouter) refund(id jobID) {
	t.assertJobManager()
	p := t.become(id, paymentEscrowed, paymentRefunded)
	t.emit("Refunded", key{id, p.Client})
	t.invoke(t.privacy.read(), "credit", p.Client, p.Refund)
}

func (t *paymentRouter) submitPaymentWithProof(worker address, id jobID, c1x, c1y, c2x, c2y Felt, proofHash u256) {
	p := t.become(id, paymentPayable, paymentReleased)
	amount := ciphertext{point{c1x, c1y}, point{c2x, c2y}}
	assert(worker == p.Worker && amount == p.Fee && proofHash == p.ProofHash, "WRONG_PAYMENT")
	t.emit("PaymentReleased", key{id, worker}, proofHash)
	t.invoke(t.privacy.read(), "credit", worker, amount)
}

func (t *paymentRouter) payment(id jobID) payment { return t.payments.read(id) }

func (t *paymentRouter) jobManager() address { return t.jobs.read() }

func (t *paymentRouter) privacyRouter() address { return t.privacy.read() }

func (t *paymentRouter) assertJobManager() { assert(t.caller() == t.jobs.read(), "UNAUTHORIZED") }

// become changes the state of a payment.
func (t *paymentRouter) become(id jobID, before, after paymentState) payment {
	p := t.payments.read(id)
	assert(p.State == before, "BAD_STATE")
	p.State = after
	t.payments.write(id, p)
	return p
}
