/** Every helper and kfunc, called by a program type that may call it, with each of a few settings of the arguments. */

import type { Btf } from '../../src/btf/btf.ts';
import { getFuncProto, HELPERS, type HelperQuery } from '../../src/kernel/bpf/helpers/index.ts';
import { OTHER_KFUNCS } from '../../src/kernel/bpf/kfuncs/sets.ts';
import { atRelease } from '../../src/kernel/bpf/rows.ts';
import type { AttachType, ProgType } from '../../src/uapi/bpf.ts';
import type { VerifierCase } from './case.ts';

const MAPS: NonNullable<VerifierCase['maps']> = {
  m: {},
  h: { type: 'hash' },
  rb: { type: 'ringbuf', key: 0, value: 0, max: 4096 },
  k: { of: 'kptr' },
  t: { of: 'timer' },
  ro: { rodata: [65, 0, 0, 0, 0, 0, 0, 0] },
  pa: { type: 'perf_event_array', value: 4 },
};

/** R1 to R5 before the call; R6 keeps the context. */
const SETTINGS: Readonly<Record<string, string>> = {
  zero: 'r1 = 0; r2 = 0; r3 = 0; r4 = 0; r5 = 0',
  stack: `*(u64 *)(r10 - 8) = 0; *(u64 *)(r10 - 16) = 0; *(u64 *)(r10 - 24) = 0; *(u64 *)(r10 - 32) = 0
    r1 = r10; r1 += -32; r2 = r1; r3 = r1; r4 = r1; r5 = r1`,
  buffers: '*(u64 *)(r10 - 8) = 0; *(u64 *)(r10 - 16) = 0; r1 = r10; r1 += -16; r2 = 8; r3 = r1; r4 = 8; r5 = 0',
  context: 'r1 = r6; r2 = r10; r2 += -16; *(u64 *)(r10 - 16) = 0; *(u64 *)(r10 - 8) = 0; r3 = 8; r4 = 0; r5 = 0',
  contextNumber: 'r1 = r6; r2 = 0; r3 = r10; r3 += -16; r4 = 8; r5 = 0',
  map: `*(u64 *)(r10 - 8) = 0; *(u64 *)(r10 - 16) = 0
    r1 = map(h); r2 = r10; r2 += -8; r3 = r10; r3 += -16; r4 = 0; r5 = 0`,
  ringbuf: 'r1 = map(rb); r2 = 8; r3 = 0; r4 = 0; r5 = 0',
  values: 'r1 = map_value(m, 0); r2 = map_value(m, 0); r3 = 8; r4 = 0; r5 = 0',
  timer: 'r1 = map_value(t, 0); r2 = map(t); r3 = 0; r4 = 0; r5 = 0',
  strings: 'r1 = map_value(ro, 0); r2 = map_value(ro, 0); r3 = map_value(ro, 0); r4 = 0; r5 = 0',
  task: 'call bpf_get_current_task_btf; r1 = r0; r2 = r0; r3 = r0; r4 = r0; r5 = r0',
  perf: 'r1 = r6; r2 = map(pa); r3 = 0; r4 = r10; r4 += -8; *(u64 *)(r10 - 8) = 0; r5 = 8',
  unknown: 'call bpf_get_prandom_u32; r6 = r0; r6 &= 31; r1 = r10; r1 += -64; r2 = r6; r3 = r0; r4 = r1; r5 = r6',
};

interface Caller {
  readonly type: ProgType;
  readonly attach?: AttachType;
  readonly to?: string;
  readonly sleepable?: boolean;
}

/** The first that may make the call makes it. */
const CALLERS: readonly Caller[] = [
  { type: 'syscall' },
  { type: 'sched_cls' },
  { type: 'xdp' },
  { type: 'tracing', attach: 'trace_iter', to: 'bpf_iter_task', sleepable: true },
  { type: 'kprobe' },
  { type: 'perf_event' },
  { type: 'cgroup_skb' },
  { type: 'sk_skb' },
  { type: 'sock_ops' },
  { type: 'sk_msg' },
  { type: 'cgroup_sysctl' },
];

/** Depend on how the asked kernel was built or booted. */
const NOT_ASKED: ReadonlySet<string> = new Set(['bpf_override_return', 'bpf_probe_write_user', 'crash_kexec']);
/** Wants the program's BTF, which these programs have none of. */
const NEEDS_BTF = /obj_new/;

function mayCall(caller: Caller, helper: (typeof HELPERS)[number]): boolean {
  const query: HelperQuery = {
    release: '6.18',
    type: caller.type,
    attachType: caller.attach ?? null,
    attachName: caller.to ?? '',
    attachMember: '',
    sleepableHook: false,
    capPerfmon: true,
    hasFunction: () => true,
  };
  return getFuncProto(helper, query) !== null;
}

function* cases(name: string, call: string, caller: Caller): Generator<VerifierCase> {
  for (const [setting, text] of Object.entries(SETTINGS)) {
    yield { name: `${name} ${setting}`, ...caller, maps: MAPS, asm: `r6 = r1; ${text}; ${call}; r0 = 0; exit` };
  }
}

/** The cases for a kernel's BTF: kfuncs that it does not have are left out. */
export function* callMatrix(btf: Btf): Generator<VerifierCase> {
  for (const helper of HELPERS) {
    const caller = CALLERS.find((one) => mayCall(one, helper));
    if (caller && !NOT_ASKED.has(helper.name)) yield* cases(helper.name, `call ${helper.id}`, caller);
  }
  for (const row of OTHER_KFUNCS) {
    const id = btf.find(row.name, 'func');
    const types = atRelease(row.programs, '6.18') ?? [];
    const caller = CALLERS.find(({ type }) => types.includes(type));
    const tagged = id !== 0 && btf.declTags(id).some((tag) => tag.name === 'bpf_kfunc');
    if (!caller || !tagged || NOT_ASKED.has(row.name) || NEEDS_BTF.test(row.name)) continue;
    yield* cases(row.name, `call kfunc#${id}`, caller);
  }
}
