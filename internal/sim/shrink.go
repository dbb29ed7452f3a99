package sim

import (
	"encoding/json"
	"slices"
)

// Shrink makes a scenario that violates an invariant smaller, as long as the same
// invariant is violated: fewer faults, facts, epochs, validators and misbehaviours, a
// better network. It runs the scenario at most some hundred times.
func Shrink(s Scenario) Scenario {
	v := Run(s).Violation
	if v == nil {
		return s
	}
	fails := func(smaller Scenario) bool {
		got := Run(smaller).Violation
		return got != nil && got.Invariant == v.Invariant
	}
	for runs := 0; runs < 500; {
		smaller := false
		for _, c := range s.smaller() {
			runs++
			if c.possible() && fails(c) {
				s, smaller = c, true
				break
			}
		}
		if !smaller {
			break
		}
	}
	return s
}

// smaller returns the scenarios with one thing less.
func (s *Scenario) smaller() []Scenario {
	var out []Scenario
	change := func(f func(*Scenario)) {
		c := s.clone()
		f(&c)
		out = append(out, c)
	}
	if n := len(s.Faults); n > 1 {
		change(func(c *Scenario) { c.Faults = c.Faults[:n/2] })
		change(func(c *Scenario) { c.Faults = c.Faults[n/2:] })
	}
	for i := range s.Validators {
		change(func(c *Scenario) { c.dismiss(i) })
	}
	for i := range s.Faults {
		change(func(c *Scenario) { c.Faults = slices.Delete(c.Faults, i, i+1) })
	}
	for i := range s.Facts {
		change(func(c *Scenario) { c.withdraw(i) })
	}
	for i := range s.Epochs[1:] {
		change(func(c *Scenario) { c.Epochs = slices.Delete(c.Epochs, i+1, i+2) })
	}
	for i, r := range s.Validators {
		if r.Byzantine&(r.Byzantine-1) != 0 {
			for t := Tricks(1); t < allTricks; t <<= 1 {
				if r.Byzantine&t != 0 {
					change(func(c *Scenario) { c.Validators[i].Byzantine &^= t })
				}
			}
		}
		if plain := (Role{Byzantine: r.Byzantine, Misled: r.Misled, Clock: 100}); r != plain {
			change(func(c *Scenario) { c.Validators[i] = plain })
		}
	}
	if quiet := (Network{Delay: 1}); s.Network != quiet {
		change(func(c *Scenario) { c.Network = quiet })
		change(func(c *Scenario) { c.Network.Loss = 0 })
		change(func(c *Scenario) { c.Network.Duplication, c.Network.Late = 0, 0 })
	}
	return out
}

func (s *Scenario) clone() Scenario {
	c := *s
	c.Validators = slices.Clone(s.Validators)
	c.Faults = slices.Clone(s.Faults)
	c.Facts = slices.Clone(s.Facts)
	c.Epochs = slices.Clone(s.Epochs)
	for i := range c.Epochs {
		c.Epochs[i].Members = slices.Clone(c.Epochs[i].Members)
	}
	return c
}

// possible reports whether the scenario still is what it says of itself: less than a
// third faulty, or not.
func (s *Scenario) possible() bool {
	return len(s.Validators) > 0 && len(s.Facts) > 0 && s.exceeds() == s.Broken
}

// dismiss takes a validator out; those after it move up.
func (s *Scenario) dismiss(v int) {
	s.Validators = slices.Delete(s.Validators, v, v+1)
	shift := func(mask uint64) uint64 { return mask&(1<<v-1) | mask>>(v+1)<<v }
	for i := range s.Epochs {
		e := &s.Epochs[i]
		e.Members = slices.DeleteFunc(e.Members, func(m Stake) bool { return m.Validator == v })
		for j := range e.Members {
			if e.Members[j].Validator > v {
				e.Members[j].Validator--
			}
		}
	}
	s.Faults = slices.DeleteFunc(s.Faults, func(f Fault) bool { return f.Node == v })
	for i := range s.Faults {
		f := &s.Faults[i]
		if f.Mask = shift(f.Mask); f.Node > v {
			f.Node--
		}
	}
	for i := range s.Facts {
		s.Facts[i].Withheld = shift(s.Facts[i].Withheld)
	}
}

// withdraw takes a claim out, with its rivals' reference to it.
func (s *Scenario) withdraw(i int) {
	s.Facts = slices.Delete(s.Facts, i, i+1)
	for j := range s.Facts {
		switch c := &s.Facts[j]; {
		case c.Rival == i+1:
			c.Rival = 0
		case c.Rival > i+1:
			c.Rival--
		}
	}
}

// String returns the scenario as JSON, which Parse reads.
func (s Scenario) String() string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // it holds numbers
	}
	return string(b)
}

// Parse reads a scenario that String wrote.
func Parse(text string) (Scenario, error) {
	var s Scenario
	err := json.Unmarshal([]byte(text), &s)
	return s, err
}
