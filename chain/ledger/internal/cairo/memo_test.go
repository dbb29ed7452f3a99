package cairo

import "testing"

func TestMemo(t *testing.T) {
	var m memo[int, int]
	calls := 0
	get := func(k int) int { return m.get(k, func() int { calls++; return k * k }) }
	for k := range 3 * maxMemo {
		get(k)
	}
	if len(m.new)+len(m.old) > 2*maxMemo || calls != 3*maxMemo {
		t.Errorf("%d remembered after %d calls", len(m.new)+len(m.old), calls)
	}
	if get(3*maxMemo - 1); calls != 3*maxMemo {
		t.Error("the last one was forgotten")
	}
	if get(maxMemo + 1); get(0) != 0 || calls != 3*maxMemo+1 {
		t.Errorf("%d calls", calls)
	}
}
