package air

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// Format names the JSON form of an AIR.
const Format = "stwo-oracle-air/1"

// MaxJSON bounds the size of an AIR file.
const MaxJSON = 16 << 20

type coords [4]m31.Elem

type jsonAIR struct {
	Format       string              `json:"format"`
	Channel      stark.Kind          `json:"channel"`
	Config       jsonConfig          `json:"pcs_config"`
	Preprocessed []jsonPre           `json:"preprocessed"`
	Public       map[string]jsonFelt `json:"public"`
	Transcript   []jsonStep          `json:"transcript"`
	Components   []jsonComponent     `json:"components"`
	AssertZero   []jsonCheck         `json:"assert_zero"`
}

type jsonConfig struct {
	PowBits int `json:"pow_bits"`
	FRI     struct {
		LogBlowup    int `json:"log_blowup_factor"`
		LogLastLayer int `json:"log_last_layer_degree_bound"`
		Queries      int `json:"n_queries"`
		FoldStep     int `json:"fold_step"`
	} `json:"fri_config"`
	Lifting *int `json:"lifting_log_size"`
}

type jsonPre struct {
	ID      string `json:"id"`
	LogSize int    `json:"log_size"`
}

type jsonComponent struct {
	Name           string     `json:"name"`
	LogSize        int        `json:"log_size"`
	LogDegreeBound int        `json:"max_constraint_log_degree_bound"`
	Preprocessed   []string   `json:"preprocessed"`
	Masks          [][][]int  `json:"masks"`
	Nodes          []jsonNode `json:"nodes"`
	Constraints    []int      `json:"constraints"`
}

type jsonCheck struct {
	Nodes []jsonNode `json:"nodes"`
	Root  int        `json:"root"`
}

// jsonFelt is a QM31 as an array of exactly four canonical coordinates.
type jsonFelt QM31

func (f jsonFelt) MarshalJSON() ([]byte, error) { return json.Marshal(coords(QM31(f).Coords())) }

func (f *jsonFelt) UnmarshalJSON(data []byte) error {
	var c []m31.Elem
	if err := json.Unmarshal(data, &c); err != nil {
		return err
	}
	if len(c) != 4 {
		return fmt.Errorf("a QM31 has four coordinates, not %d", len(c))
	}
	*f = jsonFelt(m31.Q(c[0], c[1], c[2], c[3]))
	if !QM31(*f).IsCanonical() {
		return fmt.Errorf("QM31 coordinates must be below 2^31 - 1")
	}
	return nil
}

type jsonNode Node

var nodeTags = map[Op]string{
	OpConst: "const", OpFelt: "felt", OpSym: "sym", OpPre: "pre", OpCell: "cell", OpAdd: "add",
	OpSub: "sub", OpMul: "mul", OpNeg: "neg", OpInv: "inv", OpCombine: "combine",
}

func (n jsonNode) MarshalJSON() ([]byte, error) {
	var v any
	switch n.Op {
	case OpConst:
		v = n.Felt.A.A
	case OpFelt:
		v = jsonFelt(n.Felt)
	case OpSym, OpPre:
		v = n.Name
	case OpCell:
		v = n.Args[:3]
	case OpAdd, OpSub, OpMul:
		v = n.Args[:2]
	case OpNeg, OpInv:
		v = n.Args[0]
	case OpCombine:
		v = n.Args[:]
	}
	return json.Marshal(map[string]any{nodeTags[n.Op]: v})
}

// single decodes an object of exactly one member.
func single(data []byte) (tag string, value json.RawMessage, err error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(data, &m); err != nil {
		return "", nil, err
	}
	if len(m) != 1 {
		return "", nil, fmt.Errorf("want an object of one member, not %d", len(m))
	}
	for tag, value = range m {
	}
	return tag, value, nil
}

