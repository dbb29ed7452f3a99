package elgamal

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/stark-curve/fp"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/internal/poseidon"
)

const vectorsFile = "testdata/vectors.json"

var update = flag.Bool("update", false, "write the test vectors anew")

// The vectors as docs/spec/elgamal.md describes them. Felts are 0x and digits.
type (
	vectors struct {
		Format      string             `json:"format"`
		Generator   generatorVector    `json:"generator"`
		Keys        []keyVector        `json:"keys"`
		Ciphertexts []ciphertextVector `json:"ciphertexts"`
		Credits     []creditVector     `json:"credits"`
		Proofs      []proofVector      `json:"proofs"`
		Invalid     []invalidVector    `json:"invalid"`
		Forged      []forgedVector     `json:"forged"`
	}
	generatorVector struct {
		Seed    string   `json:"seed"`
		Counter int      `json:"counter"`
		G       []string `json:"g"`
		H       []string `json:"h"`
	}
	keyVector struct {
		Secret string   `json:"secret"`
		Public []string `json:"public"`
	}
	ciphertextVector struct {
		Key        int      `json:"key"` // index in keys
		Amount     string   `json:"amount"`
		Randomness string   `json:"randomness"`
		Felts      []string `json:"felts"`
	}
	creditVector struct {
		Key      []string `json:"key"`
		Balance  []string `json:"balance"`
		Incoming []string `json:"incoming"`
		Sum      []string `json:"sum"`
	}
	proofVector struct {
		Name        string     `json:"name"`
		Kind        string     `json:"kind"`
		Operation   string     `json:"operation"`
		ChainID     string     `json:"chain_id"`
		Contract    string     `json:"contract"`
		Sender      string     `json:"sender"`
		Nonce       string     `json:"nonce"`
		Job         string     `json:"job"`
		ProofHash   string     `json:"proof_hash"`
		Balance     []string   `json:"balance"`
		Keys        [][]string `json:"keys"`
		Audited     bool       `json:"audited"`
		Ciphertexts [][]string `json:"ciphertexts,omitempty"`
		Values      []string   `json:"values,omitempty"`
		Felts       []string   `json:"felts"`
		// These follow from the above.
		Transcript    []string `json:"transcript"`
		Prefix        string   `json:"prefix"`
		Challenge     string   `json:"challenge"`
		BitChallenges []string `json:"bit_challenges,omitempty"`
	}
	invalidVector struct {
		Name   string            `json:"name"`
		Of     string            `json:"of"` // the proof that is changed
		Change map[string]string `json:"change"`
		Reason string            `json:"reason"`
	}
	forgedVector struct {
		proofVector
		Reason string `json:"reason"`
	}
)

func hexFelts(felts ...Felt) []string {
	out := make([]string, len(felts))
	for i := range felts {
		out[i] = felts[i].String()
	}
	return out
}

func hexFelt(x Felt) string { return hexFelts(x)[0] }

// parseHex reads a canonical felt of any number of digits.
func parseHex(s string) (Felt, error) {
	digits := strings.TrimPrefix(s, "0x")
	data, err := hex.DecodeString(strings.Repeat("0", max(0, 64-len(digits))) + digits)
	if err != nil {
		return Felt{}, err
	}
	return DecodeFelt(data)
}

