package staking

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/money"
)

// TestTable compares the table with the contract's source.
func TestTable(t *testing.T) {
	source, err := os.ReadFile("../contracts/src/tiers.cairo")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Tier{"None": 0}
	for _, tier := range Tiers() {
		want[tier.String()] = tier
	}
	if len(want) != 7 || int(TierValidator) != len(minimums)-1 {
		t.Fatalf("tiers %v", want)
	}
	found := 0
	for _, m := range regexp.MustCompile(`((?:Tier::\w+(?: \| )?)+) => ([0-9_]+) \* SAGE`).FindAllStringSubmatch(string(source), -1) {
		amount, err := money.Parse(strings.ReplaceAll(m[2], "_", ""))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range strings.Split(m[1], " | ") {
			tier, ok := want[strings.TrimPrefix(name, "Tier::")]
			if !ok || tier.Minimum() != amount {
				t.Errorf("%s: the contract wants %v, here it is %v", name, amount, tier.Minimum())
			}
			found++
		}
	}
	if found != len(want) {
		t.Errorf("the contract has minimums of %d tiers", found)
	}
	var names []string
	for _, m := range regexp.MustCompile(`\('([^']+)', Tier::(\w+)\)`).FindAllStringSubmatch(string(source), -1) {
		if got, err := ParseTier(m[1]); err != nil || got != want[m[2]] {
			t.Errorf("%s: %v, %v, the contract says %s", m[1], got, err, m[2])
		}
		names = append(names, m[1])
	}
	var ours []string
	for _, m := range models {
		ours = append(ours, m.name)
	}
	if strings.Join(ours, ",") != strings.Join(names, ",") {
		t.Errorf("models %v, the contract has %v", ours, names)
	}
	for _, m := range regexp.MustCompile(`name == '(\w+)' \{\s+Tier::(\w+)`).FindAllStringSubmatch(string(source), -1) {
		name, err := felt.ShortString(m[1])
		if err != nil || want[m[2]].gpuTier() != name {
			t.Errorf("the contract calls %s %s", m[2], m[1])
		}
		found--
	}
	if found != 1 {
		t.Errorf("%d tiers have no name in the contract", found-1)
	}
}

func TestParseTier(t *testing.T) {
	for name, want := range map[string]Tier{
		"Consumer": TierConsumer, "WORKSTATION": TierWorkstation, "datacenter": TierDataCenter,
		"Enterprise": TierEnterprise, " frontier ": TierFrontier, "validator": TierValidator,
		"cpu": TierConsumer, "CPU only": TierConsumer, "Intel(R) Xeon(R) CPU @ 2.20GHz": TierConsumer,
		"Tesla T4": TierConsumer, "NVIDIA T4": TierConsumer, "t4": TierConsumer, "NVIDIA T4G": TierConsumer, "GRID T4-16Q": TierConsumer,
		"NVIDIA GeForce RTX 4090": TierConsumer, "NVIDIA GeForce RTX 2080 Ti": TierConsumer, "rtx3060": TierConsumer,
		"NVIDIA GeForce RTX 3070 Laptop GPU": TierConsumer, "NVIDIA GeForce RTX 4080 SUPER": TierConsumer,
		"NVIDIA GeForce RTX 4090 D": TierConsumer, "NVIDIA GeForce RTX 5090": TierConsumer, "RTX 20": TierConsumer,
		"NVIDIA L4": TierWorkstation, "NVIDIA A10": TierWorkstation, "NVIDIA A10G": TierWorkstation,
		"NVIDIA RTX A6000": TierWorkstation, "NVIDIA RTX A500 Laptop GPU": TierWorkstation, "RTX A4000": TierWorkstation,
		"NVIDIA RTX 6000 Ada Generation": TierWorkstation, "NVIDIA RTX 4000 SFF Ada Generation": TierWorkstation,
		"NVIDIA RTX 2000 Ada Generation Laptop GPU": TierWorkstation, "NVIDIA RTX 5880 Ada Generation": TierWorkstation,
		"NVIDIA A100-SXM4-80GB": TierDataCenter, "NVIDIA A100 80GB PCIe": TierDataCenter, "A100-PCIE-40GB": TierDataCenter,
		"NVIDIA L40": TierDataCenter, "NVIDIA L40S": TierDataCenter, "nvidia l40s": TierDataCenter,
		"NVIDIA H100 80GB HBM3": TierEnterprise, "NVIDIA H100 PCIe": TierEnterprise, "NVIDIA H100 NVL": TierEnterprise,
		"GH200 480GB": TierEnterprise, "NVIDIA GH200 480GB": TierEnterprise, "NVIDIA GH200 144G HBM3e": TierEnterprise,
		"NVIDIA H200": TierFrontier, "NVIDIA B100": TierFrontier, "NVIDIA B200": TierFrontier, "NVIDIA GB200": TierFrontier,
	} {
		if got, err := ParseTier(name); err != nil || got != want {
			t.Errorf("%q: %v, %v, want %v", name, got, err, want)
		}
	}
	for _, name := range []string{
		"", "None", "GPU", "NVIDIA", "RTX", "NVIDIA GeForce RTX", "NVIDIA GeForce GTX 1080 Ti", "NVIDIA TITAN RTX", "Quadro RTX 4000",
		"Quadro RTX 6000", "NVIDIA RTX PRO 6000 Blackwell Workstation Edition", "Tesla V100-SXM2-16GB", "NVIDIA A30", "NVIDIA A40",
		"NVIDIA H20", "NVIDIA H800", "NVIDIA A800", "NVIDIA B300", "AMD Instinct MI300X", "XH100", "H1000", "RTX 60",
		"NVIDIA H100 T4", "Tier(3)", "３090", "t４", strings.Repeat("x", 129), "T4" + strings.Repeat(" ", 200),
	} {
		got, err := ParseTier(name)
		var unknown *UnknownTierError
		if got != 0 || !errors.Is(err, ErrUnknownTier) || !errors.As(err, &unknown) || unknown.Name != name {
			t.Errorf("%q: %v, %v", name, got, err)
			continue
		}
		if s := err.Error(); len(s) > 1000 || !strings.Contains(s, "DataCenter (A100, L40, L40S)") || !strings.HasSuffix(s, "Validator") {
			t.Error(s)
		}
	}
}

