package proof

import "testing"

// TestProgramID pins identifiers, which are on the chain for good.
func TestProgramID(t *testing.T) {
	seen := make(map[Digest]Program)
	for p, want := range map[Program]string{
		MatMul(1, 1, 1):           "dda6140f8047de62cde69912c4aecc058b9cee3bc9d50cb5ea917f565a25593f",
		MatMul(16, 16, 16):        "a03549bd828373a843d775d6178d5079319a93191424900048ccd02df038ba0e",
		MatMulOf(M31, 16, 16, 16): "699710a432c59c9ea1941920551f8689af24f717f30811d31b56c71b9d9603d6",
		MatMul(2, 3, 4):           "a267b28d63feb6a111bb4f89850086eedda8c89686ebb282813119d24cbb8161",
		MatMul(2, 4, 3):           "f80b503637ceb2fe97fc45efee73cde6fe32011799eabfa0eccc474f16f2c41d",
		MatMul(4, 3, 2):           "c68fc8e617acea8ef47629cf1bdb24bff6f5269e6565c5aea58fe04f2867b001",
	} {
		id := p.ID()
		if got := id.String(); got != want {
			t.Errorf("%v: %s, want %s", p, got, want)
		}
		if other, ok := seen[id]; ok {
			t.Errorf("%v and %v have the same identifier", p, other)
		}
		seen[id] = p
	}
}

func TestRows(t *testing.T) {
	for p, want := range map[Program]int{
		MatMul(1, 1, 1): 16, MatMul(16, 16, 16): 16, MatMul(64, 64, 64): 128, MatMul(1024, 1024, 1024): 1 << 15,
	} {
		if got := p.Rows(); got != want {
			t.Errorf("%v has %d rows, want %d", p, got, want)
		}
	}
}
