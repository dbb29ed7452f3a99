package stark

import "fmt"

// Config holds the parameters of the polynomial commitment scheme. There is no
// useful zero value: a verifier pins its configuration and compares.
type Config struct {
	PowBits      int // proof-of-work bits before the queries
	LogBlowup    int // log2 of the inverse rate of the code
	LogLastLayer int // log2 of the number of coefficients of FRI's last layer
	Queries      int // FRI queries drawn; repeated positions count once in the proof
	FoldStep     int // circle and line folds per committed FRI layer
	Lifting      int // log2 of the common evaluation domain, 0 for that of the composition
}

// Limits of a configuration. They bound every length that a verifier allocates.
const (
	MaxQueries   = 1024
	MaxLogBlowup = 8
	MaxLogSize   = 28 // of any evaluation domain
	maxPowBits   = 60
)

// Validate reports whether the configuration is within the limits of this
// package.
func (c Config) Validate() error {
	check := func(name string, v, lo, hi int) error {
		if v < lo || v > hi {
			return fmt.Errorf("stark: %s is %d, want %d to %d", name, v, lo, hi)
		}
		return nil
	}
	for _, err := range []error{
		check("pow_bits", c.PowBits, 0, maxPowBits),
		check("log_blowup_factor", c.LogBlowup, 1, MaxLogBlowup),
		check("log_last_layer_degree_bound", c.LogLastLayer, 0, 16),
		check("n_queries", c.Queries, 1, MaxQueries),
		check("fold_step", c.FoldStep, 1, 10),
		check("lifting_log_size", c.Lifting, 0, MaxLogSize),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// MixInto absorbs the configuration, the usual first step of a transcript.
func (c Config) MixInto(ch Channel) {
	ch.MixFelts([]QM31{
		q(c.PowBits, c.LogBlowup, c.Queries, c.LogLastLayer),
		q(c.FoldStep, c.Lifting, 0, 0),
	})
}

// layer is one committed FRI layer: its evaluations live on a domain of size
// 2^log and fold by 2^fold.
type layer struct{ log, fold int }

// layers returns the FRI layers over a domain of size 2^log, the first being
// that of the circle.
func (c Config) layers(log int) ([]layer, error) {
	end := c.LogLastLayer + c.LogBlowup
	if log-c.FoldStep < end {
		return nil, fmt.Errorf("stark: fold_step %d overshoots the last layer: the domain has log size %d, the last layer %d", c.FoldStep, log, end)
	}
	ls := []layer{{log, c.FoldStep}}
	for log -= c.FoldStep; log > end; {
		fold := min(c.FoldStep, log-end)
		ls = append(ls, layer{log, fold})
		log -= fold
	}
	return ls, nil
}

// packing returns log2 of the number of values in one leaf of the layer's tree.
func (l layer) packing() int {
	if l.fold > 1 && l.log >= 2 {
		return 2
	}
	return 0
}
