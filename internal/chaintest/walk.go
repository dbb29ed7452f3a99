package chaintest

import (
	"errors"
	"math/big"
	"path/filepath"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/cairo/bindings/faucet"
	"github.com/bitsage/bitsage/internal/cairo/bindings/jobmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/paymentrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/proofverifier"
	"github.com/bitsage/bitsage/internal/cairo/bindings/reputationmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/internal/calldata"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
	"github.com/bitsage/bitsage/wallet"
)

// life is the life of one job and of those who have to do with it.
type life struct {
	*world
	client, worker *party
	committee      [4]*party
	job            *job
}

const (
	walkDeposit = elgamal.Amount(70_000)
	walkFee     = elgamal.Amount(12_345)
	walkPrice   = elgamal.Amount(10_000) // below it the worker takes no job
)

// walk goes through it.
func walk(t *testing.T, w *world) {
	l := &life{world: w}
	for _, step := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"a worker makes a wallet, and its account deploys itself", l.makeWallet},
		{"the faucet gives it what it needs to stake", l.claim},
		{"it stakes", l.stake},
		{"it names an operator", l.nameOperator},
		{"it registers with an encryption key", l.register},
		{"its operator moves it to another peer", l.moveToPeer},
		{"validators begin an epoch", l.beginEpoch},
		{"a client deposits", l.deposit},
		{"the client submits a job with an encrypted fee", l.submitJob},
		{"the worker reads the fee and takes no job below its price", l.declineCheapJob},
		{"the operator accepts", l.accept},
		{"the worker proves and submits", l.prove},
		{"the validators verify and certify", l.certify},
		{"the job is finalized", l.finalize},
		{"the payment is released", l.release},
		{"the worker claims its fee", l.claimFee},
		{"the worker withdraws to its cold account", l.withdraw},
		{"the worker leaves with its stake", l.leave},
	} {
		if !t.Run(step.name, step.run) {
			return
		}
	}
}

func (l *life) makeWallet(t *testing.T) {
	account, mnemonic, err := wallet.CreateAccount(wallet.ClassOpenZeppelin)
	if err != nil {
		t.Fatal(err)
	}
	file, password := filepath.Join(t.TempDir(), "worker.json"), []byte("a password")
	if err := account.Save(file, password, wallet.SaveOptions{Scrypt: wallet.Scrypt{N: 1 << 10, R: 8, P: 1}}); err != nil {
		t.Fatal(err)
	}
	loaded := must(wallet.LoadAccount(file, password, wallet.ClassOpenZeppelin))(t)
	restored := must(wallet.ImportAccount(mnemonic, "", wallet.ClassOpenZeppelin, wallet.ClassOpenZeppelin.Scheme(), 0))(t)
	equal(t, "loaded account", loaded.Address(), account.Address())
	equal(t, "restored account", restored.Address(), account.Address())

	l.worker = l.deployAccount(t, "worker", loaded)
	class := must(l.Client.ClassHashAt(t.Context(), account.Address(), chain.AtLatest()))(t)
	equal(t, "class", class, wallet.ClassOpenZeppelin.Hash())
}

func (l *life) claim(t *testing.T) {
	l.worker.do(t, l.faucet.call(faucet.ClaimCall()))
	amount(t, "worker's tokens", l.worker.tokens(t), sage(1_000))
}

func (l *life) stake(t *testing.T) {
	l.worker.do(t, l.token.call(sagetoken.ApproveCall(l.staking.address, u256(sage(1_000)))), l.worker.stakeCall(sage(1_000), "T4", 7*day))
	s := l.worker.stakeOf(t)
	amount(t, "stake", s.Amount.Big(), sage(1_000))
	equal(t, "tier", s.Tier, stakingmanager.TierConsumer)
	amount(t, "worker's tokens", l.worker.tokens(t), new(big.Int))
	status := view(t, l.world, l.staking.call(stakingmanager.VerifyStakeCall(l.worker.Address())), stakingmanager.DecodeVerifyStake)
	if status.Valid == nil || status.Valid.Until != s.LockedUntil {
		t.Errorf("the stake is %v", status.Variant)
	}
}

func (l *life) nameOperator(t *testing.T) {
	l.worker.operator = l.newcomer(t, "operator")
	l.worker.do(t, l.staking.call(stakingmanager.SetOperatorCall(l.worker.operator.Address())))
	may := view(t, l.world, l.staking.call(stakingmanager.MayOperateCall(l.worker.Address(), l.worker.operator.Address())), stakingmanager.DecodeMayOperate)
	equal(t, "may operate", may, true)
}

