package cpu

import (
	"testing"

	"github.com/bitsage/bitsage/internal/backend/backendtest"
	"github.com/bitsage/bitsage/internal/impl/impltest"
)

func TestBackend(t *testing.T) {
	impltest.Each(t, func(t *testing.T) { backendtest.Run(t, guardedBackend{t: t}) })
}
