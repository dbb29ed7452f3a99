package cpu

import (
	"testing"

	"github.com/bitsage/bitsage/internal/backend/backendtest"
)

func TestBackend(t *testing.T) { backendtest.Run(t, Backend{}) }
