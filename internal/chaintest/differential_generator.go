package chaintest

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/cairo"
	"github.com/bitsage/bitsage/internal/cairo/bindings/jobmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/privacyrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/validatorregistry"
	"github.com/bitsage/bitsage/internal/calldata"
)

// generator makes up the operations of a sequence. It looks at the first chain for
// what can be done there.
type generator struct {
	*world
	t          *testing.T
	rng        *rand.Rand
	seq        *sequence
	start, now uint64
	// plan is what is to be done next, or, after the opening, sooner or later.
	plan    []maker
	opening bool
	told    int // stories
	// commands counts those that were made up.
	commands int

	clients, workers [2]*party
	validators       [4]*party
	stranger, heir   *party
	actions          []action
	members          []*party // of sets of validators
}

// move is what somebody does, at a time or, if that is zero, soon. Nobody does
// what cannot be made up.
type move struct {
	what  string
	by    *party
	at    uint64
	calls []chain.Call
	flaw  flaw
}

// maker makes up a move of one kind.
type maker func(g *generator) move

// action is one that the owner may have scheduled, and what it then allows.
type action struct {
	in    contract
	hash  chain.Felt
	by    *party
	call  chain.Call
	ready uint64
}

func newGenerator(t *testing.T, on *twin, s *sequence) *generator {
	t.Helper()
	w := &world{Network: Network{Client: on.Client, Contracts: on.addresses}, deployment: openDeployment(t, on.addresses),
		chainID: text(must(on.Client.ChainID(t.Context()))(t))}
	w.rate = must(elgamal.NewRate(view(t, w, w.privacy.call(privacyrouter.RateCall()), privacyrouter.DecodeRate).Big()))(t)
	w.books.opened = make(map[[4]chain.Felt]elgamal.Amount)
	g := &generator{world: w, t: t, rng: rand.New(rand.NewPCG(s.seed, 0)), seq: s, start: began(s.seed)}
	g.now = g.start
	names := []string{"owner", "client A", "client B", "worker A", "worker B", "operator A", "operator B",
		"validator A", "validator B", "validator C", "validator D", "stranger", "heir"}
	var cast []*party
	for i, name := range names {
		m := w.join(name, on.accounts[i])
		m.secret = must(elgamal.GenerateKey())(t)
		cast = append(cast, m)
	}
	w.owner, g.clients, g.workers = cast[0], [2]*party(cast[1:3]), [2]*party(cast[3:5])
	g.workers[0].operator, g.workers[1].operator = cast[5], cast[6]
	g.validators, g.stranger, g.heir = [4]*party(cast[7:11]), cast[11], cast[12]
	g.members = cast[7:11]
	g.setActions()
	g.plan, g.opening, g.told = g.beginning(), true, int(s.seed*storiesEach)
	g.commands = int(s.seed * 3)
	return g
}

// storiesEach is about how many stories a sequence of 60 steps has.
const storiesEach = 3

// planned makes up the next move of the plan.
func (g *generator) planned() move {
	for len(g.plan) == 0 {
		g.opening = false
		g.plan = stories[g.told%len(stories)](g)
		g.told++
	}
	m := g.plan[0]
	g.plan = g.plan[1:]
	return m(g)
}

// next makes up the next step.
func (g *generator) next() step {
	for {
		if g.opening || g.chance(65) {
			if o := g.planned(); o.by != nil && o.at <= g.start+(sequenceDays-10)*24*3600 {
				return g.step(o)
			}
			continue
		}
		if g.chance(8) {
			return g.look()
		}
		if g.chance(6) && len(g.seq.steps) > 0 {
			return g.again()
		}
		o := makers[g.rng.IntN(len(makers))](g)
		if o.by == nil || o.at > g.start+(sequenceDays-10)*24*3600 {
			continue
		}
		if g.chance(15) {
			g.spoil(&o)
		}
		if g.chance(5) {
			more := makers[g.rng.IntN(len(makers))](g)
			o.what, o.calls = o.what+" and "+more.what, append(o.calls, more.calls...)
		}
		return g.step(o)
	}
}

