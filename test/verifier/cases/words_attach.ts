import type { KernelProgram } from '../../../src/kernel/program.ts';
import type { VerifierCase } from '../case.ts';

const leave = 'r0 = 0; exit';
const rawTp = { type: 'tracing', attach: 'trace_raw_tp' } as const;
const filter = { type: 'socket_filter' } as const;
const ops = { type: 'struct_ops' } as const;
const static1 = { f: { linkage: 'static', args: ['pointer'] } } as const;
const void1 = { f: { linkage: 'static', returns: 'void', args: ['pointer'] } } as const;
const ldAbs = 'r6 = r1; .insn(0x30, 0, 0, 0, 0)';
const tailCall = 'r2 = map(p); r3 = 0; call bpf_tail_call';
const progArray = { p: { type: 'prog_array', value: 4 } } as const;

/** func_info as the case has it, changed. */
const funcInfo =
  (change: (funcs: KernelProgram['funcs']) => KernelProgram['funcs']) =>
  ({ funcs }: KernelProgram): Partial<KernelProgram> => ({ funcs: change(funcs) });

/** line_info for these instructions. */
const lineInfo = (...insns: number[]): Partial<KernelProgram> => ({
  lines: insns.map((insn) => ({ insn, file: '', fileOff: 0, lineOff: 0, text: '', line: 1, column: 1 })),
});

