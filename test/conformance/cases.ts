/** For every row of the instruction table: programs that use it, inputs at the edges, and what has to come out. */
import { encodeInsns, ldImm64, op } from '../../src/uapi/asm.ts';
import type { Form, InsnFields, InsnRow, Op } from '../../src/uapi/insn.ts';
import { alu, byteSwap, EDGES, IMMS, jumps, s, u } from './oracle.ts';

/** One run of a program. */
export interface Run {
  /** r1.. of the program; '&' is the address of the buffer. */
  readonly args: readonly (bigint | '&')[];
  /** Bytes of the buffer before; 64 of them, zero where left out. */
  readonly buffer?: readonly number[];
  readonly want: bigint | FaultName;
  /** Bytes of the buffer that have to be there after. */
  readonly wantBuffer?: readonly number[];
}

export type FaultName = 'out-of-bounds' | 'misaligned-atomic' | 'null-ptr-deref' | 'wild-memory-access' | 'bad-opcode';

export interface Case {
  readonly program: Uint8Array;
  readonly runs: readonly Run[];
}

export const BUFFER_SIZE = 64;

const program = (...insns: readonly InsnFields[]) => encodeInsns([...insns, op('exit')]);
const result = op('mov64_reg', { dst: 0, src: 1 });
const bytesOf = (value: bigint, bits: number) =>
  Array.from({ length: bits / 8 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
const at = (offset: number, bytes: readonly number[]) => [...new Array<number>(offset).fill(0xaa), ...bytes];

function aluCases(row: InsnRow): Case[] {
  const name = row.op.replace(/(32|64)_(imm|reg)$/, '');
  if (row.source === 'reg') {
    const insns = program(op(row.op, { dst: 1, src: 2 }), result);
    const runs = EDGES.flatMap((a) => EDGES.map((b) => ({ args: [a, b], want: alu(name, row.bits, a, b) })));
    // Operands in one register, too.
    const same = program(op(row.op, { dst: 1, src: 1 }), result);
    return [
      { program: insns, runs },
      { program: same, runs: EDGES.map((a) => ({ args: [a], want: alu(name, row.bits, a, a) })) },
    ];
  }
  return IMMS.map((imm) => ({
    program: program(op(row.op, { dst: 1, imm }), result),
    runs: EDGES.map((a) => ({ args: [a], want: alu(name, row.bits, a, BigInt(imm)) })),
  }));
}

function unary(row: InsnRow, f: (x: bigint) => bigint): Case[] {
  return [
    { program: program(op(row.op, { dst: 1, src: 1 }), result), runs: EDGES.map((a) => ({ args: [a], want: f(a) })) },
  ];
}

function jumpCases(row: InsnRow): Case[] {
  const name = row.op.replace(/(32|64)_(imm|reg)$/, '');
  const body = (insn: InsnFields) =>
    program(op('mov64_imm', { dst: 0, imm: 1 }), insn, op('mov64_imm', { dst: 0, imm: 0 }));
  const taken = (a: bigint, b: bigint) => (jumps(name, row.bits, a, b) ? 1n : 0n);
  if (row.source === 'reg') {
    const runs = EDGES.flatMap((a) => EDGES.map((b) => ({ args: [a, b], want: taken(a, b) })));
    return [{ program: body(op(row.op, { dst: 1, src: 2, off: 1 })), runs }];
  }
  return IMMS.map((imm) => ({
    program: body(op(row.op, { dst: 1, imm, off: 1 })),
    runs: EDGES.map((a) => ({ args: [a], want: taken(a, BigInt(imm)) })),
  }));
}

/** Runs of an access of `size` bytes at r1: outside of the buffer, at NULL, nowhere. */
function badAddresses(args: readonly bigint[] = []): Run[] {
  return [
    { args: [0n, ...args], want: 'null-ptr-deref' },
    { args: [0xffff888000000008n, ...args], want: 'null-ptr-deref' },
    { args: [0xffff8880f0000000n, ...args], want: 'wild-memory-access' },
    { args: [0x1234567890abn, ...args], want: 'wild-memory-access' },
  ];
}

const PATTERN = Array.from({ length: BUFFER_SIZE }, (_, i) => (i * 37 + 129) & 0xff);
const valueAt = (offset: number, bits: number) =>
  PATTERN.slice(offset, offset + bits / 8).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

function loadCases(row: InsnRow): Case[] {
  const cases = [0, 1, 3, 5, 8, 40, BUFFER_SIZE - row.bits / 8].map((off) => {
    const value = valueAt(off, row.bits);
    const want = row.signed ? u(64, s(row.bits, value)) : value;
    return {
      program: program(op(row.op, { dst: 0, src: 1, off })),
      runs: [{ args: ['&'], buffer: PATTERN, want }] as Run[],
    };
  });
  const over = BUFFER_SIZE - row.bits / 8 + 1;
  const outside = [over, BUFFER_SIZE, -1, -8].map((off) => ({
    program: program(op(row.op, { dst: 0, src: 1, off })),
    runs: [{ args: ['&'], want: 'out-of-bounds' }] as Run[],
  }));
  return [...cases, ...outside, { program: program(op(row.op, { dst: 0, src: 1 })), runs: badAddresses() }];
}

function storeCases(row: InsnRow): Case[] {
  const zero = op('mov64_imm', { dst: 0, imm: 0 });
  const width = row.bits / 8;
  const make = (off: number, imm: number, value: bigint, want: bigint | FaultName): Case => ({
    program: program(zero, op(row.op, { dst: 1, off, ...(row.source === 'imm' ? { imm } : { src: 2 }) })),
    runs: [
      {
        args: ['&', value],
        buffer: new Array<number>(BUFFER_SIZE).fill(0xaa),
        want,
        ...(want === 0n
          ? { wantBuffer: at(off, [...bytesOf(u(64, value), row.bits), 0xaa].slice(0, BUFFER_SIZE - off)) }
          : {}),
      },
    ],
  });
  const inside = [0, 1, 7, 16, BUFFER_SIZE - width].flatMap((off) =>
    (row.source === 'imm' ? IMMS : [0x12345678, -1, 0]).map((imm) => {
      const value = row.source === 'imm' ? BigInt(imm) : BigInt(imm) * 0x100000001n;
      return make(off, imm, value, 0n);
    }),
  );
  const outside = [BUFFER_SIZE - width + 1, BUFFER_SIZE, -1].map((off) => make(off, 1, 1n, 'out-of-bounds'));
  const bad = program(zero, op(row.op, { dst: 1, ...(row.source === 'imm' ? { imm: 1 } : { src: 2 }) }));
  return [...inside, ...outside, { program: bad, runs: badAddresses([1n]) }];
}

/** New memory and new register of an atomic; null: no register changes. */
function atomicEffect(row: InsnRow, old: bigint, src: bigint, r0: bigint): { memory: bigint; register: bigint | null } {
  const name = row.op.replace(/(32|64)$/, '');
  if (name === 'xchg') return { memory: u(row.bits, src), register: old };
  if (name === 'cmpxchg') return { memory: old === u(row.bits, r0) ? u(row.bits, src) : old, register: old };
  const memory = alu(name.replace('fetch_', ''), row.bits, old, src);
  return { memory, register: name.startsWith('fetch_') ? old : null };
}

function atomicCases(row: InsnRow): Case[] {
  const off = row.bits / 8;
  const r0 = op('mov64_reg', { dst: 0, src: 3 });
  const compares = row.op.startsWith('cmpxchg');
  // The register that gets the old value: r0 of cmpxchg, else src.
  const body = (insn: InsnFields) =>
    compares ? program(r0, insn) : program(r0, insn, op('mov64_reg', { dst: 0, src: 2 }));
  const runs = EDGES.flatMap((memory, i) =>
    EDGES.map((src, j): Run => {
      const old = u(row.bits, memory);
      const compare = (i + j) % 2 ? memory : src;
      const effect = atomicEffect(row, old, src, compare);
      const buffer = at(off, [...bytesOf(memory, row.bits), 0xaa, 0xaa]);
      const wantBuffer = at(off, [...bytesOf(effect.memory, row.bits), 0xaa, 0xaa]);
      return { args: ['&', src, compare], buffer, want: effect.register ?? src, wantBuffer };
    }),
  );
  const misaligned = [1, 2, off - 1].map((by) => ({
    program: body(op(row.op, { dst: 1, src: 2, off: 8 + by })),
    runs: [{ args: ['&', 1n, 1n], want: 'misaligned-atomic' }] as Run[],
  }));
  const outside = {
    program: body(op(row.op, { dst: 1, src: 2, off: BUFFER_SIZE })),
    runs: [{ args: ['&', 1n, 1n], want: 'out-of-bounds' }] as Run[],
  };
  const bad = { program: body(op(row.op, { dst: 1, src: 2 })), runs: badAddresses([1n, 1n]) };
  return [{ program: body(op(row.op, { dst: 1, src: 2, off })), runs }, ...misaligned, outside, bad];
}

function acquireCases(row: InsnRow): Case[] {
  const aligned = [0, 8, 16, BUFFER_SIZE - row.bits / 8].map((off) => ({
    program: program(op(row.op, { dst: 0, src: 1, off })),
    runs: [{ args: ['&'], buffer: PATTERN, want: valueAt(off, row.bits) }] as Run[],
  }));
  if (row.bits === 8) return aligned;
  const runs: Run[] = [{ args: ['&'], want: 'misaligned-atomic' }];
  return [...aligned, { program: program(op(row.op, { dst: 0, src: 1, off: 1 })), runs }];
}

function releaseCases(row: InsnRow): Case[] {
  const make = (off: number, runs: Run[]) => ({
    program: program(op('mov64_imm', { dst: 0, imm: 0 }), op(row.op, { dst: 1, src: 2, off })),
    runs,
  });
  const runs = (off: number): Run[] =>
    EDGES.map((value) => ({
      args: ['&', value],
      buffer: new Array<number>(BUFFER_SIZE).fill(0xaa),
      want: 0n,
      wantBuffer: [...at(off, bytesOf(value, row.bits)), 0xaa],
    }));
  const misaligned: Run[] = [{ args: ['&', 1n], want: 'misaligned-atomic' }];
  return [make(0, runs(0)), make(24, runs(24)), ...(row.bits === 8 ? [] : [make(3, misaligned)])];
}

/** A forward jump over one instruction, and a backward one that is taken once. */
function jaCases(row: InsnRow): Case[] {
  const to = (distance: number) => op(row.op, row.op === 'gotol' ? { imm: distance } : { off: distance });
  const forward = program(op('mov64_imm', { dst: 0, imm: 1 }), to(1), op('mov64_imm', { dst: 0, imm: 0 }));
  const backward = program(
    op('mov64_imm', { dst: 0, imm: 1 }),
    to(2),
    op('add64_imm', { dst: 0, imm: 10 }),
    op('exit'),
    op('add64_imm', { dst: 0, imm: 100 }),
    to(-4),
  );
  return [
    { program: forward, runs: [{ args: [], want: 1n }] },
    { program: backward, runs: [{ args: [], want: 111n }] },
  ];
}

function immCases(row: InsnRow): Case[] {
  if (row.op !== 'ld_imm64') return [];
  return EDGES.map((value) => ({ program: program(...ldImm64(0, value)), runs: [{ args: [], want: value }] }));
}

function callCases(row: InsnRow): Case[] {
  if (row.op !== 'call_local') return [];
  // The callee sees r1 to r5, gives r0, and r6 to r9 and r10 are the caller's again after it.
  const saved = [6, 7, 8, 9] as const;
  const caller = [
    ...saved.map((dst) => op('mov64_imm', { dst, imm: dst * 100 })),
    op('stx64', { dst: 10, src: 1, off: -8 }),
    op('call_local', { imm: 0 }),
    ...saved.map((src) => op('add64_reg', { dst: 0, src })),
    op('ldx64', { dst: 1, src: 10, off: -8 }),
    op('add64_reg', { dst: 0, src: 1 }),
    op('exit'),
  ];
  const callee = [
    ...saved.map((dst) => op('mov64_imm', { dst, imm: -1 })),
    op('stx64', { dst: 10, src: 6, off: -8 }),
    op('mov64_reg', { dst: 0, src: 1 }),
    op('add64_reg', { dst: 0, src: 5 }),
    op('exit'),
  ];
  const call = { ...op('call_local'), imm: caller.length - 6 };
  caller[5] = call;
  return [{ program: encodeInsns([...caller, ...callee]), runs: [{ args: [7n, 0n, 0n, 0n, 50n], want: 3064n }] }];
}

const none = () => [];

/** Cases by form; a form without any has them in a test of its own (ELSEWHERE). */
const forms: Readonly<Record<Form, (row: InsnRow) => Case[]>> = {
  alu: aluCases,
  neg: (row) => unary(row, (x) => u(row.bits, -u(row.bits, x))),
  end: (row) => unary(row, (x) => (row.op.startsWith('le') ? u(row.bits, x) : byteSwap(row.bits, u(row.bits, x)))),
  movsx: (row) => unary(row, (x) => u(row.bits, s(row.off ?? 0, x))),
  cast: (row) => unary(row, (x) => x),
  percpu: (row) => [{ program: program(op(row.op, { dst: 0, src: 1 })), runs: [{ args: [1n], want: 'bad-opcode' }] }],
  load: loadCases,
  store: storeCases,
  storeImm: storeCases,
  atomic: atomicCases,
  acquire: acquireCases,
  release: releaseCases,
  imm64: immCases,
  packet: none,
  ja: jaCases,
  jmp: jumpCases,
  mayGoto: none,
  call: callCases,
  exit: () => [
    { program: program(op('mov64_imm', { dst: 0, imm: -1 })), runs: [{ args: [], want: (1n << 64n) - 1n }] },
  ],
};

/** Rows that need more of a machine than registers and a buffer: engines.test.ts has them. */
export const ELSEWHERE: ReadonlySet<Op> = new Set([
  'ld_imm64_map_fd',
  'ld_imm64_map_value',
  'ld_imm64_btf_id',
  'ld_imm64_func',
  'ld_imm64_map_idx',
  'ld_imm64_map_idx_value',
  'ld_abs8',
  'ld_abs16',
  'ld_abs32',
  'ld_ind8',
  'ld_ind16',
  'ld_ind32',
  'may_goto',
  'call_helper',
  'call_kfunc',
]);

export function casesOf(row: InsnRow): Case[] {
  return forms[row.form](row);
}
