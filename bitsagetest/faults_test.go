package bitsagetest

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// small is a network to parse faults for.
var small = map[string]int{client: 1, worker: 2, validator: 4}

func TestParse(t *testing.T) {
	set := func(names ...string) [][]string { return [][]string{names} }
	for text, want := range map[string][]fault{
		"":                             nil,
		" ;; # nothing\n\n; ":          nil,
		"loss 5%":                      {{verb: loss, probability: 0.05}},
		"loss 0%;duplicate 100%":       {{verb: loss}, {verb: duplicate, probability: 1}},
		"reorder 2.5% # held back":     {{verb: reorder, probability: 0.025}},
		"delay 10ms..200ms\r\ndelay 0": {{verb: delay, min: 10 * time.Millisecond, max: 200 * time.Millisecond}, {verb: delay}},
		"delay 1s":                     {{verb: delay, min: time.Second, max: time.Second}},
		"slow client worker/0 3s":      {{verb: slow, roles: set("client/0", "worker/0"), min: 3 * time.Second}},
		"at 3s partition validator/0 validator/1 for 10s": {{verb: partition, at: 3 * time.Second, lasts: 10 * time.Second,
			roles: set("validator/0", "validator/1")}},
		"partition validator/0|client | worker": {{verb: partition,
			roles: [][]string{{"validator/0"}, {"client/0"}, {"worker/0", "worker/1"}}}},
		"silence validator":           {{verb: silence, roles: set("validator/0", "validator/1", "validator/2", "validator/3")}},
		"at 5s crash worker/0 for 2s": {{verb: crash, at: 5 * time.Second, lasts: 2 * time.Second, roles: set("worker/0")}},
		"forge worker/1":              {{verb: forge, roles: set("worker/1")}},
		"rpc reset 3%; rpc stale 4%":  {{verb: rpcReset, probability: 0.03}, {verb: rpcStale, probability: 0.04}},
		"rpc delay 1ms..2ms for 1h":   {{verb: rpcDelay, min: time.Millisecond, max: 2 * time.Millisecond, lasts: time.Hour}},
		"at 1m heal":                  {{verb: heal, at: time.Minute}},
	} {
		got, err := parse(text, small)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %+v, %v, want %+v", text, got, err, want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"los 5%":                      `1:1: want a fault, such as loss, delay, partition, crash or rpc, not "los"`,
		"loss 5%\n  delay":            "2:8: want a duration, such as 200ms, 3s or 2h, the statement ends",
		"loss 5":                      `1:6: want a percentage, such as 5%, not "5"`,
		"loss 5%; loss 105%":          "1:15: 105% is not between 0% and 100%",
		"loss NaN%":                   "1:6: NaN% is not between 0% and 100%",
		"loss 5% 6%":                  `1:9: want for or the end of the statement, not "6%"`,
		"delay 3s..2s":                "1:7: 3s..2s ends before it begins",
		"delay 3s..":                  `1:7: want a duration, such as 200ms, 3s or 2h, not "3s.."`,
		"delay -1s":                   "1:7: -1s is not between 0 and ten years",
		"at noon heal":                `1:4: want a duration, such as 200ms, 3s or 2h, not "noon"`,
		"at 5s":                       "1:6: want a fault, such as loss, delay, partition, crash or rpc, the statement ends",
		"heal for 3s":                 "1:6: heal has no end",
		"loss 5% for 0s":              "1:9: a fault lasts longer than 0",
		"crash worker/2":              "1:7: there is no worker/2: the network has 2 of worker",
		"crash worker/x":              `1:7: want a role, such as worker/0 or validator/3, not "worker/x"`,
		"crash worker/00":             `1:7: want a role, such as worker/0 or validator/3, not "worker/00"`,
		"crash miner/0":               `1:7: want a role, such as worker/0 or validator/3, not "miner/0"`,
		"crash client":                "1:1: a client is the test's: only workers and validators crash",
		"at 1s forge validator/0":     "1:7: validator/0 makes no proofs: only workers forge",
		"partition client |":          "1:19: want a role, such as worker/0 or validator/3, the statement ends",
		"slow worker/0":               "1:14: want a duration, such as 200ms, 3s or 2h, the statement ends",
		"rpc":                         "1:4: want reset, stale or delay, the statement ends",
		"rpc explode 3%":              `1:5: want reset, stale or delay, not "explode"`,
		"# fine\n\tloss 5%;\tloss x%": `2:16: want a percentage, such as 5%, not "x%"`,
	} {
		_, err := parse(text, small)
		var bad *SyntaxError
		if !errors.As(err, &bad) || strings.TrimPrefix(err.Error(), "bitsagetest: faults:") != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

// FuzzParse wants every error to have a place in the text.
func FuzzParse(f *testing.F) {
	f.Add("at 5s crash worker/0 for 2s; rpc reset 3%\nslow client 3ms # x")
	f.Add("partition client|worker/1 |")
	f.Fuzz(func(t *testing.T, text string) {
		_, err := parse(text, small)
		var bad *SyntaxError
		if err != nil && !errors.As(err, &bad) {
			t.Fatalf("%v is no SyntaxError", err)
		}
		if bad == nil {
			return
		}
		lines := strings.Split(text, "\n")
		if bad.Line < 1 || bad.Line > len(lines) || bad.Column < 1 || bad.Column > len(lines[bad.Line-1])+1 {
			t.Errorf("%v in %q", bad, text)
		}
	})
}

func ExampleSyntaxError() {
	_, err := parse("loss 5%\nat 5s crash worker/7 for 2s", map[string]int{worker: 1})
	fmt.Println(err)
	// Output: bitsagetest: faults:2:13: there is no worker/7: the network has 1 of worker
}
