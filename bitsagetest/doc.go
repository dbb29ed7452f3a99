// Package bitsagetest runs a whole network of package bitsage inside a test, as
// httptest does for package net/http:
//
//	func TestProduct(t *testing.T) {
//		n := bitsagetest.New(t, bitsagetest.Options{})
//		job, err := n.Client().Submit(t.Context(), n.Job(0))
//		...
//		n.RequirePaid(t, job.ID)
//	}
//
// A [Network] is a ledger in memory with all contracts, workers, validators and a
// client with money. Everything is real: transactions are signed and executed, jobs
// are proven, proofs are verified, and amounts are encrypted. When the test ends, the
// network stops, and the test fails if money has appeared or vanished, if somebody
// lost a stake without having forged a proof, or if a goroutine is left. In place of a
// *testing.T there may be any [TestingT], such as that of a testify suite or of Ginkgo.
//
// # Faults
//
// [Options.Faults] and [Network.Inject] take statements, separated by newlines or
// semicolons, in a small language; # begins a comment:
//
//	loss 5%                            # messages are lost, connections break
//	delay 10ms..200ms
//	at 5s crash worker/0 for 2s
//	at 3s partition validator/0 validator/1 for 10s
//	rpc reset 3%                       # before or after the node has acted
//	forge worker/1
//
// Every statement may begin with "at" and a time, counted from when it is injected,
// and end with "for" and a time, after which the fault is over. [Network.Heal] ends
// all of them. The statements are
//
//	loss P%              each published message is lost with probability P to each
//	                     receiver; the connection under a request or its response
//	                     breaks with probability P
//	duplicate P%         a published message comes twice with probability P
//	reorder P%           a published message is held back with probability P
//	delay A..B           everything takes between A and B one way, mostly little more
//	                     than A; or delay A
//	slow ROLE... D       what goes to and from the roles takes D longer
//	partition ROLE... [| ROLE...]...
//	                     nothing passes between the sets of roles, and between them
//	                     and the roles in none
//	silence ROLE...      nothing that the roles send arrives; they hear and act
//	crash ROLE...        the roles end at once, with what their disks have at that
//	                     moment, and begin again on it when the fault is over
//	forge ROLE...        the workers change every proof before they sign it
//	rpc reset P%         the connection to the node breaks with probability P, in half
//	                     of the cases after the node has acted on the request
//	rpc stale P%         a call or nonce is answered with probability P as it was one
//	                     block before
//	rpc delay A..B       every request to the node takes between A and B longer
//	heal                 all faults end, those still to come too
//
// Roles are client, client/1, worker/0, validator/3 and so on; worker and validator
// alone are all of them. Of faults of one kind, the one that began last counts. The
// chain itself, and the node's answers to the network's own checks, are never at fault.
//
// # Seeds
//
// [Options.Seed] determines which of the messages that one role sends another under
// one topic or protocol are lost, doubled or delayed, and by how much, and which calls
// of one method of the RPC fail: the k-th of them has the same fate in every run. It
// does not determine how many there are nor how goroutines take turns, which is up to
// the scheduler, nor the encryption's randomness; so a failure may need several runs of
// its seed. Accounts, contracts and identifiers of equal jobs are the same for all
// seeds, and so are proofs.
//
// # Virtual time
//
// A network runs in a bubble of package [testing/synctest], where the ledger's clock,
// timeouts and deadlines follow the bubble's time and hours pass in a moment:
//
//	synctest.Test(t, func(t *testing.T) {
//		n := bitsagetest.New(t, bitsagetest.Options{})
//		n.Inject(t, "at 1s crash worker/0 for 5m")
//		...
//	})
//
// Time stands still while somebody computes: a proof takes no time there.
package bitsagetest
