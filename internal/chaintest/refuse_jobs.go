package chaintest

import (
	"testing"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/cairo/bindings/jobmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/paymentrouter"
	"github.com/bitsage/bitsage/internal/calldata"
	"github.com/bitsage/bitsage/proof"
)

func jobRefusals() []refusal {
	const c = "JobManager"
	step := func(function, when, code string, by func(*scene) *party, call func(*scene) chain.Call) refusal {
		return refusal{c, function, when, code, func(t *testing.T, s *scene) attempt { return attempt{by(s), call(s)} }}
	}
	stranger := func(s *scene) *party { return s.stranger }
	client := func(s *scene) *party { return s.client }
	operator := func(s *scene) *party { return s.worker.operator }
	out := []refusal{
		{c, "configure", "by a stranger", "UNAUTHORIZED", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.jobs, jobmanager.ConfigureCall(s.stranger.Address()))
		}},
		{c, "configure", "a second time", "ALREADY_CONFIGURED", func(t *testing.T, s *scene) attempt {
			return s.owner.at(s.jobs, jobmanager.ConfigureCall(s.owner.Address()))
		}},

		step("accept_job", "by a stranger", "UNAUTHORIZED", stranger, func(s *scene) chain.Call { return s.submitted.acceptCall() }),
		step("accept_job", "by the client", "UNAUTHORIZED", client, func(s *scene) chain.Call { return s.submitted.acceptCall() }),
		step("accept_job", "by another worker", "UNAUTHORIZED", func(s *scene) *party { return s.rival }, func(s *scene) chain.Call { return s.submitted.acceptCall() }),
		step("accept_job", "by another worker's operator", "UNAUTHORIZED", func(s *scene) *party { return s.rival.operator },
			func(s *scene) chain.Call { return s.submitted.acceptCall() }),
		step("accept_job", "that does not exist", "BAD_STATE", operator, func(s *scene) chain.Call { return s.jobs.call(jobmanager.AcceptJobCall(jobmanager.JobID{})) }),
		step("accept_job", "a second time", "BAD_STATE", operator, func(s *scene) chain.Call { return s.accepted.acceptCall() }),
		step("accept_job", "that was cancelled", "BAD_STATE", operator, func(s *scene) chain.Call { return s.refunded.acceptCall() }),
		step("accept_job", "after the lock deadline", "TOO_LATE", operator, func(s *scene) chain.Call { return s.lateSubmitted.acceptCall() }),
		step("accept_job", "by who deregistered", "NOT_A_WORKER", func(s *scene) *party { return s.quitter }, func(s *scene) chain.Call { return s.forQuitter.acceptCall() }),
		step("accept_job", "with a stake that is not locked", "STAKE_NOT_VALID", func(s *scene) *party { return s.unlocked.operator },
			func(s *scene) chain.Call { return s.forUnlocked.acceptCall() }),
		step("accept_job", "when all of the stake is bonded", "BOND_EXCEEDS_STAKE", func(s *scene) *party { return s.busy.operator },
			func(s *scene) chain.Call { return s.forBusy.acceptCall() }),

		step("finalize", "without a certificate", "NO_VERDICT", stranger, func(s *scene) chain.Call { return s.proven.finalizeCall() }),
		step("finalize", "before a proof", "BAD_STATE", stranger, func(s *scene) chain.Call { return s.accepted.finalizeCall() }),
		step("finalize", "a second time", "BAD_STATE", stranger, func(s *scene) chain.Call { return s.payable.finalizeCall() }),

		step("cancel", "by a stranger", "UNAUTHORIZED", stranger, func(s *scene) chain.Call { return s.submitted.cancelCall() }),
		step("cancel", "by the worker", "UNAUTHORIZED", operator, func(s *scene) chain.Call { return s.submitted.cancelCall() }),
		step("cancel", "by the owner", "UNAUTHORIZED", func(s *scene) *party { return s.owner }, func(s *scene) chain.Call { return s.submitted.cancelCall() }),
		step("cancel", "after the worker accepted", "BAD_STATE", client, func(s *scene) chain.Call { return s.accepted.cancelCall() }),
		step("cancel", "a second time", "BAD_STATE", client, func(s *scene) chain.Call { return s.refunded.cancelCall() }),

		step("expire", "before the lock deadline", "TOO_EARLY", stranger, func(s *scene) chain.Call { return s.submitted.expireCall() }),
		step("expire", "before the deadline", "TOO_EARLY", stranger, func(s *scene) chain.Call { return s.accepted.expireCall() }),
		step("expire", "with a proof before the deadline", "TOO_EARLY", stranger, func(s *scene) chain.Call { return s.proven.expireCall() }),
		step("expire", "against a certificate", "HAS_VERDICT", client, func(s *scene) chain.Call { return s.decided.expireCall() }),
		step("expire", "of a job that ended", "BAD_STATE", client, func(s *scene) chain.Call { return s.payable.expireCall() }),
	}
	return append(append(append(out, submissionRefusals()...), resultRefusals()...), paymentRefusals()...)
}

