package proof

import (
	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/program"
	"github.com/bitsage/bitsage/internal/stark"
)

// Report is what a successful verification says of a proof.
type Report struct {
	Profile  Profile
	Security SecurityReport
}

// Verify verifies a proof of the statement under the profile that the caller
// pins. It returns how much security the proof has. An error that matches
// ErrInvalid means that the proof is bad; another error, that it was not checked
// because the statement or profile is unusable. Verify never panics on any proof.
//
// Verify does not know the input or output: see [Statement] for whose business
// the roots are.
func Verify(s Statement, p *Proof, profile Profile) (Report, error) {
	a, err := s.AIR(profile)
	if err != nil {
		return Report{}, err
	}
	report, err := securityReport(a, s.Program)
	if err != nil {
		return Report{}, err
	}
	if p == nil || p.stark == nil {
		return Report{}, invalid(CheckConfig, "there is no proof")
	}
	if p.kind != profileKind {
		return Report{}, invalid(CheckConfig, "the proof was made with %v, the verifier wants %v", p.kind, profileKind)
	}
	if err := checkRoots(s, p.stark.Commitments); err != nil {
		return Report{}, err
	}
	if _, err := a.Verify(p.stark); err != nil {
		return Report{}, judged(err)
	}
	return Report{profile, report}, nil
}

// checkRoots compares the proof's commitments with the statement's, which stwo's
// own verifier leaves to its caller.
func checkRoots(s Statement, roots []stark.Hash) error {
	if len(roots) < 2 {
		return invalid(CheckCommitments, "%d roots, want at least 2", len(roots))
	}
	if got := Digest(roots[program.InputTree]); got != s.JobRoot {
		return invalid(CheckJobRoot, "the proof is about the input committed as %v, not %v", got, s.JobRoot)
	}
	q, err := s.Program.parse()
	if err != nil {
		return err
	}
	if _, ok := q.(program.OutputTree); !ok {
		return nil // the transcript binds the digest, and constraints compare it
	}
	if got := Digest(roots[program.ResultTree]); got != s.ResultRoot {
		return invalid(CheckResultRoot, "the proof is about the result committed as %v, not %v", got, s.ResultRoot)
	}
	return nil
}

// Security returns the security that a proof of the program has under a profile.
func Security(p Program, profile Profile) (SecurityReport, error) {
	s := Statement{Program: p}
	a, err := s.AIR(profile)
	if err != nil {
		return SecurityReport{}, err
	}
	return securityReport(a, p)
}

func securityReport(a *air.AIR, p Program) (SecurityReport, error) {
	return securityParams(a, p).Report()
}

// securityParams returns what the soundness of a proof of the program depends on.
func securityParams(a *air.AIR, p Program) SecurityParams {
	cfg := a.Config
	params := SecurityParams{
		LogBlowup: cfg.LogBlowup, Queries: cfg.Queries, PowBits: cfg.PowBits,
		FoldStep: cfg.FoldStep, LogLastLayer: cfg.LogLastLayer,
		Constraints: a.NumConstraints(), HashBits: 128,
		StatementErrorBits: float64(of(p, program.Program.ErrorBits)),
	}
	for _, i := range a.Info() {
		params.LogRows = max(params.LogRows, i.LogSize)
		params.MaxDegree = max(params.MaxDegree, i.MaxDegree)
	}
	for _, tree := range a.Layout().Columns() {
		for _, c := range tree {
			params.Columns++
			params.Samples += len(c.Offsets)
			if len(c.Offsets) == 2 {
				params.Samples++ // the periodicity sample
			}
		}
	}
	return params
}