func (l *life) register(t *testing.T) {
	l.worker.open(t)
	l.worker.do(t, l.worker.offersCall(t), l.reputation.call(reputationmanager.InitializeCall()))
	w := view(t, l.world, l.staking.call(stakingmanager.WorkerCall(l.worker.Address())), stakingmanager.DecodeWorker)
	key := l.worker.secret.Public().Felts()
	equal(t, "active", w.Active, true)
	equal(t, "signing key", w.SigningKey, l.worker.hot.PublicKey())
	equal(t, "encryption key", w.ElGamalKey, stakingmanager.Point{X: key[0], Y: key[1]})
	equal(t, "reputation", l.worker.reputation(t), 500)
	l.worker.operator.do(t, l.staking.call(stakingmanager.HeartbeatCall(l.worker.Address())))
}

func (l *life) moveToPeer(t *testing.T) {
	read := func() stakingmanager.Worker {
		return view(t, l.world, l.staking.call(stakingmanager.WorkerCall(l.worker.Address())), stakingmanager.DecodeWorker)
	}
	want, stake := read(), l.worker.stakeOf(t)
	want.PeerID = "another peer of the worker"
	l.worker.operator.do(t, l.staking.call(stakingmanager.SetPeerCall(l.worker.Address(), want.PeerID)))
	equal(t, "worker", read(), want) // and nothing else of it changed
	equal(t, "stake", l.worker.stakeOf(t), stake)
}

func (l *life) beginEpoch(t *testing.T) {
	before := l.epoch(t)
	l.committee = l.newCommittee(t)
	equal(t, "epoch", l.epoch(t), before+1)
}

func (l *life) deposit(t *testing.T) {
	l.client = l.newcomer(t, "client")
	deposit := must(l.rate.BaseUnits(walkDeposit))(t)
	l.owner.pays(t, l.client, deposit)
	l.client.open(t)
	l.client.deposit(t, walkDeposit)
	equal(t, "balance", l.client.balance(t), walkDeposit)
	amount(t, "client's tokens", l.client.tokens(t), new(big.Int))
}

func (l *life) submitJob(t *testing.T) {
	l.job = l.newJob(t, l.client, l.worker, walkFee)
	l.client.do(t, l.job.submitCall(l.job.payment(t)))
	equal(t, "state", l.job.state(t), jobmanager.JobStateSubmitted)
	equal(t, "balance", l.client.balance(t), walkDeposit-walkFee)
	equal(t, "payment", l.job.paid(t).State, paymentrouter.PaymentStateEscrowed)
}

func (l *life) declineCheapJob(t *testing.T) {
	cheap := l.submit(t, l.client, l.worker, walkPrice-1)
	if cheap.acceptable(t) {
		t.Error("the worker would take a job below its price")
	}
	l.client.do(t, cheap.cancelCall())
	l.client.do(t, l.client.rolloverCall(t))
	equal(t, "balance", l.client.balance(t), walkDeposit-walkFee)
	if !l.job.acceptable(t) {
		t.Error("the worker does not take a job above its price")
	}
}

// acceptable is what a worker asks before it accepts.
func (j *job) acceptable(t *testing.T) bool {
	t.Helper()
	return j.quote(t.Context(), t) >= walkPrice
}

func (l *life) accept(t *testing.T) {
	l.job.accept(t)
	equal(t, "state", l.job.state(t), jobmanager.JobStateAccepted)
	amount(t, "bond", l.worker.stakeOf(t).Bonded.Big(), sage(100))
}

func (l *life) prove(t *testing.T) {
	l.delivered = l.job.work(t)
	l.job.resultRoot, l.job.proofHash = l.delivered.resultRoot, l.delivered.proofHash
	if v, err := l.delivered.judge(l.job); v != valid {
		t.Fatalf("the worker's own proof is bad: %v", err)
	}
	l.job.prove(t)
	r := l.job.record(t)
	equal(t, "state", r.State, jobmanager.JobStateProven)
	equal(t, "proof hash", r.ProofHash, l.job.proofHash)
	equal(t, "fact", r.Fact.Value, l.job.factID())
}

func (l *life) certify(t *testing.T) {
	for _, v := range l.committee[:3] {
		if verdict, err := l.delivered.judge(l.job); verdict != valid {
			t.Fatalf("%s finds %v: %v", v.name, verdict, err)
		}
	}
	l.job.certify(t, valid, l.committee[:3]...)
	fact := proofverifier.FactID{Value: l.job.factID()}
	for kind, want := range map[proofverifier.Kind]bool{proofverifier.KindCertificate: true, proofverifier.KindFull: false} {
		valid := view(t, l.world, l.verifier.call(proofverifier.IsValidCall(fact, 60, kind)), proofverifier.DecodeIsValid)
		equal(t, kind.String(), valid, want)
	}
}

