// Package cpu is the backend that runs on the processor's cores, with their vector
// instructions where there are kernels for them.
package cpu

import "github.com/bitsage/bitsage/internal/backend"

// Backend implements [backend.Backend]. The zero value is ready to use.
type Backend struct{}

var _ backend.Backend = Backend{}

// Name returns "cpu".
func (Backend) Name() string { return "cpu" }

// rowBlock is the number of rows handled at a time where work goes by rows: a
// few dozen lanes of it fit the first-level cache.
const rowBlock = 512
