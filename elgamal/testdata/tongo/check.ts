// Checks the test vectors with the verifiers of @fatsolutions/she, the library
// under @fatsolutions/tongo-sdk, and makes proofs with its provers.
//
//   tsx check.ts vectors.json proofs.json
//
// The transcripts are hashed anew from docs/spec/elgamal.md; the equations are
// she's.
import { readFileSync, writeFileSync } from "node:fs";
import { poseidonHashMany } from "@scure/starknet";
import { compute_challenge, generateRandom, ProjectivePoint } from "@fatsolutions/she";
import { poe, poe2, ElGamal, SameEncrypt, SameEncryptUnknownRandom, range } from "@fatsolutions/she/protocols";

const [, , vectorsPath, proofsPath] = process.argv;
const vectors = JSON.parse(readFileSync(vectorsPath, "utf8"));
const p = 2n ** 251n + 17n * 2n ** 192n + 1n;
const n = 3618502788666131213697322783095070105526743751716087489154079457884512865583n;
const bits = 40;

const point = (x: bigint, y: bigint) => {
	const q = new ProjectivePoint(x, y, 1n);
	q.assertValidity();
	return q;
};
const [g, h] = [vectors.generator.g, vectors.generator.h].map(([x, y]: string[]) => point(BigInt(x), BigInt(y)));
const coordinates = (...points: any[]) => points.flatMap((q) => [q.toAffine().x, q.toAffine().y]);
const text = (s: string) => BigInt("0x" + Buffer.from(s, "ascii").toString("hex"));
const word = (s: string) => [BigInt("0x" + s.slice(32)), BigInt("0x" + s.slice(0, 32))];

class Reader {
	felts: bigint[];
	at = 0;
	constructor(felts: string[]) {
		this.felts = felts.map(BigInt);
		if (this.felts.some((x) => x >= p)) throw new Error("felt");
	}
	next = () => this.felts[this.at++];
	point = () => point(this.next(), this.next());
	ciphertext = () => ({ L: this.point(), R: this.point() });
	points = (count: number) => Array.from({ length: count }, this.point);
	scalars = (count: number) => Array.from({ length: count }, () => {
		const s = this.next();
		if (s >= n) throw new Error("scalar");
		return s;
	});
	bits = (count: number) => Array.from({ length: count }, () => {
		const [V, A0, A1] = this.points(3);
		const [c0, s0, s1] = this.scalars(3);
		return { V, A0, A1, c0, s0, s1 };
	});
	end = () => {
		if (this.at !== this.felts.length) throw new Error("length");
	};
}

// The sum of the bits' commitments.
const total = (proofs: any[]) => proofs.reduceRight((sum, b) => sum.double().add(b.V), ProjectivePoint.ZERO);

const rangeHolds = (prefix: bigint, label: string, proofs: any[]) => {
	const base = poseidonHashMany([prefix, text(label)]);
	const V = range.verify(
		{ g1: g, g2: h, bit_size: proofs.length, commitments: proofs.map((b) => b.V) },
		{ proofs: proofs.map((b, i) => ({ ...b, prefix: base + BigInt(i) })) },
	);
	return V !== false && V.equals(total(proofs));
};

function prefixOf(v: any, keys: any[], ciphertexts: any[], commitments: any[], values: bigint[]) {
	const balance = v.balance.map(BigInt);
	const felts = [
		text("bitsage.elgamal.v1"), text(v.kind), text(v.operation), BigInt(v.chain_id), BigInt(v.contract),
		BigInt(v.sender), BigInt(v.nonce), ...word(v.job), ...word(v.proof_hash), ...balance,
		BigInt(keys.length), ...coordinates(...keys),
		BigInt(ciphertexts.length), ...ciphertexts.flatMap((c) => coordinates(c.L, c.R)),
		BigInt(commitments.length), ...coordinates(...commitments),
		BigInt(values.length), ...values,
	];
	return { felts, prefix: poseidonHashMany(felts) };
}

// Compares what the vectors say with what is hashed here; nothing for changed ones.
function derived(v: any, exact: boolean, t: { felts: bigint[]; prefix: bigint }, commitments: any[]) {
	const c = compute_challenge(t.prefix, commitments);
	if (exact && (String(t.felts) !== String(v.transcript.map(BigInt)) || t.prefix !== BigInt(v.prefix) || c !== BigInt(v.challenge)))
		throw new Error("the transcript of " + v.name + " differs");
	return { prefix: t.prefix, c };
}