func (g *generator) step(o move) step {
	g.now += uint64(g.rng.IntN(60))
	if g.chance(3) {
		g.now += uint64(g.rng.IntN(2 * 24 * 3600))
	}
	g.now = max(g.now, o.at)
	return step{what: o.what, time: g.now, by: g.number(o.by), calls: o.calls, flaw: o.flaw}
}

func (g *generator) number(p *party) int { return slices.Index(g.parties, p) }

// chance is true so many times of a hundred.
func (g *generator) chance(percent int) bool { return g.rng.IntN(100) < percent }

func pick[T any](g *generator, list ...T) T { return list[g.rng.IntN(len(list))] }

func (g *generator) anyone() *party { return pick(g, g.parties...) }

// mostly is somebody, or rarely somebody else.
func (g *generator) mostly(p *party) *party {
	if g.chance(10) {
		return g.anyone()
	}
	return p
}

// around is a time at a boundary, just before, just after, or no matter when.
func (g *generator) around(boundary uint64) uint64 {
	if boundary <= g.now || g.chance(25) || boundary > g.now+2*24*3600 && g.chance(80) {
		return 0
	}
	return boundary - 1 + uint64(g.rng.IntN(3))
}

// amount is a number around those that may be a limit.
func (g *generator) amount(limits ...*big.Int) calldata.U256 {
	if g.chance(3) {
		return largest
	}
	x := new(big.Int).Set(pick(g, append(limits, new(big.Int), sage(int64(g.rng.IntN(3_000))))...))
	if g.chance(40) {
		x.Add(x, big.NewInt(int64(g.rng.IntN(3)-1)))
	}
	return u256(x.Abs(x))
}

// units is a confidential amount around a limit.
func (g *generator) units(limit elgamal.Amount) elgamal.Amount {
	switch {
	case g.chance(20):
		return limit
	case g.chance(5):
		return limit + 1
	}
	return elgamal.Amount(g.rng.Uint64N(uint64(limit) + 1))
}

// look calls a function without a transaction, by nobody.
func (g *generator) look() step {
	return step{what: "looks", time: g.now, calls: []chain.Call{g.somehow(pick(g, abi()...))}, view: true}
}

// again repeats what was done before, by the same account or another.
func (g *generator) again() step {
	s := pick(g, g.seq.steps...)
	s.what, s.view = "again: "+strings.TrimPrefix(s.what, "again: "), false
	g.now += uint64(g.rng.IntN(60))
	s.time = g.now
	if g.chance(25) {
		s.by = g.rng.IntN(len(g.parties))
	}
	return s
}

// spoil makes a move invalid, probably.
func (g *generator) spoil(o *move) {
	o.what = "spoiled: " + o.what
	if g.chance(30) {
		o.by = g.anyone()
		return
	}
	i := g.rng.IntN(len(o.calls))
	c := &o.calls[i]
	c.Calldata = slices.Clone(c.Calldata)
	if len(c.Calldata) == 0 || g.chance(10) {
		c.Calldata = append(c.Calldata, g.felt())
		return
	}
	at := g.rng.IntN(len(c.Calldata))
	switch g.rng.IntN(3) {
	case 0:
		c.Calldata = slices.Delete(c.Calldata, at, at+1)
	case 1:
		c.Calldata[at] = g.felt()
	default:
		one := chain.Uint(1)
		c.Calldata[at].Add(&c.Calldata[at], &one)
	}
}

// felt is one of the numbers and names that mean something.
func (g *generator) felt() chain.Felt {
	switch g.rng.IntN(6) {
	case 0:
		return g.anyone().Address()
	case 1:
		return pick(g, g.all()...).address
	case 2:
		return chain.Uint(g.rng.Uint64N(10))
	case 3:
		var minus chain.Felt
		one := chain.Uint(1)
		return *minus.Neg(&one)
	case 4:
		var power chain.Felt
		return *power.SetBigInt(new(big.Int).Lsh(big.NewInt(1), pick[uint](g, 8, 16, 32, 40, 64, 128, 250)))
	}
	if j := g.job(); j != nil {
		return pick(g, j.id, j.factID())
	}
	return text(pick(g, "T4", "std", "Validator", "nothing"))
}

// command calls a function that changes state, each in turn.
func command(g *generator) move {
	list := changing()
	name := list[g.commands%len(list)]
	g.commands++
	i := slices.IndexFunc(abi(), func(f function) bool { return f.contract+"."+f.name == name })
	return g.anyone().does("commands", g.somehow(abi()[i]))
}

