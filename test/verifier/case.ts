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
import { buildCaseBtf, type CaseBtf, type FuncCase, VALUE_TYPES, type ValueType } from './case_btf.ts';

export interface MapCase {
  readonly type?: MapType;
  readonly key?: number;
  readonly value?: number;
  readonly max?: number;
  readonly flags?: number;
  /** map_extra: of an arena, the address where user space sees it. */
  readonly extra?: bigint;
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
  /**
   * Tracepoint, function or iterator, as BTF names it: `btf_trace_task_newtask`, `bpf_iter_task`; of a struct_ops program, struct and
   * member: `sched_ext_ops.enqueue`.
   */
  readonly to?: string;
  readonly license?: string;
  readonly sleepable?: boolean;
  readonly flags?: number;
  readonly caps?: 'bpf';
  readonly maps?: Readonly<Record<string, MapCase>>;
  /** Functions besides the first by label; those that only say their linkage take a context. Absent: no func_info. */
  readonly funcs?: Readonly<Record<string, 'static' | 'global' | FuncCase>>;
  /** Function that catches what bpf_throw throws. */
  readonly exceptionCallback?: string | readonly string[];
  /** Other fields of the program: func_info and line_info that do not fit, attachments that there are not. */
  readonly also?: Partial<KernelProgram> | ((program: KernelProgram) => Partial<KernelProgram>);
  /** A line of the log of all paths: of messages that are not the last. */
  readonly logs?: string;
  /**
   * `type_id(node)` in it is the id of a local type (LOCAL_TYPES), `btf_id(NAME)` that of a type of the kernel. `calls_of(PREFIX, COUNT)`
   * calls so many functions of the kernel whose names begin so.
   */
  readonly asm: string;
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
    mapExtra: map.extra ?? 0n,
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

/** main, and the others, which come after it. */
function funcsOf(funcs: NonNullable<VerifierCase['funcs']>): Record<string, FuncCase> {
  const all: Record<string, FuncCase> = { main: { linkage: 'global', args: ['pointer'] } };
  for (const [name, func] of Object.entries(funcs)) {
    all[name] = typeof func === 'string' ? { linkage: func, args: ['pointer'] } : func;
  }
  return all;
}

/** BTF id of what the case attaches to, and the member of a struct_ops type. */
function attachment({ to, type }: VerifierCase, kernel: Btf): { id: number; member: number } {
  if (to === undefined) return { id: 0, member: 0 };
  if (type !== 'struct_ops') {
    const kind = to.startsWith('btf_trace_') || to.endsWith('_t') ? 'typedef' : 'func';
    return { id: kernel.find(to, kind), member: 0 };
  }
  const [name = '', member] = to.split('.');
  const id = kernel.find(name, 'struct');
  const struct = kernel.type(id);
  return {
    id,
    member:
      struct.kind === 'struct'
        ? Math.max(
            0,
            struct.members.findIndex((one) => one.name === member),
          )
        : 0,
  };
}

/** Replaces what names types of the kernel. */
function withKernel(asm: string, kernel: Btf): string {
  const id = (name: string) =>
    (['func', 'struct', 'var'] as const).map((kind) => kernel.find(name, kind)).find(Boolean) ?? 0;
  return asm
    .replace(/\bbtf_id\((\w+)\)/g, (_, name: string) => `${id(name)}`)
    .replace(/calls_of\((\w+), (\d+)\)/g, (_, prefix: string, count: string) => {
      const ids = Array.from({ length: kernel.nrTypes - 1 }, (__, i) => i + 1);
      const named = ids.filter((at) => kernel.kind(at) === 'func' && kernel.name(at).startsWith(prefix));
      return named
        .slice(0, Number(count))
        .map((at) => `.insn(0x85, 0, 2, 0, ${at})`)
        .join('; ');
    });
}

/** The case as a program for `kernel`. */
export function caseProgram(test: VerifierCase, kernel: Btf): KernelProgram {
  const kfuncs: Record<string, number> = {};
  const asm = withKernel(test.asm, kernel);
  for (const [, name = ''] of asm.matchAll(/call (\w+)/g)) {
    const known = test.funcs?.[name] || helperNames.includes(name.slice(4)) || helperNames.includes(name);
    const id = known ? 0 : kernel.find(name, 'func');
    if (id) kfuncs[name] = id;
  }
  const names = Object.keys(test.maps ?? {});
  const maps = Object.fromEntries(names.map((name, i) => [name, i]));
  const raw: number[][] = [];
  const withFuncs = test.funcs ? funcsOf(test.funcs) : {};
  const btf = buildCaseBtf(withFuncs, test.exceptionCallback);
  const named = asm.replace(/type_id\((\w+)\)/g, (_, name: keyof typeof btf.locals) => `${btf.locals[name]}`);
  const text = named.replace(/\.insn\(([^)]*)\)/g, (_, fields: string) => {
    raw.push(fields.split(',').map(Number));
    return `r0 = ${RAW + raw.length - 1}`;
  });
  const { bytes, labels } = assembleWithLabels(text, { maps, kfuncs });
  patchRaw(bytes, raw);
  const count = bytes.length / 8;
  const starts = Object.keys(withFuncs).map((name) => ({ name, insn: name === 'main' ? 0 : (labels.get(name) ?? 0) }));
  starts.sort((a, b) => a.insn - b.insn);
  const funcs = starts.map(({ name, insn }, i): FuncSpec => {
    const linkage = withFuncs[name]?.linkage ?? 'static';
    return { name, insn, insnCount: (starts[i + 1]?.insn ?? count) - insn, typeId: btf.funcs.get(name) ?? 0, linkage };
  });
  const needsBtf =
    test.funcs !== undefined ||
    test.exceptionCallback !== undefined ||
    named !== asm ||
    Object.values(test.maps ?? {}).some((map) => map.of);
  const type = test.type ?? 'syscall';
  const attached = attachment(test, kernel);
  const sleepable = test.sleepable ?? type === 'syscall';
  const program: KernelProgram = {
    object: 'case',
    name: 'main',
    section: type,
    type,
    attachType: test.attach ?? null,
    attachTo: test.to ?? null,
    attachBtfId: attached.id,
    structOpsMember: attached.member,
    flags: (test.flags ?? 0) | (sleepable ? BPF_F_SLEEPABLE : 0),
    license: test.license ?? 'GPL',
    insns: bytes,
    maps: Object.entries(test.maps ?? {}).map(([name, map]) => mapSpec(name, map, btf)),
    funcs,
    lines: [],
    btf: needsBtf ? btf.btf : null,
    coreInsns: new Set(),
  };
  return { ...program, ...(typeof test.also === 'function' ? test.also(program) : test.also) };
}

/** Last line of a log that is not statistics. Ids of kfuncs are the BTF's own. */
export function lastMessage(log: string): string {
  const lines = log.split('\n').filter((line) => line !== '' && !STATISTICS.test(line));
  // Some messages end without a newline.
  const last = lines.at(-1)?.replace(/verification time \d+ usec$/, '') ?? '';
  return last.replace(/(kfunc \w+)#\d+/, '$1#ID');
}
const STATISTICS = /^(verification time|stack depth|processed) /;
