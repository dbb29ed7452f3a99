package cairo

// What a transaction costs: see the documentation of package ledger.
const (
	gasBase     = 200_000
	gasCalldata = 5_120 // a felt of calldata or signature
	gasCall     = 50_000
	gasWrite    = 20_000
	GasCurve    = 300_000
	gasSierra   = 40_960 // a felt of a declared program
	dataBase    = 128
	dataWrite   = 32

	// MaxGas is the L2 gas that a transaction may use, whatever its bounds are.
	MaxGas = 1_110_000_000
)

// Usage is what an execution used.
type Usage struct {
	Calldata uint64 // felts of calldata and signature
	Calls    uint64
	Writes   uint64 // of storage slots
	Curve    uint64 // multiplications of points
	Sierra   uint64 // felts of a declared program
}

// gas is what an execution costs, by kinds of gas.
type gas struct{ L1, L1Data, L2 uint64 }

// Gas is what the usage costs. A reverted one writes nothing.
func (u Usage) Gas(reverted bool) gas {
	writes := u.Writes
	if reverted {
		writes = 0
	}
	return gas{
		L1Data: dataBase + dataWrite*writes,
		L2: gasBase + gasCalldata*u.Calldata + gasCall*u.Calls + gasWrite*writes + GasCurve*u.Curve +
			gasSierra*u.Sierra,
	}
}
