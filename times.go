package bitsage

import "time"

// The times that all roles go by. Those of a quote's terms are in worker_market.go.
const (
	// lookAgain is how long a role waits before it looks at the chain again, when
	// nothing calls for it earlier or when something went wrong.
	lookAgain = 3 * time.Second
	// nodeLag is how long a node may not know a job that another node has confirmed.
	nodeLag = time.Minute
	// turnTime is how long a validator lets the one before it try to settle.
	turnTime = 500 * time.Millisecond
	// maxWait is the longest pause between two attempts to fetch a proof, after which it
	// is unavailable.
	maxWait = 8 * time.Second
	// retention is for how long after a job's deadline its result is handed out.
	retention = 24 * time.Hour
)