// submissionRefusals are those of a job apart from its payment.
func submissionRefusals() []refusal {
	row := func(when, code string, change func(*testing.T, *scene, *job)) refusal {
		return refusal{"JobManager", "submit_job", when, code, func(t *testing.T, s *scene) attempt {
			j := s.newJob(t, s.client, s.worker, sceneFee)
			change(t, s, j)
			return attempt{j.client, j.submitCall(nil)}
		}}
	}
	return []refusal{
		row("to oneself", "SELF_JOB", func(t *testing.T, s *scene, j *job) { j.worker = s.client }),
		row("twice", "JOB_EXISTS", func(t *testing.T, s *scene, j *job) { j.task = s.submitted.task }),
		row("that was cancelled", "JOB_EXISTS", func(t *testing.T, s *scene, j *job) { j.task = s.refunded.task }),
		row("with a lock deadline that is over", "BAD_DEADLINE", func(t *testing.T, s *scene, j *job) { j.lock = s.now(t) }),
		row("with the deadlines exchanged", "BAD_DEADLINE", func(t *testing.T, s *scene, j *job) { j.lock, j.deadline = j.deadline, j.lock }),
		row("with a deadline after 90 days", "BAD_DEADLINE", func(t *testing.T, s *scene, j *job) { j.deadline = s.now(t) + 91*24*3600 }),
		row("with a deadline after all time", "BAD_DEADLINE", func(t *testing.T, s *scene, j *job) { j.deadline = 1<<64 - 1 }),
		row("under an unknown profile", "PROFILE_TOO_WEAK", func(t *testing.T, s *scene, j *job) { j.profile = "weak" }),
		row("under the profile of test networks", "PROFILE_TOO_WEAK", func(t *testing.T, s *scene, j *job) { j.profile = proof.TestOnly.String() }),
		row("without a confidential account", "NO_ACCOUNT", func(t *testing.T, s *scene, j *job) { j.client = s.stranger }),
		row("without a payment", "PROOF_LENGTH", func(t *testing.T, s *scene, j *job) {}),
		{"JobManager", "submit_job", "for nobody", "ZERO_ADDRESS", func(t *testing.T, s *scene) attempt {
			return s.client.at(s.jobs, jobmanager.SubmitJobCall(unit, unit, unit, text("std"), nobody, 1, 2, nil))
		}},
		{"JobManager", "submit_job", "for who has no confidential account", "NO_ACCOUNT", func(t *testing.T, s *scene) attempt {
			j := s.newJob(t, s.client, s.stranger, sceneFee)
			return attempt{s.client, j.submitCall(nil)}
		}},
	}
}

