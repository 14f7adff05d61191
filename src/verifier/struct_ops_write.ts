/** Fields of kernel structs that a program may write, by what it implements (env->ops->btf_struct_access). */
import type { BtfStruct } from '../btf/btf.ts';
import { errno } from '../uapi/errno.ts';
import type { Env } from './env.ts';
import { msg } from './messages.ts';
import type { RegState } from './types.ts';

interface Writable {
  /** Struct, and the members that may be written, as a path of names. An array's member covers all of it. */
  readonly struct: string;
  readonly fields: readonly string[];
}

/** By struct_ops type. */
const STRUCT_OPS: Readonly<Record<string, readonly Writable[]>> = {
  sched_ext_ops: [{ struct: 'task_struct', fields: ['scx.slice', 'scx.dsq_vtime', 'scx.disallow'] }],
  tcp_congestion_ops: [
    {
      struct: 'tcp_sock',
      fields: [
        'inet_conn.icsk_inet.sk.sk_pacing_rate',
        'inet_conn.icsk_inet.sk.sk_pacing_status',
        'inet_conn.icsk_ca_priv',
        'inet_conn.icsk_ack.pending',
        'snd_cwnd',
        'snd_cwnd_cnt',
        'snd_cwnd_stamp',
        'snd_ssthresh',
        'ecn_flags',
        'app_limited',
      ],
    },
  ],
  bpf_dummy_ops: [{ struct: 'bpf_dummy_ops_state', fields: ['val'] }],
  Qdisc_ops: [
    { struct: 'sk_buff', fields: ['tstamp', 'cb'] },
    { struct: 'Qdisc', fields: ['limit', 'q.qlen', 'qstats'] },
  ],
};

/** Program types that have a btf_struct_access of their own, which allows nothing without its module (nf_conn). */
const NF_CONN = new Set(['sched_cls', 'sched_act', 'xdp']);

/**
 * Handles a write through a pointer to a kernel struct: true when it is allowed, false when this program has no rule of its own;
 * rejects otherwise.
 */
export function structOpsWrite(env: Env, reg: RegState, off: number, size: number): boolean {
  if (NF_CONN.has(env.progType)) env.reject(errno.EACCES);
  const rules = env.progType === 'struct_ops' ? STRUCT_OPS[env.structOpsName] : undefined;
  if (!rules || !reg.btf) return false;
  const name = reg.btf.name(reg.btfId);
  const rule = rules.find((row) => row.struct === name);
  if (rule) {
    for (const path of rule.fields) {
      const field = fieldRange(env, reg.btfId, path);
      if (field && off >= field.off && off + size <= field.off + field.size) return true;
    }
  }
  if (env.structOpsName === 'tcp_congestion_ops') {
    if (!rule) env.reject(errno.EACCES, msg.onlyRead());
    env.reject(errno.EACCES, msg.writeNotSupported(off));
  }
  if (env.structOpsName === 'bpf_dummy_ops') env.reject(errno.EACCES, msg.writeDummy());
  env.reject(errno.EACCES);
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
