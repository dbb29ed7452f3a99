package twin

import (
	"math/big"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo/cairotest"
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/sim"
	"github.com/bitsage/bitsage/wallet"
)

// scene is a deployment with workers and with jobs that they have accepted, at the moment at
// which all stakes may be taken out again, which the simulator lets them at any time.
type scene struct {
	t testing.TB
	w *cairotest.World

	owner, token, staking, reputation, registry, verifier, jobs, privacy, payments cairo.Address

	workers, clients []party
	accepted         []sim.Job
}

// party is an account with a confidential balance.
type party struct {
	address cairo.Address
	key     elgamal.SecretKey
	wealth  *big.Int // at the beginning
}

const (
	sceneJobs  = 5
	sceneEpoch = 600 // seconds
)

// sceneRate is the value of a unit of encrypted amounts.
var sceneRate = big.NewInt(1e12)

func sageAmount(n int64) *big.Int { return new(big.Int).Mul(big.NewInt(n), big.NewInt(1e18)) }

// must wants a call to succeed.
func (s *scene) must(from, to cairo.Address, function string, args ...any) {
	s.t.Helper()
	if failure := s.w.Call(from, to, function, args...); failure != "" {
		s.t.Fatalf("%s: %s", function, failure)
	}
}

// signs is a key's signature as the contracts take it.
func (s *scene) signs(key *wallet.Key, hash felt.Felt) cairo.Signature {
	s.t.Helper()
	sig, err := key.Sign(s.t.Context(), hash)
	if err != nil {
		s.t.Fatal(err)
	}
	return cairo.Signature(sig)
}

func newScene(t testing.TB) *scene {
	s := &scene{t: t, w: cairotest.New(t), owner: cairotest.Account(0)}
	s.w.ChainID = sim.ChainName
	s.deploy()
	for i := range sim.Workers {
		s.workers = append(s.workers, s.newWorker(i))
	}
	start := s.w.Block.Time + minLock
	for i := range sceneJobs {
		s.accept(i, start)
	}
	s.w.Block.Time = start
	return s
}

func (s *scene) deploy() {
	w, owner := s.w, s.owner
	s.token = w.Deploy(sageTokenClass(), owner, cairo.U256FromBig(sageAmount(1_000_000)))
	s.staking = w.Deploy(stakingManagerClass(), owner, s.token)
	s.reputation = w.Deploy(reputationManagerClass(), owner)
	s.registry = w.Deploy(validatorRegistryClass(), owner, s.staking, uint64(sceneEpoch))
	s.verifier = w.Deploy(proofVerifierClass(), owner, s.registry)
	s.jobs = w.Deploy(jobManagerClass(), owner, s.staking, s.reputation, s.verifier)
	s.privacy = w.Deploy(privacyRouterClass(), owner, s.token, cairo.U256FromBig(sceneRate))
	s.payments = w.Deploy(paymentRouterClass(), s.jobs, s.privacy)
	s.must(owner, s.staking, "configure", s.jobs, s.registry)
	s.must(owner, s.reputation, "configure", s.jobs)
	s.must(owner, s.registry, "configure", s.verifier)
	s.must(owner, s.jobs, "configure", s.payments)
	s.must(owner, s.privacy, "configure", s.payments)
}

// give lets an account have an amount, and another contract spend it.
func (s *scene) give(to, spender cairo.Address, amount *big.Int) {
	s.must(s.owner, s.token, "transfer", to, cairo.U256FromBig(amount))
	s.must(to, s.token, "approve", spender, cairo.U256FromBig(amount))
}

