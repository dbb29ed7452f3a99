package elgamal

import "strconv"

// A message is a list of parts in the order of its felts: *Point, *Scalar and
// *Ciphertext. Encoding, decoding and the check of its shape all walk the list.

func parse(felts []Felt, name string, parts ...any) error {
	if len(felts) != feltCount(parts) {
		return invalid(CheckLength, name)
	}
	for _, part := range flatten(parts) {
		var err error
		switch p := part.(type) {
		case *Point:
			*p, err = NewPoint(felts[0], felts[1])
			felts = felts[2:]
		case *Scalar:
			*p, err = NewScalar(felts[0])
			felts = felts[1:]
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func decode(data []byte, name string, parts ...any) error {
	if len(data) != feltCount(parts)*FeltBytes {
		return invalid(CheckLength, name)
	}
	felts, err := DecodeFelts(data)
	if err != nil {
		return err
	}
	return parse(felts, name, parts...)
}

func encode(parts ...any) []Felt {
	felts := make([]Felt, 0, feltCount(parts))
	for _, part := range flatten(parts) {
		switch p := part.(type) {
		case *Point:
			felts = append(felts, Felt(p.p.X), Felt(p.p.Y))
		case *Scalar:
			felts = append(felts, p.Felt())
		}
	}
	return felts
}

// checkParts refuses the identity.
func checkParts(name string, parts ...any) error {
	for i, part := range flatten(parts) {
		if p, ok := part.(*Point); ok && !p.Valid() {
			return invalid(CheckIdentity, name+", part "+strconv.Itoa(i))
		}
	}
	return nil
}

// flatten takes ciphertexts apart.
func flatten(parts []any) []any {
	flat := make([]any, 0, len(parts)+2)
	for _, part := range parts {
		if c, ok := part.(*Ciphertext); ok {
			flat = append(flat, &c.L, &c.R)
		} else {
			flat = append(flat, part)
		}
	}
	return flat
}

func feltCount(parts []any) (n int) {
	for _, part := range parts {
		switch part.(type) {
		case *Ciphertext:
			n += CiphertextFelts
		case *Point:
			n += 2
		case *Scalar:
			n++
		}
	}
	return n
}