func (n *jsonNode) UnmarshalJSON(data []byte) error {
	tag, value, err := single(data)
	if err != nil {
		return err
	}
	*n = jsonNode{}
	for op, name := range nodeTags {
		if name == tag {
			n.Op = op
		}
	}
	ints := func(want int) error {
		var v []int
		if err := json.Unmarshal(value, &v); err != nil {
			return err
		}
		if len(v) != want {
			return fmt.Errorf("%s has %d operands, not %d", tag, want, len(v))
		}
		copy(n.Args[:], v)
		return nil
	}
	switch n.Op {
	case OpConst:
		var v uint32
		err = json.Unmarshal(value, &v)
		n.Felt = m31.FromElem(m31.New(uint64(v)))
	case OpFelt:
		err = (*jsonFelt)(&n.Felt).UnmarshalJSON(value)
	case OpSym, OpPre:
		err = json.Unmarshal(value, &n.Name)
	case OpCell:
		err = ints(3)
	case OpAdd, OpSub, OpMul:
		err = ints(2)
	case OpNeg, OpInv:
		err = json.Unmarshal(value, &n.Args[0])
	case OpCombine:
		err = ints(4)
	default:
		err = fmt.Errorf("unknown node %q", tag)
	}
	return err
}

type jsonStep Step

type jsonPow struct {
	Bits  int    `json:"bits"`
	Nonce uint64 `json:"nonce"`
}

func (s jsonStep) MarshalJSON() ([]byte, error) {
	one := func(tag string, v any) ([]byte, error) { return json.Marshal(map[string]any{tag: v}) }
	switch s.Op {
	case MixConfig:
		return json.Marshal("mix_config")
	case MixU64:
		return one("mix_u64", s.U64)
	case MixU32s:
		return one("mix_u32s", nonNil(s.Words))
	case MixFelts:
		refs := make([]any, len(s.Felts))
		for i, f := range s.Felts {
			if refs[i] = f.Name; f.Name == "" {
				refs[i] = jsonFelt(f.Value)
			}
		}
		return one("mix_felts", refs)
	case DrawFelt:
		return one("draw_felt", s.Names[0])
	case DrawFelts:
		return one("draw_felts", nonNil(s.Names))
	case Pow:
		return one("pow", jsonPow{s.Bits, s.Nonce})
	case Commit:
		return one("commit", s.Tree)
	}
	return nil, fmt.Errorf("air: unknown transcript step %d", s.Op)
}

func (s *jsonStep) UnmarshalJSON(data []byte) error {
	*s = jsonStep{}
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte(`"`)) {
		var name string
		if err := json.Unmarshal(data, &name); err != nil {
			return err
		}
		if name != "mix_config" {
			return fmt.Errorf("unknown transcript step %q", name)
		}
		s.Op = MixConfig
		return nil
	}
	tag, value, err := single(data)
	if err != nil {
		return err
	}
	switch tag {
	case "mix_u64":
		s.Op = MixU64
		err = json.Unmarshal(value, &s.U64)
	case "mix_u32s":
		s.Op = MixU32s
		err = json.Unmarshal(value, &s.Words)
	case "mix_felts":
		s.Op = MixFelts
		err = s.unmarshalRefs(value)
	case "draw_felt":
		s.Op, s.Names = DrawFelt, make([]string, 1)
		err = json.Unmarshal(value, &s.Names[0])
	case "draw_felts":
		s.Op = DrawFelts
		err = json.Unmarshal(value, &s.Names)
	case "pow":
		var p jsonPow
		err = json.Unmarshal(value, &p)
		s.Op, s.Bits, s.Nonce = Pow, p.Bits, p.Nonce
	case "commit":
		s.Op = Commit
		err = json.Unmarshal(value, &s.Tree)
	default:
		err = fmt.Errorf("unknown transcript step %q", tag)
	}
	return err
}

func (s *jsonStep) unmarshalRefs(value []byte) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(value, &raw); err != nil {
		return err
	}
	s.Felts = make([]FeltRef, len(raw))
	for i, r := range raw {
		if bytes.HasPrefix(bytes.TrimSpace(r), []byte(`"`)) {
			if err := json.Unmarshal(r, &s.Felts[i].Name); err != nil {
				return err
			}
			if s.Felts[i].Name == "" {
				return fmt.Errorf("a symbol needs a name")
			}
			continue
		}
		if err := (*jsonFelt)(&s.Felts[i].Value).UnmarshalJSON(r); err != nil {
			return err
		}
	}
	return nil
}

func nonNil[T any](v []T) []T {
	if v == nil {
		return []T{}
	}
	return v
}