const encrypted = (C: any, key: any, AL: any, AR: any, c: bigint, sb: bigint, sr: bigint) =>
	ElGamal.verify({ L: C.L, R: C.R, g1: g, g2: key }, { AL, AR, c, sb, sr });
const committed = (y: any, g1: any, g2: any, A: any, c: bigint, s1: bigint, s2: bigint) => poe2.verify({ y, g1, g2 }, { A, c, s1, s2 });

function verify(v: any, exact: boolean): boolean {
	const r = new Reader(v.felts);
	const keys = v.keys.map(([x, y]: string[]) => point(BigInt(x), BigInt(y)));
	const own = (v.ciphertexts ?? []).map((c: string[]) => new Reader(c).ciphertext());
	const values = (v.values ?? []).map(BigInt);
	const balance = new Reader(v.balance).ciphertext();
	const [y, z] = keys;
	const hashed = (ciphertexts: any[], commitments: any[], vals: bigint[], A: any[]) => {
		r.end();
		return derived(v, exact, prefixOf(v, keys, ciphertexts, commitments, vals), A);
	};
	switch (v.kind) {
		case "ownership": {
			const [A] = r.points(1), [s] = r.scalars(1);
			const { prefix } = hashed([], [], values, [A]);
			return poe.verify_with_prefix({ y, g }, { A, prefix, s });
		}
		case "encryption": {
			const [AL, AR] = r.points(2), [sb, sr] = r.scalars(2);
			const { prefix } = hashed(own, [], [], [AL, AR]);
			return ElGamal.verify_with_prefix({ L: own[0].L, R: own[0].R, g1: g, g2: y }, { AL, AR, prefix, sb, sr });
		}
		case "same": {
			const [AL1, AR1, AL2] = r.points(3), [sb, sr] = r.scalars(2);
			const { c } = hashed(own, [], [], [AL1, AR1, AL2]);
			return SameEncrypt.verify(
				{ L1: own[0].L, R1: own[0].R, L2: own[1].L, R2: own[1].R, g, y1: y, y2: z },
				{ AL1, AR1, AL2, AR2: AR1, c, sb, sr1: sr, sr2: sr },
			);
		}
		case "reencryption": {
			const [Ax, AL1, AL2, AR2] = r.points(4), [sx, sb, sr2] = r.scalars(3);
			const { prefix } = hashed(own, [], [], [Ax, AL1, AL2, AR2]);
			return SameEncryptUnknownRandom.verify_with_prefix(
				{ L1: own[0].L, R1: own[0].R, L2: own[1].L, R2: own[1].R, g, y1: y, y2: z },
				{ Ax, AL1, AL2, AR2, prefix, sb, sx, sr2 },
			);
		}
		case "range": {
			const proofs = r.bits(Number(values[0])), [AL, AR, AV] = r.points(3), [sb, sr] = r.scalars(2);
			const V = total(proofs);
			const { prefix, c } = hashed(own, [V], values, [AL, AR, AV]);
			return encrypted(own[0], y, AL, AR, c, sb, sr) && committed(V, g, h, AV, c, sb, sr) && rangeHolds(prefix, "amount", proofs);
		}
		case "ragequit": {
			const [Ax, AR] = r.points(2), [s] = r.scalars(1);
			const { c } = hashed([], [], values, [Ax, AR]);
			const left = balance.L.subtract(g.multiply(values[0]));
			return poe.verify({ y, g }, { A: Ax, c, s }) && poe.verify({ y: left, g: balance.R }, { A: AR, c, s });
		}
		case "withdraw": {
			const cts = v.audited ? [r.ciphertext()] : [];
			const proofs = r.bits(bits), [Ax, AL, AV, ...AA] = r.points(v.audited ? 5 : 3), [sx, sm, sq] = r.scalars(3);
			const W = total(proofs);
			const { prefix, c } = hashed(cts, [W], [...values, BigInt(bits)], [Ax, AL, AV, ...AA]);
			const left = balance.L.subtract(g.multiply(values[0]));
			return poe.verify({ y, g }, { A: Ax, c, s: sx })
				&& committed(left, g, balance.R, AL, c, sm, sx) && committed(W, g, h, AV, c, sm, sq)
				&& (!v.audited || encrypted(cts[0], keys[1], AA[0], AA[1], c, sm, sq))
				&& rangeHolds(prefix, "remainder", proofs);
		}
		case "transfer": {
			const cts = Array.from({ length: v.audited ? 4 : 2 }, r.ciphertext);
			const amount = r.bits(bits), remainder = r.bits(bits);
			const A = r.points(v.audited ? 10 : 7), [sx, sb, sr, sm, sq] = r.scalars(5);
			const [V, W] = [total(amount), total(remainder)];
			const { prefix, c } = hashed(cts, [V, W], [BigInt(bits)], A);
			const [Ax, AR, AL, AM, AV, AW, ALbar, AA, AAM, AAR] = A;
			const [self, to, audit, auditLeft] = cts;
			return self.R.equals(to.R) && poe.verify({ y, g }, { A: Ax, c, s: sx })
				&& SameEncrypt.verify(
					{ L1: self.L, R1: self.R, L2: to.L, R2: to.R, g, y1: y, y2: z },
					{ AL1: AL, AR1: AR, AL2: ALbar, AR2: AR, c, sb, sr1: sr, sr2: sr },
				)
				&& committed(balance.L.subtract(self.L), g, balance.R.subtract(self.R), AM, c, sm, sx)
				&& committed(V, g, h, AV, c, sb, sr) && committed(W, g, h, AW, c, sm, sq)
				&& (!v.audited || audit.R.equals(self.R) && encrypted(audit, keys[2], AA, AR, c, sb, sr)
					&& encrypted(auditLeft, keys[2], AAM, AAR, c, sm, sq))
				&& rangeHolds(prefix, "amount", amount) && rangeHolds(prefix, "remainder", remainder);
		}
	}
	throw new Error("kind " + v.kind);
}