func parseHexes(in []string) (out []Felt, err error) {
	for _, s := range in {
		x, err := parseHex(s)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

// TestVectors makes the vectors again from their seed and compares the file.
func TestVectors(t *testing.T) {
	v := makeVectors(t)
	got := must(json.MarshalIndent(v, "", " "))(t)
	got = append(got, '\n')
	if *update {
		require.NoError(t, os.WriteFile(vectorsFile, got, 0o644))
	}
	want := must(os.ReadFile(vectorsFile))(t)
	if !bytes.Equal(got, want) {
		t.Error("the vectors have changed; go test ./elgamal -run TestVectors -update writes them")
	}
}

func makeVectors(t *testing.T) *vectors {
	p := seeded(100)
	v := &vectors{Format: domain}
	v.Generator = generatorVector{generatorSeed, counterOf(CommitmentGenerator()), hexFelts(Generator().Felts()...), hexFelts(CommitmentGenerator().Felts()...)}
	one := scalarOf(1)
	last := minus(1)
	keys := []SecretKey{keyOf(one), keyOf(last), must(p.key())(t), must(p.key())(t)}
	for _, k := range keys {
		v.Keys = append(v.Keys, keyVector{hexFelt(scalarFelt(&k.s().x)), hexFelts(k.Public().Felts()...)})
	}
	for i, b := range []Amount{0, 1, 2, 1 << 20, 1<<32 - 1, MaxAmount} {
		k := 2 + i%2
		c, o, err := p.encrypt(keys[k].Public(), b)
		require.NoError(t, err)
		v.Ciphertexts = append(v.Ciphertexts, ciphertextVector{k, hexFelt(feltOf(uint64(b))), hexFelt(scalarFelt(&o.o().r)), hexFelts(c.Felts()...)})
	}
	credits := seeded(103)
	for _, c := range creditCases {
		balance, incoming, sum := credits.cancelling(t, keys[2], c[0], c[1])
		v.Credits = append(v.Credits, creditVector{
			v.Keys[2].Public, hexFelts(balance.Felts()...), hexFelts(incoming.Felts()...), hexFelts(sum.Felts()...),
		})
	}
	cases := proofCases(t, 101)
	for _, c := range cases {
		v.Proofs = append(v.Proofs, c.vector(t))
	}
	v.Invalid = invalidVectors(t, cases)
	for _, c := range forgedCases(t) {
		var invalid *InvalidError
		if err := c.verify(); !errors.As(err, &invalid) {
			t.Fatalf("%s: %v", c.name, err)
		}
		v.Forged = append(v.Forged, forgedVector{c.vector(t), invalid.Check.String()})
	}
	return v
}

// forgedCases are proofs whose maker did all that can be done without a true
// statement: well formed, with the right challenges.
func forgedCases(t *testing.T) []*proofCase {
	w := newWorld(t, 102)
	y := w.payer.Public()
	ranged := func(name string, c Ciphertext, p *RangeProof) *proofCase {
		return &proofCase{
			name: name, kind: kindRange, ctx: w.ctx, keys: []PublicKey{y}, ciphertexts: []Ciphertext{c},
			values: []Felt{feltOf(uint64(len(p.Bits)))}, felts: p.Felts(),
		}
	}
	negative := newOpening(y, minus(1), must(w.scalar())(t))
	unlinked := must(w.rangeOf(negative.o(), w.ctx, 255, 8))(t)
	_, weak, trapdoor := w.forgeWithTrapdoor(t)
	s := w.transferStatement(false)
	transfer := func(name string, m *Transfer) *proofCase {
		return &proofCase{name: name, kind: kindTransfer, ctx: w.ctx, keys: []PublicKey{s.From, s.To}, felts: m.Felts()}
	}
	secrets := must(w.scalars(transferSecrets))(t)
	secrets[secretX], secrets[secretB], secrets[secretM] = w.payer.s().x, minus(5), scalarOf(uint64(w.balance)+5)
	stolen := w.forgeBit(t, s, secrets, uint64(w.balance)+5, 0)
	secrets[secretB], secrets[secretM] = scalarOf(uint64(w.balance)+1), minus(1)
	overspent := must(w.transfer(&s, secrets, uint64(w.balance)+1, 0))(t)
	return []*proofCase{
		ranged("-1 with the bits of 255", negative.o().under(y), unlinked),
		ranged("-5 by a generator of known logarithm", weak, trapdoor),
		transfer("-5 in the place of a bit", stolen), transfer("one more than the balance", overspent),
	}
}

func counterOf(h Point) int {
	for i := 1; ; i++ {
		if x := poseidon.HashMany(mustShortString(generatorSeed), feltOf(uint64(i))); x == Felt(h.p.X) {
			return i
		}
	}
}

func (c *proofCase) vector(t *testing.T) proofVector {
	ctx := &c.ctx
	v := proofVector{
		Name: c.name, Kind: c.kind, Operation: ctx.Operation, ChainID: hexFelt(ctx.ChainID),
		Contract: hexFelt(ctx.Contract), Sender: hexFelt(ctx.Sender), Nonce: hexFelt(feltOf(ctx.Nonce)),
		Job: hex.EncodeToString(ctx.JobID[:]), ProofHash: hex.EncodeToString(ctx.ProofHash[:]),
		Balance: hexFelts(ctx.Balance.Felts()...), Audited: c.audited(), Values: hexFelts(c.values...), Felts: hexFelts(c.felts...),
	}
	for _, y := range c.keys {
		v.Keys = append(v.Keys, hexFelts(y.Felts()...))
	}
	for _, d := range c.ciphertexts {
		v.Ciphertexts = append(v.Ciphertexts, hexFelts(d.Felts()...))
	}
	tr, proof, bits := c.transcript(t)
	v.Transcript = hexFelts(must(tr.Felts())(t)...)
	prefix := must(tr.Prefix())(t)
	v.Prefix = hexFelt(prefix)
	h, _ := challenge(prefix, proof.A...)
	v.Challenge = hexFelt(scalarFelt(&h))
	for _, l := range bits {
		at, one := bitsPrefix(prefix, l.label), feltOf(1)
		for i := range l.bits {
			b := &l.bits[i]
			h, _ := challenge(at, b.V, b.A0, b.A1)
			v.BitChallenges = append(v.BitChallenges, hexFelt(scalarFelt(&h)))
			at.Add(&at, &one)
		}
	}
	return v
}

type labelled struct {
	label string
	bits  []BitProof
}

// transcript returns a proof's transcript, its sigma proof and its bits.
func (c *proofCase) transcript(t *testing.T) (Transcript, *Proof, []labelled) {
	tr := Transcript{Kind: c.kind, Context: c.ctx, Keys: c.keys, Ciphertexts: c.ciphertexts, Values: slices.Clone(c.values)}
	switch p := must(c.parse())(t).(type) {
	case *RangeProof:
		tr.Commitments = []Point{sum(p.Bits)}
		return tr, &p.Link, []labelled{{labelAmount, p.Bits}}
	case *Transfer:
		tr.Ciphertexts = []Ciphertext{p.Self, p.Recipient}
		if c.audited() {
			tr.Ciphertexts = append(tr.Ciphertexts, p.AuditAmount, p.AuditRemainder)
		}
		tr.Commitments = []Point{sum(p.Amount), sum(p.Remainder)}
		tr.Values = []Felt{feltOf(Bits)}
		return tr, &p.Proof, []labelled{{labelAmount, p.Amount}, {labelRemainder, p.Remainder}}
	case *Withdraw:
		if c.audited() {
			tr.Ciphertexts = []Ciphertext{p.AuditRemainder}
		}
		tr.Commitments = []Point{sum(p.Remainder)}
		tr.Values = append(tr.Values, feltOf(Bits))
		return tr, &p.Proof, []labelled{{labelRemainder, p.Remainder}}
	case *Proof:
		return tr, p, nil
	}
	t.Fatal("no transcript")
	return tr, nil, nil
}

// invalidVectors changes valid proofs and notes the check that each fails.
func invalidVectors(t *testing.T, cases []*proofCase) (out []invalidVector) {
	n, p := "0x"+fr.Modulus().Text(16), "0x"+fp.Modulus().Text(16)
	add := func(name, of string, change map[string]string) {
		t.Helper()
		v := invalidVector{Name: name, Of: of, Change: change}
		v.Reason = reasonOf(t, v, cases)
		out = append(out, v)
	}
	for _, c := range cases {
		f := func(i int) string { return "felts/" + strconv.Itoa((i+len(c.felts))%len(c.felts)) }
		add("another chain", c.name, map[string]string{"chain_id": "0x1"})
		add("another contract", c.name, map[string]string{"contract": "0x1"})
		add("another sender", c.name, map[string]string{"sender": "0x1"})
		add("another nonce", c.name, map[string]string{"nonce": "0x1"})
		add("another job", c.name, map[string]string{"job": strings.Repeat("01", 32)})
		add("another proof hash", c.name, map[string]string{"proof_hash": strings.Repeat("01", 32)})
		add("another operation", c.name, map[string]string{"operation": "other"})
		add("another key", c.name, map[string]string{"keys/0/0": hexFelt(Felt(Generator().p.X)), "keys/0/1": hexFelt(Felt(Generator().p.Y))})
		add("identity", c.name, map[string]string{f(0): "0x0", f(1): "0x0"})
		add("point off the curve", c.name, map[string]string{f(1): "0x1"})
		add("felt not canonical", c.name, map[string]string{f(0): p})
		add("scalar not canonical", c.name, map[string]string{f(-1): n})
		add("response changed", c.name, map[string]string{f(-1): "0x1"})
		if c.kind == kindWithdraw || c.kind == kindRagequit {
			add("another amount", c.name, map[string]string{"values/0": "0x1"})
			add("amount of 41 bits", c.name, map[string]string{"values/0": "0x10000000000"})
			add("another recipient", c.name, map[string]string{"values/1": "0x1"})
			add("recipient zero", c.name, map[string]string{"values/1": "0x0"})
		}
		if first, ok := bitOffset[c.kind]; ok {
			if c.kind != kindRange && c.audited() {
				first += map[string]int{kindTransfer: 8, kindWithdraw: 4}[c.kind]
			}
			add("bit challenge changed", c.name, map[string]string{f(first + 6): "0x1"})
			add("bit response changed", c.name, map[string]string{f(first + 8): "0x1"})
		}
	}
	return out
}

// bitOffset is where the bits begin in a message, without an auditor.
var bitOffset = map[string]int{kindRange: 0, kindTransfer: 8, kindWithdraw: 0}

func reasonOf(t *testing.T, v invalidVector, cases []*proofCase) string {
	t.Helper()
	i := slices.IndexFunc(cases, func(c *proofCase) bool { return c.name == v.Of })
	err := changed(t, cases[i].vector(t), v.Change)
	var invalid *InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("%s of %s: %v", v.Name, v.Of, err)
	}
	return invalid.Check.String()
}

// changed verifies a vector after a change.
func changed(t *testing.T, v proofVector, change map[string]string) error {
	v.Felts, v.Values, v.Keys = slices.Clone(v.Felts), slices.Clone(v.Values), slices.Clone(v.Keys)
	for path, value := range change {
		at := strings.Split(path, "/")
		index := make([]int, len(at))
		for i := range at {
			index[i], _ = strconv.Atoi(at[i])
		}
		switch at[0] {
		case "felts":
			v.Felts[index[1]] = value
		case "values":
			v.Values[index[1]] = value
		case "keys":
			v.Keys[index[1]] = slices.Clone(v.Keys[index[1]])
			v.Keys[index[1]][index[2]] = value
		default:
			*map[string]*string{
				"operation": &v.Operation, "chain_id": &v.ChainID, "contract": &v.Contract, "sender": &v.Sender,
				"nonce": &v.Nonce, "job": &v.Job, "proof_hash": &v.ProofHash,
			}[at[0]] = value
		}
	}
	c, err := v.proofCase(t)
	if err != nil {
		return err
	}
	return c.verify()
}

// proofCase reads a vector.
func (v *proofVector) proofCase(t *testing.T) (*proofCase, error) {
	c := &proofCase{name: v.Name, kind: v.Kind}
	felt := func(s string) Felt { return must(parseHex(s))(t) }
	c.ctx = Context{Operation: v.Operation, ChainID: felt(v.ChainID), Contract: felt(v.Contract), Sender: felt(v.Sender), Nonce: uint64Of(felt(v.Nonce))}
	copy(c.ctx.JobID[:], must(hex.DecodeString(v.Job))(t))
	copy(c.ctx.ProofHash[:], must(hex.DecodeString(v.ProofHash))(t))
	c.ctx.Balance = must(ParseCiphertext(must(parseHexes(v.Balance))(t)))(t)
	for _, y := range v.Keys {
		f := must(parseHexes(y))(t)
		c.keys = append(c.keys, must(NewPublicKey(f[0], f[1]))(t))
	}
	for _, d := range v.Ciphertexts {
		c.ciphertexts = append(c.ciphertexts, must(ParseCiphertext(must(parseHexes(d))(t)))(t))
	}
	c.values = must(parseHexes(v.Values))(t)
	var err error
	c.felts, err = parseHexes(v.Felts)
	return c, err
}

func readVectors(t testing.TB) *vectors {
	t.Helper()
	v := new(vectors)
	require.NoError(t, json.Unmarshal(must(os.ReadFile(vectorsFile))(t), v))
	return v
}

// TestVectorsFromFile verifies what is in the file, as another implementation
// would.
func TestVectorsFromFile(t *testing.T) {
	v := readVectors(t)
	proofs := make(map[string]proofVector)
	for _, p := range v.Proofs {
		proofs[p.Name] = p
		assert.NoError(t, changed(t, p, nil), "%s", p.Name)
	}
	for _, i := range v.Invalid {
		err := changed(t, proofs[i.Of], i.Change)
		var invalid *InvalidError
		if !errors.As(err, &invalid) || invalid.Check.String() != i.Reason {
			t.Errorf("%s of %s: %v, want %s", i.Name, i.Of, err, i.Reason)
		}
	}
	for _, f := range v.Forged {
		err := changed(t, f.proofVector, nil)
		var invalid *InvalidError
		if !errors.As(err, &invalid) || invalid.Check.String() != f.Reason {
			t.Errorf("%s: %v, want %s", f.Name, err, f.Reason)
		}
	}
	for i, c := range v.Ciphertexts {
		k := must(DecodeSecretKey(EncodeFelts(must(parseHexes([]string{v.Keys[c.Key].Secret}))(t))))(t)
		d := must(ParseCiphertext(must(parseHexes(c.Felts))(t)))(t)
		amount := uint64Of(must(parseHex(c.Amount))(t))
		r := must(NewScalar(must(parseHex(c.Randomness))(t)))(t)
		if o := newOpening(k.Public(), scalarOf(amount), r.s); !o.o().under(k.Public()).Equal(d) || !k.Holds(d, Amount(amount)) {
			t.Errorf("ciphertext %d is wrong", i)
		}
	}
	ciphertext := func(hex []string) Ciphertext { return must(ParseCiphertext(must(parseHexes(hex))(t)))(t) }
	for i, c := range v.Credits {
		f := must(parseHexes(c.Key))(t)
		y := must(NewPublicKey(f[0], f[1]))(t)
		if got := must(Credit(y, ciphertext(c.Balance), ciphertext(c.Incoming)))(t); !got.Equal(ciphertext(c.Sum)) {
			t.Errorf("credit %d is wrong", i)
		}
	}
	if len(v.Proofs) < 13 || len(v.Invalid) < 150 || len(v.Forged) < 4 {
		t.Errorf("only %d valid, %d invalid and %d forged proofs", len(v.Proofs), len(v.Invalid), len(v.Forged))
	}
}