// resultRefusals are those of a worker's result, and of evidence of a second one.
func resultRefusals() []refusal {
	type result struct {
		by                    *party
		job                   *job
		resultRoot, proofHash calldata.U256
		signs                 *job // what the signature is for
		signer                *party
		signedChain           chain.Felt
	}
	row := func(function, when, code string, change func(*testing.T, *scene, *result)) refusal {
		return refusal{"JobManager", function, when, code, func(t *testing.T, s *scene) attempt {
			r := result{by: s.worker.operator, job: s.accepted, signer: s.worker, signedChain: s.chainID}
			if function == "report_equivocation" {
				r.by, r.job = s.stranger, s.proven
			}
			r.resultRoot, r.proofHash = r.job.resultRoot, digest("the proof of this row")
			change(t, s, &r)
			if r.signs == nil {
				signed := *r.job
				signed.resultRoot, signed.proofHash = r.resultRoot, r.proofHash
				r.signs = &signed
			}
			sig := jobmanager.Signature(r.signer.signs(t, factHash(r.signedChain, r.signs.fact())))
			if function == "submit_proof" {
				return r.by.at(s.jobs, jobmanager.SubmitProofCall(r.job.key(), r.resultRoot, r.proofHash, sig))
			}
			return r.by.at(s.jobs, jobmanager.ReportEquivocationCall(r.job.key(), r.resultRoot, r.proofHash, sig))
		}}
	}
	var out []refusal
	for _, f := range []string{"submit_proof", "report_equivocation"} {
		out = append(out,
			row(f, "signed by another", "BAD_SIGNATURE", func(t *testing.T, s *scene, r *result) { r.signer = s.rival }),
			row(f, "signed by the operator", "BAD_SIGNATURE", func(t *testing.T, s *scene, r *result) { r.signer = s.worker.operator }),
			row(f, "signed for another job", "BAD_SIGNATURE", func(t *testing.T, s *scene, r *result) { r.signs = s.submitted }),
			row(f, "signed for another proof", "BAD_SIGNATURE", func(t *testing.T, s *scene, r *result) { r.signs = r.job }),
			row(f, "signed for another chain", "BAD_SIGNATURE", func(t *testing.T, s *scene, r *result) { r.signedChain = text("SN_OTHER") }),
			row(f, "before the job was accepted", "BAD_STATE", func(t *testing.T, s *scene, r *result) { r.job = s.submitted }),
			row(f, "after the end", "BAD_STATE", func(t *testing.T, s *scene, r *result) { r.job = s.payable }),
		)
	}
	return append(out,
		row("submit_proof", "by a stranger", "UNAUTHORIZED", func(t *testing.T, s *scene, r *result) { r.by = s.stranger }),
		row("submit_proof", "by the client", "UNAUTHORIZED", func(t *testing.T, s *scene, r *result) { r.by = s.client }),
		row("submit_proof", "by another worker", "UNAUTHORIZED", func(t *testing.T, s *scene, r *result) { r.by = s.rival }),
		row("submit_proof", "a second time", "BAD_STATE", func(t *testing.T, s *scene, r *result) { r.job = s.proven }),
		row("submit_proof", "after the deadline", "TOO_LATE", func(t *testing.T, s *scene, r *result) { r.job = s.lateAccepted }),
		row("report_equivocation", "of the only result", "NO_OFFENCE", func(t *testing.T, s *scene, r *result) { r.resultRoot, r.proofHash = r.job.resultRoot, r.job.proofHash }),
		row("report_equivocation", "a second time", "ALREADY_SLASHED", func(t *testing.T, s *scene, r *result) { r.job = s.stripped }),
	)
}