// wild calls any function of any contract.
func wild(g *generator) move {
	return g.anyone().does("calls", g.somehow(pick(g, abi()...)))
}

// somehow calls a function with arguments that only look right.
func (g *generator) somehow(f function) chain.Call {
	c := chain.Call{To: g.named(f.contract).address, Selector: chain.Selector(f.name)}
	for _, p := range f.params {
		switch p {
		case addressType:
			c.Calldata = append(c.Calldata, pick(g, g.anyone().Address(), pick(g, g.all()...).address))
		case "core::integer::u256":
			c.Calldata = append(c.Calldata, chain.Uint(g.rng.Uint64N(3)), chain.Uint(0))
		case "core::felt252":
			c.Calldata = append(c.Calldata, g.felt())
		case "bitsage::types::Point":
			c.Calldata = append(c.Calldata, must(elgamal.GenerateKey())(g.t).Public().Felts()...)
		case "bitsage::types::Ciphertext":
			c.Calldata = append(c.Calldata, g.felt(), g.felt(), g.felt(), g.felt())
		case "core::array::Span::<core::felt252>":
			c.Calldata = append(c.Calldata, chain.Uint(1), g.felt())
		default:
			c.Calldata = append(c.Calldata, pick(g, g.felt(), chain.Uint(g.rng.Uint64N(4)), chain.Uint(g.rng.Uint64N(4))))
		}
	}
	return c
}

// has reports whether somebody has a confidential account.
func (g *generator) has(p *party) bool { return p.account(g.t).Nonce > 0 }

// holder is somebody with a confidential account, or nil.
func (g *generator) holder() *party {
	p := pick(g, g.clients[0], g.clients[1], g.workers[0], g.workers[1])
	if !g.has(p) {
		return nil
	}
	return p
}

// job is one that was made up before, or nil.
func (g *generator) job() *job {
	if len(g.work) == 0 {
		return nil
	}
	return pick(g, g.work...)
}

// jobIn is a job in one of the states, or nil.
func (g *generator) jobIn(states ...jobmanager.JobState) *job {
	var list []*job
	for _, j := range g.work {
		if slices.Contains(states, j.state(g.t)) {
			list = append(list, j)
		}
	}
	if list == nil {
		return nil
	}
	return pick(g, list...)
}

func (g *generator) set(epoch uint64) []validatorregistry.Member {
	return view(g.t, g.world, g.registry.call(validatorregistry.ValidatorSetCall(epoch)), validatorregistry.DecodeValidatorSet)
}

// of is the party with an address.
func (g *generator) of(address chain.Felt) *party {
	for _, p := range g.parties {
		if p.Address() == address {
			return p
		}
	}
	return g.stranger
}

// someEpoch is the current epoch or one near it.
func (g *generator) someEpoch() uint64 {
	e := g.epoch(g.t)
	if g.chance(20) && e > 1 {
		return e - 1
	}
	if g.chance(5) {
		return e + uint64(g.rng.IntN(3)) - min(e, 1)
	}
	return e
}

func (p *party) operates() *party {
	if p.operator != nil {
		return p.operator
	}
	return p
}

// setActions lists what the owner may announce.
func (g *generator) setActions() {
	add := func(in contract, hash chain.Felt, by *party, b cairo.Call) {
		g.actions = append(g.actions, action{in: in, hash: hash, by: by, call: in.call(b)})
	}
	for _, name := range owned {
		add(g.named(name), ownershipAction(g.heir), g.heir, stakingmanager.AcceptOwnershipCall())
	}
	add(g.staking, modelAction(text("New GPU"), stakingmanager.TierFrontier), g.owner, stakingmanager.AddModelCall(text("New GPU"), stakingmanager.TierFrontier))
	add(g.verifier, profileAction("new", 70), g.owner, addProfile("new", 70))
	key := point(g.heir.secret.Public())
	s := &scene{world: g.world, key: g.heir.secret}
	add(g.privacy, s.auditorAction(), g.owner, privacyrouter.SetAuditorCall(&key))
	add(g.privacy, noAuditorAction, g.owner, privacyrouter.SetAuditorCall(nil))
}
