package consensus

import (
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
)

func TestVerify(t *testing.T) {
	set := newSet(t, 7, 10, 20, 30, 40) // quorum 67
	sub := newSubmission(1, 1)
	id := sub.Fact.ID(chain)
	otherID := newSubmission(1, 2).Fact.ID(chain)
	vote := newVote(set, 1, id, Valid)
	for name, c := range map[string]struct {
		change func(v *Vote)
		want   error
	}{
		"right":          {func(*Vote) {}, nil},
		"other form":     {func(v *Vote) { v.Signature = otherForm(v.Signature) }, nil}, // Normalize and the codec deal with it
		"other epoch":    {func(v *Vote) { v.Epoch = 8 }, ErrEpoch},
		"no verdict":     {func(v *Vote) { v.Verdict = 0 }, ErrVerdict},
		"index":          {func(v *Vote) { v.Index = 4 }, ErrIndex},
		"other index":    {func(v *Vote) { v.Index = 2 }, ErrSignature},
		"other verdict":  {func(v *Vote) { v.Verdict = Invalid }, ErrSignature},
		"other fact":     {func(v *Vote) { v.Fact = otherID }, ErrSignature},
		"no signature":   {func(v *Vote) { v.Signature = Signature{} }, ErrSignature},
		"s is zero":      {func(v *Vote) { v.Signature.S = felt.Felt{} }, ErrSignature},
		"r out of range": {func(v *Vote) { v.Signature.R = largest }, ErrSignature},
	} {
		v := *vote
		c.change(&v)
		wantErr(t, name, v.Verify(chain, set), c.want)
	}
	wantErr(t, "other chain", vote.Verify(shortString("SN_OTHER"), set), ErrSignature)
	wantErr(t, "other set", vote.Verify(chain, newSet(t, 7, 10, 20, 30, 41)), ErrSignature)

	cert := newCertificate(set, id, Valid, 1, 2, 3)
	for name, c := range map[string]struct {
		change func(c *Certificate)
		want   error
	}{
		"right":          {func(*Certificate) {}, nil},
		"just enough":    {func(c *Certificate) { *c = *newCertificate(set, id, Valid, 2, 3) }, nil}, // 70
		"too little":     {func(c *Certificate) { *c = *newCertificate(set, id, Valid, 1, 3) }, ErrQuorum},
		"nobody":         {func(c *Certificate) { c.Bitmap, c.Signatures = 0, nil }, ErrQuorum},
		"other epoch":    {func(c *Certificate) { c.Epoch = 6 }, ErrEpoch},
		"no verdict":     {func(c *Certificate) { c.Verdict = 3 }, ErrVerdict},
		"other verdict":  {func(c *Certificate) { c.Verdict = Invalid }, ErrSignature},
		"other fact":     {func(c *Certificate) { c.Fact = otherID }, ErrSignature},
		"bit beyond":     {func(c *Certificate) { c.Bitmap |= 1 << 4 }, ErrIndex},
		"bit without":    {func(c *Certificate) { c.Bitmap |= 1 }, ErrSignatureCount},
		"one signature":  {func(c *Certificate) { c.Signatures = c.Signatures[:1] }, ErrSignatureCount},
		"one for all":    {func(c *Certificate) { s := c.Signatures[0]; c.Signatures = []Signature{s, s, s} }, ErrSignature},
		"other order":    {func(c *Certificate) { s := c.Signatures; c.Signatures = []Signature{s[1], s[0], s[2]} }, ErrSignature},
		"other members":  {func(c *Certificate) { c.Bitmap = 0b1101 }, ErrSignature},
		"last one wrong": {func(c *Certificate) { s := c.Signatures; c.Signatures = []Signature{s[0], s[1], s[0]} }, ErrSignature},
	} {
		changed := *cert
		c.change(&changed)
		wantErr(t, "certificate: "+name, changed.Verify(chain, set), c.want)
	}

	no := newVote(set, 1, id, Invalid)
	wantErr(t, "equivocation", newEquivocation(vote, no).Verify(chain, set), nil)
	wantErr(t, "equivocation, reversed", newEquivocation(no, vote).Verify(chain, set), nil)
	wantErr(t, "the same vote twice", (&Equivocation{7, 1, id, vote.Signature, vote.Signature}).Verify(chain, set), ErrSignature)
	wantErr(t, "both forms of one vote", (&Equivocation{7, 1, id, vote.Signature, otherForm(vote.Signature)}).Verify(chain, set), ErrSignature)
	next := newSet(t, 8, 10, 20, 30, 40)
	wantErr(t, "votes of two epochs", (&Equivocation{7, 1, id, vote.Signature, newVote(next, 1, id, Invalid).Signature}).Verify(chain, set), ErrSignature)
	wantErr(t, "evidence of another epoch", newEquivocation(vote, no).Verify(chain, next), ErrEpoch)
	wantErr(t, "evidence against nobody", (&Equivocation{7, 4, id, vote.Signature, no.Signature}).Verify(chain, set), ErrIndex)

	wantErr(t, "false verdict", (&FalseVerdict{*no}).Verify(chain, set, cert), nil)
	wantErr(t, "a right verdict", (&FalseVerdict{*vote}).Verify(chain, set, cert), ErrNoOffence)
	wantErr(t, "no certificate", (&FalseVerdict{*no}).Verify(chain, set, nil), ErrNoOffence)
	wantErr(t, "no verdict", (&FalseVerdict{}).Verify(chain, set, &Certificate{}), ErrNoOffence)
	wantErr(t, "of another fact", (&FalseVerdict{*no}).Verify(chain, set, newCertificate(set, otherID, Valid, 1, 2, 3)), ErrNoOffence)
	forged := *no
	forged.Index = 2
	wantErr(t, "forged", (&FalseVerdict{forged}).Verify(chain, set, cert), ErrSignature)
}

func TestNormalize(t *testing.T) {
	set := newSet(t, 1, 1)
	for i := range byte(20) {
		s := newSubmission(i, i)
		id := s.Fact.ID(chain)
		raw, err := key(0).Sign(t.Context(), VoteHash(chain, set, id, Valid))
		if err != nil {
			t.Fatal(err)
		}
		low := Normalize(Signature(raw))
		if !normal(low) || normal(otherForm(low)) || Normalize(otherForm(low)) != low || low.R != raw.R {
			t.Errorf("signature %d: %v", i, low)
		}
		for _, sig := range []Signature{low, otherForm(low)} {
			v := Vote{1, 0, id, Valid, sig}
			wantErr(t, "a form of a signature", v.Verify(chain, set), nil)
		}
	}
	if sig := (Signature{S: largest}); Normalize(sig) != sig || normal(sig) {
		t.Error("s above the order is normal")
	}
}