/** One case for each message about attachment, func_info, line_info and what a program returns. */
export const wordsAttachCases: readonly VerifierCase[] = [
  { name: 'words: attached to nothing that there is', ...rawTp, also: { attachBtfId: 0xfffff }, asm: leave },
  { name: 'words: attached to what has no name', ...rawTp, also: { attachBtfId: 2 }, asm: leave },
  { name: 'words: tracepoint that is a function', ...rawTp, to: 'bpf_iter_task', asm: leave },
  { name: 'words: tracepoint that is another type', ...rawTp, to: 'size_t', asm: leave },
  { name: 'words: iterator that is a type', type: 'tracing', attach: 'trace_iter', to: 'size_t', asm: leave },
  { name: 'words: struct_ops without GPL', ...ops, to: 'tcp_congestion_ops.ssthresh', license: 'X', asm: leave },
  { name: 'words: struct_ops of another struct', ...ops, to: 'task_struct.pid', asm: leave },
  {
    name: 'words: struct_ops of no member',
    ...ops,
    to: 'tcp_congestion_ops.ssthresh',
    also: { structOpsMember: 999 },
    asm: leave,
  },
  { name: 'words: struct_ops of a number', ...ops, to: 'tcp_congestion_ops.flags', asm: leave },
  {
    name: 'words: struct_ops of a member that is not for programs',
    ...ops,
    to: 'tcp_congestion_ops.get_info',
    asm: leave,
  },
  {
    name: 'words: write to a socket where none may write',
    ...ops,
    to: 'tcp_congestion_ops.ssthresh',
    asm: `r1 = *(u64 *)(r1 + 0); *(u8 *)(r1 + 0) = 0; ${leave}`,
  },
  {
    name: 'words: write to a socket beyond a member',
    ...ops,
    to: 'tcp_congestion_ops.ssthresh',
    asm: `r1 = *(u64 *)(r1 + 0); *(u64 *)(r1 + 1396) = 0; ${leave}`,
  },
  {
    name: 'words: write beyond the state of dummy ops',
    ...ops,
    to: 'bpf_dummy_ops.test_2',
    asm: `r1 = *(u64 *)(r1 + 0); *(u64 *)(r1 + 40) = 0; ${leave}`,
  },
  { name: 'words: ld_abs in a function without BTF', ...filter, asm: `call f; ${leave}; f: ${ldAbs}; ${leave}` },
  {
    name: 'words: tail call in a function without BTF',
    ...filter,
    maps: progArray,
    asm: `call f; ${leave}; f: ${tailCall}; ${leave}`,
  },
  {
    name: 'words: ld_abs in a function of no value',
    ...filter,
    funcs: void1,
    asm: `call f; ${leave}; f: ${ldAbs}; ${leave}`,
  },
  {
    name: 'words: tail call in a function of no value',
    ...filter,
    maps: progArray,
    funcs: void1,
    asm: `call f; ${leave}; f: ${tailCall}; ${leave}`,
  },
  {
    name: 'words: fewer func_info than functions',
    funcs: static1,
    also: funcInfo((funcs) => funcs.slice(0, 1)),
    asm: `call f; ${leave}; f: ${leave}`,
  },
  {
    name: 'words: func_info of another layout',
    funcs: static1,
    also: funcInfo((funcs) => funcs.map((func, i) => ({ ...func, insn: func.insn + i }))),
    asm: `call f; ${leave}; f: ${leave}`,
  },
  {
    name: 'words: func_info of a number',
    funcs: {},
    also: funcInfo((funcs) => funcs.map((func) => ({ ...func, typeId: 1 }))),
    asm: leave,
  },
  { name: 'words: line_info out of order', funcs: {}, also: lineInfo(0, 1, 1), asm: leave },
  { name: 'words: line_info within an instruction', funcs: {}, also: lineInfo(0, 1), asm: `r1 = 1 ll; ${leave}` },
  { name: 'words: line_info from the second instruction', funcs: {}, also: lineInfo(1), asm: leave },
  {
    name: 'words: line_info of one function of two',
    funcs: static1,
    also: lineInfo(0),
    asm: `call f; ${leave}; f: ${leave}`,
  },
  { name: 'words: pointer returned, unprivileged', ...filter, caps: 'bpf', asm: 'r0 = r1; exit' },
  {
    name: 'words: pointer returned by a global function',
    maps: { m: {} },
    funcs: { g: { linkage: 'global', args: [] } },
    asm: `call g; ${leave}; g: r0 = map_value(m, 0); exit`,
  },
  {
    name: 'words: argument that points to no struct',
    ...rawTp,
    to: 'btf_trace_initcall_level',
    asm: `r1 = *(u64 *)(r1 + 0); ${leave}`,
  },
  {
    name: 'words: argument that is a struct',
    ...rawTp,
    to: 'btf_trace_tmigr_group_set_cpu_inactive',
    asm: `r1 = *(u64 *)(r1 + 8); ${leave}`,
  },
  // ld_imm64
  { name: 'words: ld_imm64 without its second half', asm: `.insn(0x18, 0, 0, 0, 1); ${leave}` },
  { name: 'words: ld_imm64 of what there is not', asm: `.insn(0x18, 0, 7, 0, 0); .insn(0, 0, 0, 0, 0); ${leave}` },
  { name: 'words: ld_imm64 with fields', asm: `.insn(0x18, 0, 0, 1, 0); .insn(0, 0, 0, 0, 0); ${leave}` },
  { name: 'words: map that is standard output', asm: `.insn(0x18, 1, 1, 0, 1); .insn(0, 0, 0, 0, 0); ${leave}` },
  {
    name: 'words: address of what BTF has not',
    asm: `.insn(0x18, 1, 3, 0, 2147483647); .insn(0, 0, 0, 0, 0); ${leave}`,
  },
  { name: 'words: address of a type', asm: `.insn(0x18, 1, 3, 0, 1); .insn(0, 0, 0, 0, 0); ${leave}` },
  { name: 'words: address in a module', asm: `.insn(0x18, 1, 3, 0, 1); .insn(0, 0, 0, 0, 1); ${leave}` },
  { name: 'words: callback without BTF', asm: `r1 = func(f); ${leave}; f: ${leave}` },
  // Maps.
  { name: 'words: tree in a kprobe', type: 'kprobe', maps: { t: { of: 'tree' } }, asm: `r1 = map(t); ${leave}` },
  {
    name: 'words: two arenas',
    maps: {
      a: { type: 'arena', key: 0, value: 0, flags: 1 << 10, extra: 1n << 44n },
      b: { type: 'arena', key: 0, value: 0, flags: 1 << 10, extra: 1n << 45n },
    },
    asm: `r1 = map(a); r1 = map(b); ${leave}`,
  },
  {
    name: 'words: 65 maps',
    maps: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`m${i}`, {}])),
    asm: `${Array.from({ length: 65 }, (_, i) => `r1 = map(m${i})`).join('; ')}; ${leave}`,
  },
  {
    name: 'words: key of a callback read too far',
    maps: { h: { type: 'hash' } },
    funcs: { f: 'static' },
    asm: `r1 = map(h); r2 = func(f); r3 = 0; r4 = 0; call bpf_for_each_map_elem; ${leave}; f: r0 = *(u64 *)(r2 + 8); ${leave}`,
  },
  {
    name: 'words: timer as a key',
    type: 'sched_cls',
    maps: { t: { of: 'timer' }, h: { type: 'hash', key: 8 } },
    asm: `r1 = map(h); r2 = map_value(t, 0); call bpf_map_lookup_elem; ${leave}`,
  },
  {
    name: 'words: pointer stored in a map, unprivileged',
    ...filter,
    caps: 'bpf',
    maps: { m: {} },
    asm: `r2 = map_value(m, 0); *(u64 *)(r2 + 0) = r1; ${leave}`,
  },
  { name: 'words: acquiring load of the context', asm: `.insn(0xdb, 0, 1, 0, 0x100); ${leave}` },
  {
    name: 'words: dynptr somewhere on the stack',
    asm: `call bpf_get_prandom_u32; r6 = r0; r6 &= 8; r1 = r10; r1 += -32; r1 += r6; call bpf_dynptr_size; ${leave}`,
  },
  {
    name: 'words: task read with CAP_BPF alone',
    caps: 'bpf',
    asm: `r1 = 1; call bpf_task_from_pid; if r0 == 0 goto out; r6 = *(u32 *)(r0 + 0); out: r0 = 0; exit`,
  },
];
