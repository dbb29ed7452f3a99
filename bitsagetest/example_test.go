package bitsagetest_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/suite"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/bitsagetest"
)

// The functions below are the ones of docs/testing.md and of the package
// documentation.

func TestProduct(t *testing.T) {
	n := bitsagetest.New(t, bitsagetest.Options{})
	job, err := n.Client().Submit(t.Context(), n.Job(0))
	if err != nil {
		t.Fatal(err)
	}
	n.RequirePaid(t, job.ID)
}

type ProductSuite struct {
	suite.Suite
	network *bitsagetest.Network
}

func (s *ProductSuite) SetupTest() { s.network = bitsagetest.New(s.T(), bitsagetest.Options{}) }

func (s *ProductSuite) TestPaid() {
	job, err := s.network.Client().Submit(s.T().Context(), s.network.Job(0))
	s.Require().NoError(err)
	s.network.RequirePaid(s.T(), job.ID)
}

func TestProductSuite(t *testing.T) { suite.Run(t, new(ProductSuite)) }

func TestCrashedWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bitsagetest.New(t, bitsagetest.Options{Faults: "rpc delay 100ms"})
		job, err := n.Client().Submit(t.Context(), n.Job(0))
		if err != nil {
			t.Fatal(err)
		}
		n.Inject(t, "crash worker/0 for 5m")
		start := time.Now()
		n.RequirePaid(t, job.ID)
		if time.Since(start) < 5*time.Minute {
			t.Error("paid by a worker that had crashed")
		}
	})
}

func TestForgedProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := bitsagetest.New(t, bitsagetest.Options{Faults: "forge worker/0"})
		job, err := n.Client().Submit(t.Context(), n.Job(0))
		if err != nil {
			t.Fatal(err)
		}
		_, err = n.Client().Wait(t.Context(), job.ID)
		var rejected *bitsage.RejectedError
		if !errors.As(err, &rejected) {
			t.Errorf("got %v, want a RejectedError", err)
		}
		n.RequireRefunded(t, job.ID)
		n.RequireSlashed(t, "worker/0")
	})
}

func TestPrice(t *testing.T) {
	n := bitsagetest.New(t, bitsagetest.Options{
		Worker: func(cfg *bitsage.WorkerConfig) {
			cfg.Price = func(bitsage.Estimate) bitsage.Amount { return bitsage.SAGE(7) }
		},
	})
	_, err := n.Client().Submit(t.Context(), n.Job(0)) // for at most 1 SAGE
	var none *bitsage.NoQuoteError
	if !errors.As(err, &none) {
		t.Errorf("got %v, want a NoQuoteError", err)
	}
}

func TestOwnClient(t *testing.T) {
	n := bitsagetest.New(t, bitsagetest.Options{})
	account, err := n.NewAccount(t.Context(), bitsage.SAGE(10))
	if err != nil {
		t.Fatal(err)
	}
	client, err := bitsage.NewClient(bitsage.Config{Network: n.Network, Account: account})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Deposit(t.Context(), bitsage.SAGE(10)); err != nil {
		t.Fatal(err)
	}
}
