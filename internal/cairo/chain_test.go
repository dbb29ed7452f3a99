package cairo

import "testing"

func TestErrorByCode(t *testing.T) {
	if e, ok := ErrorByCode("PAUSED"); !ok || e.Doc == "" {
		t.Error(e, ok)
	}
	if _, ok := ErrorByCode("paused"); ok {
		t.Error("found an error that does not exist")
	}
}
