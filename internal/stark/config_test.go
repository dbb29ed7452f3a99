package stark

import (
	"strings"
	"testing"

	"github.com/bitsage/bitsage/internal/circle"
)

var goodConfig = Config{PowBits: 10, LogBlowup: 1, Queries: 3, FoldStep: 1}

func TestConfigValidate(t *testing.T) {
	for _, c := range []struct {
		set  func(*Config, int)
		name string
		lo   int
		hi   int
	}{
		{func(c *Config, v int) { c.PowBits = v }, "pow_bits", 0, maxPowBits},
		{func(c *Config, v int) { c.LogBlowup = v }, "log_blowup_factor", 1, MaxLogBlowup},
		{func(c *Config, v int) { c.LogLastLayer = v }, "log_last_layer_degree_bound", 0, 16},
		{func(c *Config, v int) { c.Queries = v }, "n_queries", 1, MaxQueries},
		{func(c *Config, v int) { c.FoldStep = v }, "fold_step", 1, 10},
		{func(c *Config, v int) { c.Lifting = v }, "lifting_log_size", 0, MaxLogSize},
	} {
		for v, ok := range map[int]bool{c.lo - 1: false, c.lo: true, c.hi: true, c.hi + 1: false} {
			cfg := goodConfig
			c.set(&cfg, v)
			err := cfg.Validate()
			if ok != (err == nil) || !ok && !strings.Contains(err.Error(), c.name) {
				t.Errorf("%s = %d: error %v", c.name, v, err)
			}
		}
	}
}

// goodLayout has trees of several sizes, all of the domain's height but tree 0.
func goodLayout() *Layout {
	return &Layout{Kind: Blake2s, Config: goodConfig, LogDegree: 6, Trees: [][]Column{
		{{LogSize: 3, Offsets: []int{0}}},
		{{LogSize: 5, Offsets: []int{0}}, {LogSize: 4, Offsets: []int{0}}},
		{{LogSize: 5, Offsets: []int{-1, 0}}},
	}}
}

func TestLayoutValidate(t *testing.T) {
	for _, c := range []struct {
		change func(*Layout)
		want   string // part of the error, "" for none
	}{
		{func(*Layout) {}, ""},
		{func(l *Layout) { l.Config.Lifting = 6 }, ""},
		{func(l *Layout) { l.Config.Lifting = 9 }, ""},
		{func(l *Layout) { l.Trees[0] = nil }, ""},
		{func(l *Layout) { l.Trees[0][0].LogSize = 8 }, ""}, // a higher tree 0 is read at some leaves
		{func(l *Layout) { l.Config.Queries = 0 }, "n_queries"},
		{func(l *Layout) { l.Kind = 0 }, "channel kind"},
		{func(l *Layout) { l.Trees = l.Trees[:1] }, "1 trees"},
		{func(l *Layout) { l.Trees = append(l.Trees, l.Trees[1], l.Trees[1]) }, "5 trees"},
		{func(l *Layout) { l.LogDegree = 1 }, "out of range"},
		{func(l *Layout) { l.LogDegree = MaxLogSize + 1 }, "out of range"},
		{func(l *Layout) { l.Config.Lifting = 1 }, "out of range"},
		{func(l *Layout) { l.Config.FoldStep = 6 }, "overshoots"},
		{func(l *Layout) { l.Trees[1][0].LogSize = 0 }, "out of range"},
		{func(l *Layout) { l.Trees[0][0].LogSize = MaxLogSize }, "out of range"},
		{func(l *Layout) { l.Config.Lifting = 5 }, "does not fit"},
		{func(l *Layout) { l.Trees[0], l.Config.Lifting = nil, 8 }, "needs a preprocessed column"},
		{func(l *Layout) { l.Trees[2][0].LogSize = 4 }, "set lifting_log_size"},
		{func(l *Layout) { l.Trees[2] = nil }, "set lifting_log_size"},
		{func(l *Layout) { l.LogDegree, l.Config.Lifting = 8, 6 }, "does not fit"},
	} {
		l := goodLayout()
		c.change(l)
		err := l.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want %q", l, err, c.want)
		}
	}
}

func TestLayoutSizes(t *testing.T) {
	l := goodLayout()
	check := func(lifted, maxLog int, heights ...int) {
		t.Helper()
		equal(t, "lifted", l.Lifted(), lifted)
		equal(t, "bound", l.MaxLog(), maxLog)
		for tree, h := range heights {
			equal(t, "height", l.Height(tree), h)
		}
	}
	check(6, 5, 4, 6, 6, 6)
	l.Config.Lifting = 9
	check(9, 8, 9, 9, 9, 9)
	l.Config.Lifting, l.Trees[0] = 0, nil
	check(6, 5, 0, 6, 6, 6)
	columns := l.Columns()
	equal(t, "trees", len(columns), 4)
	equal(t, "columns of the composition", len(columns[3]), 8)
	for _, c := range columns[3] {
		equal(t, "size of the composition's halves", c.LogSize, l.LogDegree-1)
		equalSlices(t, "offsets", c.Offsets, []int{0})
	}
}

func TestMaskPoints(t *testing.T) {
	l := goodLayout()
	l.Config.Lifting = 9 // steps of order 2^8 for all columns
	l.Trees[0][0].Offsets = nil
	l.Trees[2][0].Offsets = []int{-1, 0, 2}
	oods := circle.SecurePointAt(q(1, 2, 3, 4))
	step := circle.SubgroupGen(8).Point().Secure()
	points := l.MaskPoints(oods)
	equal(t, "trees", len(points), 4)
	equalSlices(t, "not opened", points[0][0], nil)
	equalSlices(t, "opened at one row", points[1][1], []circle.SecurePoint{oods})
	want := []circle.SecurePoint{oods.Add(step.Neg()), oods, oods.Add(step).Add(step)}
	equalSlices(t, "opened at three rows", points[2][0], want)
	equalSlices(t, "composition", points[3][7], []circle.SecurePoint{oods})
}