func (l *life) finalize(t *testing.T) {
	l.owner.do(t, l.job.finalizeCall())
	equal(t, "state", l.job.state(t), jobmanager.JobStateFinalized)
	equal(t, "payment", l.job.paid(t).State, paymentrouter.PaymentStatePayable)
	amount(t, "bond", l.worker.stakeOf(t).Bonded.Big(), new(big.Int))
	equal(t, "reputation", l.worker.reputation(t), 515)
	equal(t, "pending", l.worker.pending(t), 0)
}

func (l *life) release(t *testing.T) {
	l.client.do(t, l.job.releaseCall(t))
	equal(t, "payment", l.job.paid(t).State, paymentrouter.PaymentStateReleased)
	equal(t, "pending", l.worker.pending(t), walkFee)
}

func (l *life) claimFee(t *testing.T) {
	l.worker.do(t, l.worker.rolloverCall(t))
	equal(t, "balance", l.worker.balance(t), walkFee)
	equal(t, "pending", l.worker.pending(t), 0)
}

func (l *life) withdraw(t *testing.T) {
	l.worker.do(t, l.worker.withdrawCall(t, walkFee, l.worker))
	equal(t, "balance", l.worker.balance(t), 0)
	amount(t, "worker's tokens", l.worker.tokens(t), must(l.rate.BaseUnits(walkFee))(t))
}

func (l *life) leave(t *testing.T) {
	before := l.worker.tokens(t)
	l.pass(t, 7*day)
	l.worker.do(t, l.staking.call(stakingmanager.DeregisterCall()), l.staking.call(stakingmanager.RequestUnstakeCall(u256(sage(1_000)))))
	l.worker.try(t, "STILL_UNBONDING", l.staking.call(stakingmanager.CompleteUnstakeCall()))
	l.pass(t, 7*day)
	l.worker.do(t, l.staking.call(stakingmanager.CompleteUnstakeCall()))
	amount(t, "worker's tokens", l.worker.tokens(t), before.Add(before, sage(1_000)))
}

// All jobs are to multiply these two matrices.
var (
	program = proof.MatMul(2, 3, 2)
	input   = []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
)

// delivery is what a worker gives to validators, and the digests of it that it
// submits.
type delivery struct {
	output, proof         []byte
	resultRoot, proofHash calldata.U256
	statement             proof.Statement
}

// work runs the program and proves it for the job.
func (j *job) work(t *testing.T) *delivery {
	t.Helper()
	p := prover.New(prover.Options{})
	in := must(p.Input(t.Context(), program, input, proof.Std))(t)
	result := must(p.Prove(t.Context(), in, proof.JobID(j.id.Bytes())))(t)
	return &delivery{result.Output, must(result.Proof.MarshalBinary())(t),
		calldata.U256(result.Statement.ResultRoot), calldata.U256(must(result.Proof.Hash())(t)), result.Statement}
}

// sample is real work for a job other than the given one. It is done once.
func (w *world) sample(t *testing.T, not *job) *delivery {
	t.Helper()
	if w.delivered == nil {
		w.delivered = w.newJob(t, not.client, not.worker, 0).work(t)
	}
	return w.delivered
}

// judge is what a validator does before it signs. It goes by the job as the chain
// has it; an error other than of the proof means that there is no verdict.
func (d *delivery) judge(j *job) (proofverifier.Verdict, error) {
	p, err := proof.Parse(d.proof)
	if err != nil {
		return invalid, err
	}
	hash, err := p.Hash()
	if err != nil || calldata.U256(hash) != j.proofHash {
		return proofverifier.VerdictUndecided, errors.New("these bytes are not the proof that was submitted")
	}
	if root, err := proof.JobRoot(program, input, proof.Std); err != nil || calldata.U256(root) != j.root {
		return proofverifier.VerdictUndecided, errors.New("this is not the input of the job")
	}
	if root, err := proof.ResultRoot(program, d.output, proof.Std); err != nil || calldata.U256(root) != j.resultRoot {
		return invalid, errors.New("this is not the output that was submitted")
	}
	s := proof.Statement{Program: program, JobID: j.id.Bytes(), JobRoot: proof.Digest(j.root), ResultRoot: proof.Digest(j.resultRoot)}
	_, err = proof.Verify(s, p, proof.Std)
	switch {
	case err == nil:
		return valid, nil
	case errors.Is(err, proof.ErrInvalid):
		return invalid, err
	}
	return proofverifier.VerdictUndecided, err
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func amount(t *testing.T, what string, got, want *big.Int) {
	t.Helper()
	if got.Cmp(want) != 0 {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// until lets time pass until a block time is over.
func (w *world) until(t *testing.T, end uint64) {
	t.Helper()
	if now := w.now(t); now <= end {
		w.pass(t, time.Duration(end-now+1)*time.Second)
	}
}