func TestTierText(t *testing.T) {
	type config struct {
		Tier Tier `json:"tier,omitzero"`
	}
	for in, want := range map[string]string{`{"tier":"h100"}`: `{"tier":"Enterprise"}`, `{"tier":""}`: `{}`, `{}`: `{}`} {
		var c config
		if err := json.Unmarshal([]byte(in), &c); err != nil {
			t.Fatal(err)
		}
		if out, err := json.Marshal(c); err != nil || string(out) != want {
			t.Errorf("%s became %s, %v", in, out, err)
		}
	}
	c := config{TierFrontier}
	if err := json.Unmarshal([]byte(`{"tier":"abacus"}`), &c); !errors.Is(err, ErrUnknownTier) || c.Tier != TierFrontier {
		t.Error(c, err)
	}
	if out, err := json.Marshal(config{99}); err == nil {
		t.Errorf("what is no tier became %s", out)
	}
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	var tier Tier
	flags.TextVar(&tier, "gpu-tier", Tier(0), "")
	if err := flags.Parse([]string{"--gpu-tier", "T4"}); err != nil || tier != TierConsumer {
		t.Error(tier, err)
	}
}

func TestTierMethods(t *testing.T) {
	for _, tier := range Tiers() {
		tenth, err := tier.Bond().Mul(10)
		if err != nil || tenth != tier.Minimum() || !tier.Valid() || tier.GPU() != (tier != TierValidator) || tier.GPU() != (tier.Models() != nil) {
			t.Errorf("%v: bond %v, minimum %v, %v", tier, tier.Bond(), tier.Minimum(), err)
		}
	}
	for _, tier := range []Tier{0, 7, 255} {
		if tier.Valid() || tier.GPU() {
			t.Errorf("%v is a tier", tier)
		}
	}
	if Tier(0).Minimum() != money.SAGE(1000) || Tier(7).Minimum() != money.Max || Tier(stakingmanager.TierFrontier).Minimum() != money.SAGE(25_000) {
		t.Error(Tier(0).Minimum(), Tier(7).Minimum())
	}
}

func FuzzParseTier(f *testing.F) {
	for _, m := range models {
		f.Add(m.name)
	}
	for _, s := range []string{"Enterprise", "NVIDIA H100 80GB HBM3", "NVIDIA RTX 6000 Ada Generation", "Quadro RTX 4000", "\xff", "rtx ada"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		tier, err := ParseTier(name)
		if err != nil {
			if tier != 0 || !errors.Is(err, ErrUnknownTier) || len(err.Error()) > 2000 {
				t.Fatal(tier, err)
			}
			return
		}
		if !tier.Valid() {
			t.Fatalf("%q is %v", name, tier)
		}
		// Case and what is between words make no difference.
		for _, same := range []string{strings.ToUpper(words(name)), "-" + words(name) + "-"} {
			if len(same) > maxTierText {
				continue
			}
			if again, err := ParseTier(same); again != tier || err != nil {
				t.Fatalf("%q is %v, %q is %v, %v", name, tier, same, again, err)
			}
		}
	})
}