function rejected(v: any): boolean {
	try {
		return !verify(v, false);
	} catch {
		return true;
	}
}

function changed(v: any, change: Record<string, string>) {
	const copy = structuredClone(v);
	for (const [path, value] of Object.entries(change)) {
		const at = path.split("/");
		let place = copy;
		for (const key of at.slice(0, -1)) place = place[key];
		place[at[at.length - 1]] = value;
	}
	return copy;
}

const byName = new Map(vectors.proofs.map((v: any) => [v.name, v]));
let failures = 0;
const want = (what: string, ok: boolean) => {
	if (!ok) {
		failures++;
		console.error("wrong: " + what);
	}
};
for (const v of vectors.proofs) want(v.name, verify(v, true));
for (const v of vectors.invalid) want(v.name + " of " + v.of, rejected(changed(byName.get(v.of), v.change)));
for (const v of vectors.forged) want(v.name, rejected(v));
console.log(`${vectors.proofs.length} proofs, ${vectors.invalid.length + vectors.forged.length} rejections, ${failures} failures`);

// Proofs by she, for a prefix that only the caller knows the meaning of.
const hex = (xs: bigint[]) => xs.map((x) => "0x" + x.toString(16));
const tongoH = point(
	627088272801405713560985229077786158610581355215145837257248988047835443922n,
	962306405833205337611861169387935900858447421343428280515103558221889311122n,
);
const prefix = poseidonHashMany([text("she")]);
const x = generateRandom();
const owner = poe.prove(x, g, prefix);
const z = g.multiply(generateRandom());
const enc = ElGamal.prove(77n, generateRandom(), g, z, prefix);
const [rnd, fresh] = [generateRandom(), generateRandom()];
const L1 = g.multiply(99n).add(g.multiply(x).multiply(rnd)), R1 = g.multiply(rnd);
const re = SameEncryptUnknownRandom.prove(g, x, z, L1, R1, 99n, fresh, prefix);
const ranges = [h, tongoH].map((base) => {
	const { randomness } = range.pregenerate_randomness(12);
	const { inputs, proofs } = range.prove(0xabcn, 12, g, base, randomness, prefix);
	return inputs.commitments.flatMap((V: any, i: number) => {
		const b = proofs.proofs[i];
		return hex([...coordinates(V, b.A0, b.A1), b.c0, b.s0, b.s1]);
	});
});
writeFileSync(proofsPath, JSON.stringify({
	prefix: hex([prefix])[0],
	ownership: hex([...coordinates(owner.inputs.y, owner.proof.A), owner.proof.s]),
	encryption: hex([...coordinates(z, enc.inputs.L, enc.inputs.R, enc.proof.AL, enc.proof.AR), enc.proof.sb, enc.proof.sr]),
	reencryption: hex([
		...coordinates(re.inputs.y1, z, L1, R1, re.inputs.L2, re.inputs.R2, re.proof.Ax, re.proof.AL1, re.proof.AL2, re.proof.AR2),
		re.proof.sx, re.proof.sb, re.proof.sr2,
	]),
	range: ranges[0],
	rangeTongo: ranges[1],
}));
process.exit(failures === 0 ? 0 : 1);
