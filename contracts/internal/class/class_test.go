package class

import (
	"testing"
)

const small = `{"sierra_program":["0x1","0x7"],"contract_class_version":"0.1.0","entry_points_by_type":` +
	`{"CONSTRUCTOR":[{"function_idx":3,"selector":"0x4"}],"EXTERNAL":[{"function_idx":1,"selector":"0x2"}],"L1_HANDLER":[]},"abi":"[]"}`

func TestHash(t *testing.T) {
	s, err := Parse([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	// The hash was computed by hash.ClassHash of starknet.go v0.17.1.
	const want = "0x274799e4b14b65f817c8a11b495e7e08a631cc88d5a24a8c6a10dc773f99a2a"
	if h, err := s.Hash(); err != nil || h.String() != want {
		t.Errorf("%s, %v, want %s", h, err, want)
	}
}

func TestHashErrors(t *testing.T) {
	for name, break_ := range map[string]func(*Sierra){
		"version":  func(s *Sierra) { s.ContractClassVersion = "0.2.0" },
		"program":  func(s *Sierra) { s.SierraProgram[0] = "1" },
		"selector": func(s *Sierra) { s.EntryPointsByType.External[0].Selector = "" },
	} {
		s, err := Parse([]byte(small))
		if err != nil {
			t.Fatal(err)
		}
		break_(s)
		if _, err := s.Hash(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, bad := range []string{`{"abi":[]}`, `{"sierra_program_debug_info":{}}`, `x`} {
		if _, err := Parse([]byte(bad)); err == nil {
			t.Errorf("accepted %s", bad)
		}
	}
}

// TestSelector has selectors that every ERC-20 token on Starknet has.
func TestSelector(t *testing.T) {
	for name, want := range map[string]string{
		"transfer": "0x83afd3f4caedc6eebf44246fe54e38c95e3179a5ec9ea81740eca5b482d12e",
		"Transfer": "0x99cd8bde557814842a3121e8ddfd433a539b8c9f14bf31ebf108d12e6196e9",
	} {
		if got := Selector(name).String(); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
