/** Fields of kernel structs that a program may write, by what it implements (env->ops->btf_struct_access). */
import type { BtfStruct } from '../btf/btf.ts';
import type { ProgType } from '../uapi/bpf.ts';
import { errno } from '../uapi/errno.ts';
import type { Env } from './env.ts';
import { msg } from './messages.ts';
import type { RegState } from './reg_state.ts';

interface Writable {
  readonly struct: string;
  /** Members that may be written from their first byte on, as paths of names. */
  readonly fields?: readonly string[];
  /** Members that may be written from any of their bytes on. */
  readonly within?: readonly string[];
}

/** What one implementation of struct_ops, or one program type, may write. */
interface Rules {
  readonly structs: readonly Writable[];
  /** What is said of a struct that is not among them. */
  readonly otherStruct: () => string[];
  /** What is said of a byte that may not be written; `end`: the member that begins there ends before the write does. */
  readonly refuse: (name: string, off: number, size: number, end: number | null) => string[];
}

function byMember(struct: string | null): Rules['refuse'] {
  return (name, off, size, end) => [
    end === null ? msg.writeNotSupported(struct ?? name, off) : msg.writeBeyondMember(off, size, struct ?? name, end),
  ];
}

/** By struct_ops type. */
const STRUCT_OPS: Readonly<Record<string, Rules>> = {
  sched_ext_ops: {
    structs: [{ struct: 'task_struct', within: ['scx.slice', 'scx.dsq_vtime', 'scx.disallow'] }],
    otherStruct: () => [],
    refuse: () => [],
  },
  tcp_congestion_ops: {
    structs: [
      {
        struct: 'tcp_sock',
        fields: [
          'inet_conn.icsk_inet.sk.sk_pacing_rate',
          'inet_conn.icsk_inet.sk.sk_pacing_status',
          'inet_conn.icsk_ack.pending',
          'snd_cwnd',
          'snd_cwnd_cnt',
          'snd_cwnd_stamp',
          'snd_ssthresh',
          'ecn_flags',
          'app_limited',
        ],
        within: ['inet_conn.icsk_ca_priv'],
      },
    ],
    otherStruct: () => [msg.onlyRead()],
    refuse: byMember('tcp_sock'),
  },
  bpf_dummy_ops: {
    structs: [{ struct: 'bpf_dummy_ops_state', within: ['val'] }],
    otherStruct: () => [msg.writeDummy()],
    refuse: (_, off, size) => [msg.writeBeyondDummy(off, size)],
  },
  Qdisc_ops: {
    structs: [
      { struct: 'sk_buff', fields: ['tstamp'], within: ['cb'] },
      { struct: 'Qdisc', fields: ['limit', 'q.qlen'], within: ['qstats'] },
    ],
    otherStruct: () => [msg.onlyRead()],
    refuse: byMember(null),
  },
};

/** Connections that tc and XDP programs track. */
const NF_CONN: Rules = {
  structs: [
    { struct: 'nf_conn', fields: ['mark'] },
    { struct: 'nf_conn___init', fields: ['mark'] },
  ],
  otherStruct: () => [msg.onlyRead()],
  refuse: byMember('nf_conn'),
};
const NF_CONN_TYPES: ReadonlySet<ProgType> = new Set<ProgType>(['sched_cls', 'sched_act', 'xdp']);

function rulesOf(env: Env): Rules | undefined {
  if (NF_CONN_TYPES.has(env.progType)) return NF_CONN;
  return env.progType === 'struct_ops' ? STRUCT_OPS[env.structOpsName] : undefined;
}

/**
 * Handles a write through a pointer to a kernel struct: true when it is allowed, false when this program has no rule of its own;
 * rejects otherwise.
 */
export function structOpsWrite(env: Env, reg: RegState, off: number, size: number): boolean {
  const rules = rulesOf(env);
  if (!rules || !reg.btf) return false;
  const name = reg.btf.name(reg.btfId);
  const struct = rules.structs.find((row) => row.struct === name);
  if (!struct) env.reject(errno.EACCES, ...rules.otherStruct());
  let end: number | null = null;
  for (const path of [...(struct.fields ?? []), ...(struct.within ?? [])]) {
    const field = fieldRange(env, layoutOf(env, reg.btfId, name), path);
    if (!field) continue;
    const begins = struct.within?.includes(path) ? off >= field.off && off < field.off + field.size : off === field.off;
    if (begins) end = field.off + field.size;
  }
  if (end !== null && off + size <= end) return true;
  env.reject(errno.EACCES, ...rules.refuse(name, off, size, end));
}

/** nf_conn___init has the layout of nf_conn. */
function layoutOf(env: Env, id: number, name: string): number {
  return name === 'nf_conn___init' ? env.vmlinux.find('nf_conn', 'struct') : id;
}

/** Offset and size of a nested member, in bytes. */
function fieldRange(env: Env, structId: number, path: string): { off: number; size: number } | null {
  const btf = env.vmlinux;
  let id = structId;
  let off = 0;
  for (const name of path.split('.')) {
    const type = btf.type(btf.skipMods(id));
    if (type.kind !== 'struct' && type.kind !== 'union') return null;
    const member = findMember(env, type, name);
    if (!member) return null;
    off += member.off;
    id = member.type;
  }
  return { off, size: btf.size(id) };
}

function findMember(env: Env, struct: BtfStruct, name: string): { off: number; type: number } | null {
  const btf = env.vmlinux;
  for (const member of struct.members) {
    const off = Math.trunc(member.bitOffset / 8);
    if (member.name === name) return { off, type: member.type };
    const type = btf.type(member.type);
    if (member.name !== '' || (type.kind !== 'struct' && type.kind !== 'union')) continue;
    const inner = findMember(env, type, name);
    if (inner) return { off: off + inner.off, type: inner.type };
  }
  return null;
}