// paymentRefusals are those of PaymentRouter.
func paymentRefusals() []refusal {
	const c = "PaymentRouter"
	var out []refusal
	for _, who := range outsiders {
		id := func(s *scene) paymentrouter.JobID { return paymentrouter.JobID{Value: s.proven.id} }
		out = append(out,
			refusal{c, "escrow", "by " + who.name, "UNAUTHORIZED", func(t *testing.T, s *scene) attempt {
				j := s.newJob(t, s.client, s.worker, sceneFee)
				return who.of(s).at(s.payments, paymentrouter.EscrowCall(paymentrouter.JobID{Value: j.id}, s.client.Address(), s.worker.Address(), j.payment(t)))
			}},
			refusal{c, "settle", "by " + who.name, "UNAUTHORIZED", func(t *testing.T, s *scene) attempt {
				return who.of(s).at(s.payments, paymentrouter.SettleCall(id(s), s.proven.proofHash))
			}},
			refusal{c, "refund", "by " + who.name, "UNAUTHORIZED", func(t *testing.T, s *scene) attempt {
				return who.of(s).at(s.payments, paymentrouter.RefundCall(id(s)))
			}},
		)
	}
	type release struct {
		job       *job
		worker    chain.Felt
		fee       paymentrouter.Ciphertext
		proofHash calldata.U256
	}
	row := func(when, code string, change func(*testing.T, *scene, *release)) refusal {
		return refusal{c, "submit_payment_with_proof", when, code, func(t *testing.T, s *scene) attempt {
			r := release{s.payable, s.worker.Address(), s.payable.paid(t).Fee, s.payable.proofHash}
			change(t, s, &r)
			return attempt{s.worker.operator, r.job.release(r.worker, r.fee, r.proofHash)}
		}}
	}
	of := func(j func(*scene) *job) func(*testing.T, *scene, *release) {
		return func(t *testing.T, s *scene, r *release) {
			r.job, r.fee, r.proofHash = j(s), j(s).paid(t).Fee, j(s).proofHash
		}
	}
	return append(out,
		row("a second time", "BAD_STATE", of(func(s *scene) *job { return s.released })),
		row("of a job that is not finalized", "BAD_STATE", of(func(s *scene) *job { return s.decided })),
		row("of a job without a proof", "BAD_STATE", of(func(s *scene) *job { return s.accepted })),
		row("of a job that was refunded", "BAD_STATE", of(func(s *scene) *job { return s.refunded })),
		row("of no job", "BAD_STATE", func(t *testing.T, s *scene, r *release) { r.job = s.newJob(t, s.client, s.worker, 0) }),
		row("to another worker", "WRONG_PAYMENT", func(t *testing.T, s *scene, r *release) { r.worker = s.rival.Address() }),
		row("to the client", "WRONG_PAYMENT", func(t *testing.T, s *scene, r *release) { r.worker = s.client.Address() }),
		row("for another proof", "WRONG_PAYMENT", func(t *testing.T, s *scene, r *release) { r.proofHash = s.released.proofHash }),
		row("of another job's fee", "WRONG_PAYMENT", func(t *testing.T, s *scene, r *release) { r.fee = s.released.paid(t).Fee }),
		row("of the refund", "WRONG_PAYMENT", func(t *testing.T, s *scene, r *release) { r.fee = s.payable.paid(t).Refund }),
		row("with the parts exchanged", "WRONG_PAYMENT", func(t *testing.T, s *scene, r *release) { r.fee.L, r.fee.R = r.fee.R, r.fee.L }),
		row("of the same fee encrypted anew", "WRONG_PAYMENT", func(t *testing.T, s *scene, r *release) {
			f := feeFelts(r.fee)
			anew := must(elgamal.Rerandomize(s.worker.secret.Public(), must(elgamal.ParseCiphertext(f[:]))(t)))(t).Felts()
			r.fee = paymentrouter.Ciphertext{L: paymentrouter.Point{X: anew[0], Y: anew[1]}, R: paymentrouter.Point{X: anew[2], Y: anew[3]}}
		}),
		row("of a point off the curve", "WRONG_PAYMENT", func(t *testing.T, s *scene, r *release) { r.fee.L.Y = r.fee.L.X }),
		row("of the identity", "WRONG_PAYMENT", func(t *testing.T, s *scene, r *release) { r.fee = paymentrouter.Ciphertext{} }),
	)
}
