/**
 * Verifier cases: small programs in assembly (cases/*.ts). What a live 6.18 said of each is in expected.json, written by
 * `node scripts/run.mjs test/verifier/oracle.ts --write`; cases.test.ts holds our verifier against it.
 */
import type { Btf } from '../../src/btf/btf.ts';
import type { KernelProgram } from '../../src/kernel/program.ts';
import type { FuncSpec, MapSpec } from '../../src/loader/spec.ts';
import { assembleWithLabels } from '../../src/uapi/asm.ts';
import { type AttachType, BPF_F_SLEEPABLE, type MapType, type ProgType } from '../../src/uapi/bpf.ts';
import { helperNames } from '../../src/uapi/helper_names.ts';
import { encodeInsn } from '../../src/uapi/insn.ts';
import { BtfBuilder } from '../btf_builder.ts';

export interface MapCase {
  readonly type?: MapType;
  readonly key?: number;
  readonly value?: number;
  readonly max?: number;
  readonly flags?: number;
  /** Value type of the common BTF (VALUE_TYPES), which also gives its size. */
  readonly of?: ValueType;
  /** Contents: makes it a frozen .rodata map. */
  readonly rodata?: readonly number[];
  readonly inner?: MapCase;
}

export interface VerifierCase {
  readonly name: string;
  /** Default: syscall, which is sleepable. */
  readonly type?: ProgType;
  readonly attach?: AttachType;
  /** Tracepoint, function or iterator, as BTF names it: `btf_trace_task_newtask`, `bpf_iter_task`. */
  readonly to?: string;
  readonly license?: string;
  readonly sleepable?: boolean;
  readonly flags?: number;
  readonly caps?: 'bpf';
  readonly maps?: Readonly<Record<string, MapCase>>;
  /** Functions besides the first: label -> linkage. Absent: the program has no func_info. */
  readonly funcs?: Readonly<Record<string, 'static' | 'global'>>;
  readonly asm: string;
}

/** Structs of map values that cases use. */
const VALUE_TYPES = {
  /** { unsigned long x; struct bpf_cpumask __kptr *mask; } */
  kptr: 16,
  /** { struct bpf_cpumask __kptr_untrusted *mask; } */
  unref: 8,
  /** { struct bpf_spin_lock lock; int x; } */
  lock: 8,
  /** { struct bpf_timer t; } */
  timer: 16,
  wq: 16,
} as const;
type ValueType = keyof typeof VALUE_TYPES;

export interface CaseBtf {
  readonly btf: Btf;
  readonly int: number;
  readonly values: Readonly<Record<ValueType, number>>;
  /** func ids by name. */
  readonly funcs: ReadonlyMap<string, number>;
}

function buildBtf(funcs: Readonly<Record<string, 'static' | 'global'>>): CaseBtf {
  const b = new BtfBuilder();
  const int = b.int('int', 4, 1);
  const u64 = b.int('unsigned long', 8);
  const word = (name: string, size: number) => b.struct(name, size, [{ name: 'opaque', type: u64, offset: 0 }]);
  const lock = b.struct('bpf_spin_lock', 4, [{ name: 'val', type: int, offset: 0 }]);
  const timer = word('bpf_timer', 16);
  const wq = word('bpf_wq', 16);
  const mask = b.struct('bpf_cpumask', 40, [{ name: 'usage', type: int, offset: 32 }]);
  const member = (name: string, type: number, offset: number) => ({ name, type, offset });
  const values = {
    kptr: b.struct('v_kptr', 16, [member('x', u64, 0), member('mask', b.kptr(mask, 'kptr'), 8)]),
    unref: b.struct('v_unref', 8, [member('mask', b.kptr(mask, 'kptr_untrusted'), 0)]),
    lock: b.struct('v_lock', 8, [member('lock', lock, 0), member('x', int, 4)]),
    timer: b.struct('v_timer', 16, [member('t', timer, 0)]),
    wq: b.struct('v_wq', 16, [member('w', wq, 0)]),
  };
  const proto = b.proto(int, [['ctx', b.ptr(0)]]);
  const ids = new Map<string, number>();
  for (const [name, linkage] of Object.entries(funcs)) ids.set(name, b.func(name, proto, linkage === 'global' ? 1 : 0));
  return { btf: b.build(), int, values, funcs: ids };
}