// convert maps a slice element by element; the result is never nil.
func convert[T, U any](v []T, f func(T) U) []U {
	out := make([]U, len(v))
	for i, x := range v {
		out[i] = f(x)
	}
	return out
}

func toJSONNode(n Node) jsonNode   { return jsonNode(n) }
func fromJSONNode(n jsonNode) Node { return Node(n) }

// MarshalJSON writes the AIR in the format stwo-oracle-air/1.
func (a *AIR) MarshalJSON() ([]byte, error) {
	j := jsonAIR{Format: Format, Channel: a.Kind, Public: map[string]jsonFelt{}}
	j.Config.PowBits = a.Config.PowBits
	j.Config.FRI.LogBlowup = a.Config.LogBlowup
	j.Config.FRI.LogLastLayer = a.Config.LogLastLayer
	j.Config.FRI.Queries = a.Config.Queries
	j.Config.FRI.FoldStep = a.Config.FoldStep
	if a.Config.Lifting != 0 {
		j.Config.Lifting = &a.Config.Lifting
	}
	j.Preprocessed = convert(a.Preprocessed, func(p Preprocessed) jsonPre { return jsonPre(p) })
	for name, v := range a.Public {
		j.Public[name] = jsonFelt(v)
	}
	j.Transcript = convert(a.Transcript, func(s Step) jsonStep { return jsonStep(s) })
	j.Components = convert(a.Components, func(c *Component) jsonComponent {
		masks := convert(c.Masks, func(cols [][]int) [][]int { return convert(cols, nonNil[int]) })
		return jsonComponent{c.Name, c.LogSize, c.LogDegreeBound, nonNil(c.Preprocessed), masks, convert(c.Nodes, toJSONNode), nonNil(c.Constraints)}
	})
	j.AssertZero = convert(a.AssertZero, func(c ScalarCheck) jsonCheck {
		return jsonCheck{convert(c.Nodes, toJSONNode), c.Root}
	})
	return json.Marshal(j)
}

// Load reads an AIR in the format stwo-oracle-air/1 and validates it. It reads at
// most MaxJSON bytes.
func Load(r io.Reader) (*AIR, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxJSON+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxJSON {
		return nil, fmt.Errorf("air: the file exceeds %d bytes", MaxJSON)
	}
	return Parse(data)
}

// Parse is Load for bytes.
func Parse(data []byte) (*AIR, error) {
	var j jsonAIR
	if err := json.Unmarshal(data, &j); err != nil {
		return nil, fmt.Errorf("air: %w", err)
	}
	if j.Format != Format {
		return nil, fmt.Errorf("air: unknown format %q, want %q", j.Format, Format)
	}
	a := &AIR{Kind: j.Channel, Public: make(map[string]QM31)}
	fri := j.Config.FRI
	a.Config = stark.Config{PowBits: j.Config.PowBits, LogBlowup: fri.LogBlowup, LogLastLayer: fri.LogLastLayer, Queries: fri.Queries, FoldStep: fri.FoldStep}
	if l := j.Config.Lifting; l != nil {
		if a.Config.Lifting = *l; *l <= 0 {
			return nil, fmt.Errorf("air: lifting_log_size must be null or positive")
		}
	}
	a.Preprocessed = convert(j.Preprocessed, func(p jsonPre) Preprocessed { return Preprocessed(p) })
	for name, v := range j.Public {
		a.Public[name] = QM31(v)
	}
	a.Transcript = convert(j.Transcript, func(s jsonStep) Step { return Step(s) })
	a.Components = convert(j.Components, func(c jsonComponent) *Component {
		return &Component{Name: c.Name, LogSize: c.LogSize, LogDegreeBound: c.LogDegreeBound, Preprocessed: c.Preprocessed,
			Masks: c.Masks, Nodes: convert(c.Nodes, fromJSONNode), Constraints: c.Constraints}
	})
	a.AssertZero = convert(j.AssertZero, func(c jsonCheck) ScalarCheck {
		return ScalarCheck{convert(c.Nodes, fromJSONNode), c.Root}
	})
	if err := a.Validate(); err != nil {
		return nil, err
	}
	return a, nil
}
