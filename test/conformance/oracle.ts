/** What each instruction computes, in BigInt, written from the instruction set's documentation and from nothing of ours. */

const M64 = (1n << 64n) - 1n;
export const u = (bits: number, x: bigint) => BigInt.asUintN(bits, x);
export const s = (bits: number, x: bigint) => BigInt.asIntN(bits, x);

type Binary = (a: bigint, b: bigint, bits: number) => bigint;

/** a and b are unsigned and `bits` wide; the result is cut to `bits` by the caller. */
const binary: Readonly<Record<string, Binary>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => (b === 0n ? 0n : a / b),
  mod: (a, b) => (b === 0n ? a : a % b),
  sdiv: (a, b, bits) => (b === 0n ? 0n : s(bits, a) / s(bits, b)),
  smod: (a, b, bits) => (b === 0n ? a : s(bits, a) % s(bits, b)),
  or: (a, b) => a | b,
  and: (a, b) => a & b,
  xor: (a, b) => a ^ b,
  mov: (_a, b) => b,
  lsh: (a, b, bits) => a << (b % BigInt(bits)),
  rsh: (a, b, bits) => a >> (b % BigInt(bits)),
  arsh: (a, b, bits) => s(bits, a) >> (b % BigInt(bits)),
};

/** Result in dst of `name` (add, sdiv, ...) on 64-bit registers. */
export function alu(name: string, bits: number, a: bigint, b: bigint): bigint {
  const operation = binary[name];
  if (!operation) throw new Error(`no oracle for ${name}`);
  return u(bits, operation(u(bits, a), u(bits, b), bits));
}

export function byteSwap(bits: number, x: bigint): bigint {
  let out = 0n;
  for (let i = 0; i < bits; i += 8) out = (out << 8n) | ((x >> BigInt(i)) & 0xffn);
  return out;
}

const compare: Readonly<Record<string, (a: bigint, b: bigint) => boolean>> = {
  jeq: (a, b) => a === b,
  jne: (a, b) => a !== b,
  jgt: (a, b) => a > b,
  jge: (a, b) => a >= b,
  jlt: (a, b) => a < b,
  jle: (a, b) => a <= b,
  jset: (a, b) => (a & b) !== 0n,
};

/** Whether `jsgt` and so on jump. */
export function jumps(name: string, bits: number, a: bigint, b: bigint): boolean {
  const signed = name.startsWith('js') && name !== 'jset';
  const test = compare[signed ? `j${name.slice(2)}` : name];
  if (!test) throw new Error(`no oracle for ${name}`);
  return signed ? test(s(bits, a), s(bits, b)) : test(u(bits, a), u(bits, b));
}

/** Edge operands of a register. */
export const EDGES: readonly bigint[] = [
  0n,
  1n,
  2n,
  7n,
  31n,
  32n,
  33n,
  63n,
  64n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x100000000n,
  0x8000000080000001n,
  0x0123456789abcdefn,
  0x7fffffffffffffffn,
  0x8000000000000000n,
  M64 - 1n,
  M64,
];

/** Edge operands of an imm field. */
export const IMMS: readonly number[] = [0, 1, 2, 7, 31, 32, 63, 64, 0xff, 0x8000, 0x7fffffff, -0x80000000, -2, -1];