function mapSpec(name: string, map: MapCase, btf: CaseBtf): MapSpec {
  const valueSize = map.rodata?.length ?? (map.of ? VALUE_TYPES[map.of] : (map.value ?? 8));
  return {
    name,
    type: map.type ?? 'array',
    keySize: map.key ?? 4,
    valueSize,
    maxEntries: map.max ?? 1,
    flags: (map.flags ?? 0) | (map.rodata ? 1 << 7 : 0),
    mapExtra: 0n,
    numaNode: null,
    pinning: 'none',
    keyTypeId: map.of ? btf.int : 0,
    valueTypeId: map.of ? btf.values[map.of] : 0,
    section: map.rodata
      ? { kind: 'rodata', sectionName: '.rodata', data: Uint8Array.from(map.rodata), variables: [] }
      : null,
    inner: map.inner ? mapSpec('inner', map.inner, btf) : null,
    values: [],
  };
}

/** `.insn(code, dst, src, off, imm)` in a case: an instruction that the assembler refuses to write. */
const RAW = 0x5a5a0000;

function patchRaw(bytes: Uint8Array, raw: readonly (readonly number[])[]): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let at = 0; at < bytes.length; at += 8) {
    const fields = raw[view.getInt32(at + 4, true) - RAW];
    if (!fields) continue;
    const [code = 0, dst = 0, src = 0, off = 0, imm = 0] = fields;
    encodeInsn(view, at, { code, dst, src, off, imm });
  }
}

/** The case as a program for `kernel`. */
export function caseProgram(test: VerifierCase, kernel: Btf): KernelProgram {
  const kfuncs: Record<string, number> = {};
  for (const [, name = ''] of test.asm.matchAll(/call (bpf_\w+)/g)) {
    const id = helperNames.includes(name.slice(4)) || helperNames.includes(name) ? 0 : kernel.find(name, 'func');
    if (id) kfuncs[name] = id;
  }
  const names = Object.keys(test.maps ?? {});
  const maps = Object.fromEntries(names.map((name, i) => [name, i]));
  const raw: number[][] = [];
  const text = test.asm.replace(/\.insn\(([^)]*)\)/g, (_, fields: string) => {
    raw.push(fields.split(',').map(Number));
    return `r0 = ${RAW + raw.length - 1}`;
  });
  const { bytes, labels } = assembleWithLabels(text, { maps, kfuncs });
  patchRaw(bytes, raw);
  const withFuncs = test.funcs ? { main: 'global' as const, ...test.funcs } : {};
  const btf = buildBtf(withFuncs);
  const count = bytes.length / 8;
  const starts = Object.keys(withFuncs).map((name) => ({ name, insn: name === 'main' ? 0 : (labels.get(name) ?? 0) }));
  starts.sort((a, b) => a.insn - b.insn);
  const funcs = starts.map(({ name, insn }, i): FuncSpec => {
    const linkage = (withFuncs as Record<string, 'static' | 'global'>)[name] ?? 'static';
    return { name, insn, insnCount: (starts[i + 1]?.insn ?? count) - insn, typeId: btf.funcs.get(name) ?? 0, linkage };
  });
  const needsBtf = test.funcs !== undefined || Object.values(test.maps ?? {}).some((map) => map.of);
  const type = test.type ?? 'syscall';
  const sleepable = test.sleepable ?? type === 'syscall';
  return {
    object: 'case',
    name: 'main',
    section: type,
    type,
    attachType: test.attach ?? null,
    attachTo: test.to ?? null,
    attachBtfId: test.to ? kernel.find(test.to, test.to.startsWith('btf_trace_') ? 'typedef' : 'func') : 0,
    structOpsMember: 0,
    flags: (test.flags ?? 0) | (sleepable ? BPF_F_SLEEPABLE : 0),
    license: test.license ?? 'GPL',
    insns: bytes,
    maps: Object.entries(test.maps ?? {}).map(([name, map]) => mapSpec(name, map, btf)),
    funcs,
    lines: [],
    btf: needsBtf ? btf.btf : null,
    coreInsns: new Set(),
  };
}

/** Last line of a log that is not statistics. */
export function lastMessage(log: string): string {
  const lines = log.split('\n').filter((line) => line !== '' && !STATISTICS.test(line));
  return lines.at(-1) ?? '';
}
const STATISTICS = /^(verification time|stack depth|processed) /;
