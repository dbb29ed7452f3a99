package proof

import (
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/stark/codec"
)

// Calldata returns the proof as Starknet calldata, eight M31 to a felt
// (docs/spec/proof.md).
func (p *Proof) Calldata() ([]felt.Felt, error) { return codec.Calldata(p.stark, p.kind) }

// ParseCalldata is the inverse of Calldata and refuses everything else.
func ParseCalldata(felts []felt.Felt) (*Proof, error) {
	s, kind, err := codec.ParseCalldata(felts)
	if err != nil {
		return nil, malformed(err)
	}
	return &Proof{kind, s}, nil
}
