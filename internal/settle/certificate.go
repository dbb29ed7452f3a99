package settle

import (
	"context"
	"errors"
	"math"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/internal/calldata"
)

// ErrNoCertificate means that a transaction recorded no certificate of a fact, or
// not in a call that its sender made itself.
var ErrNoCertificate = errors.New("settle: the transaction has no certificate of the fact")

// factFelts is the length of a Fact in calldata.
var factFelts = len(new(consensus.Fact).Calldata())

// Certificate returns the certificate of a fact that a transaction recorded. Events
// tell who signed; the signatures are in the transaction alone. They are not
// checked here. It fails with ErrNoCertificate.
func (c *Contracts) Certificate(ctx context.Context, tx chain.Felt, fact consensus.FactID) (*consensus.Certificate, error) {
	var t chain.InvokeTx
	if err := c.client.Do(ctx, "starknet_getTransactionByHash", map[string]any{"transaction_hash": tx.String()}, &t); err != nil {
		return nil, err
	}
	d := calldata.NewDecoder(t.Calldata)
	for range d.Len() {
		to, selector, data := d.Felt(), d.Felt(), d.Felts()
		if to != c.verifier || selector != selectorRecord || len(data) < factFelts {
			continue
		}
		id, err := c.factID(data[:factFelts])
		if err != nil {
			return nil, err
		}
		if id != fact {
			continue
		}
		return decodeCertificate(fact, data[factFelts:])
	}
	return nil, ErrNoCertificate
}

// factID returns the hash of the felts of a fact.
func (c *Contracts) factID(felts []felt.Felt) (consensus.FactID, error) {
	d := calldata.NewDecoder(felts)
	f := consensus.Fact{
		JobID: d.Felt(), ProgramID: digest(d), Profile: d.Felt(), JobRoot: digest(d),
		ResultRoot: digest(d), Worker: d.Felt(), ProofHash: digest(d),
	}
	return f.ID(c.chainID), d.Close()
}

func digest(d *calldata.Decoder) consensus.Digest { return consensus.Digest(d.U256()) }

func decodeCertificate(fact consensus.FactID, felts []felt.Felt) (*consensus.Certificate, error) {
	d := calldata.NewDecoder(felts)
	c := &consensus.Certificate{Epoch: d.Uint(math.MaxUint64), Fact: fact, Verdict: consensus.Verdict(d.Uint(math.MaxUint8)), Bitmap: d.Uint(math.MaxUint64)}
	for range d.Len() {
		c.Signatures = append(c.Signatures, consensus.Normalize(consensus.Signature{R: d.Felt(), S: d.Felt()}))
	}
	return c, d.Close()
}