// join registers a key for a confidential balance.
func (s *scene) join(n uint64, wealth *big.Int) party {
	s.t.Helper()
	var secret [32]byte
	secret[31] = byte(n)
	key, err := elgamal.DecodeSecretKey(secret[:])
	if err != nil {
		s.t.Fatal(err)
	}
	p := party{cairotest.Account(n), key, wealth}
	ctx := elgamal.Context{Operation: elgamal.OpRegister, ChainID: cairo.ShortString(sim.ChainName), Contract: s.privacy.Felt,
		Sender: p.address.Felt, Balance: elgamal.Zero(key.Public())}
	proof, err := key.ProveOwnership(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	s.must(p.address, s.privacy, "register_key", keyOf(key), proof.Felts())
	return p
}

func keyOf(k elgamal.SecretKey) point {
	f := k.Public().Felts()
	return point{f[0], f[1]}
}

func (s *scene) newWorker(i int) party {
	p := s.join(uint64(1+i), sageAmount(1_000+int64(i)*77))
	s.give(p.address, s.staking, p.wealth)
	s.must(p.address, s.staking, "stake", cairo.U256FromBig(p.wealth), cairo.ShortString("Consumer"), minLock)
	s.must(p.address, s.staking, "register_worker", "peer", sim.WorkerKey(i).PublicKey(), keyOf(p.key), cairo.U256{})
	return p
}

// accept lets a client of its own submit a job, and the worker whose turn it is accept it.
func (s *scene) accept(i int, start uint64) {
	s.t.Helper()
	units := elgamal.Amount(50_000_000 + 7_654_321*uint64(i))
	fee := new(big.Int).Mul(new(big.Int).SetUint64(uint64(units)), sceneRate)
	c, worker := s.join(uint64(20+i), fee), s.workers[i%sim.Workers]
	s.clients = append(s.clients, c)
	s.give(c.address, s.privacy, fee)
	proof, err := c.key.ProveOwnership(s.context(c, elgamal.OpDeposit), cairo.Uint(uint64(units)))
	if err != nil {
		s.t.Fatal(err)
	}
	s.must(c.address, s.privacy, "deposit", uint64(units), proof.Felts())

	task, deadline := cairo.U256Of(uint64(i+1)), start+uint64(i+1)*3600
	id := cairotest.Look[jobID](s.w, s.jobs, "job_id", c.address, task)
	ctx := s.context(c, elgamal.OpEscrow)
	ctx.JobID = id.Value.Bytes()
	payment, err := elgamal.ProveTransfer(c.key, elgamal.TransferStatement{Context: ctx, From: c.key.Public(), To: worker.key.Public()}, units, units)
	if err != nil {
		s.t.Fatal(err)
	}
	f := consensus.Fact{JobID: id.Value, ProgramID: consensus.Digest{1}, Profile: cairo.ShortString("matmul-p96"), JobRoot: consensus.Digest{2}, Worker: worker.address.Felt}
	s.must(c.address, s.jobs, "submit_job", task, cairo.U256FromBytes(f.ProgramID), cairo.U256FromBytes(f.JobRoot), f.Profile,
		worker.address, s.w.Block.Time+3600, deadline, payment.Felts())
	s.must(worker.address, s.jobs, "accept_job", id)
	j := sim.Job{Fee: fee, Deadline: deadline, Bond: cairotest.Look[job](s.w, s.jobs, "job", id).Bond.Big()}
	for n := range byte(2) {
		f.ResultRoot[0], f.ProofHash[0] = 1+n, 7+n
		j.Claims = append(j.Claims, s.claims(&f, i%sim.Workers))
	}
	s.accepted = append(s.accepted, j)
}

// claims is a submission of a worker.
func (s *scene) claims(f *consensus.Fact, worker int) *consensus.Submission {
	sig := s.signs(sim.WorkerKey(worker), f.ID(cairo.ShortString(sim.ChainName)).Felt())
	return &consensus.Submission{Fact: *f, Signature: consensus.Signature(sig)}
}

// context is that of a party's next operation.
func (s *scene) context(p party, operation string) elgamal.Context {
	a := cairotest.Look[confidential](s.w, s.privacy, "account", p.address)
	return elgamal.Context{Operation: operation, ChainID: cairo.ShortString(sim.ChainName), Contract: s.privacy.Felt,
		Sender: p.address.Felt, Nonce: a.Nonce, Balance: a.Balance.elgamal()}
}

// onChain is a fact as the contracts take it.
func onChain(f *consensus.Fact) fact {
	return fact{jobID{f.JobID}, cairo.U256FromBytes(f.ProgramID), f.Profile, cairo.U256FromBytes(f.JobRoot),
		cairo.U256FromBytes(f.ResultRoot), cairo.Address{Felt: f.Worker}, cairo.U256FromBytes(f.ProofHash)}
}
