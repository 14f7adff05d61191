/** Which programs may touch packets directly (may_access_direct_pkt_data). */
import type { ProgType } from '../uapi/bpf.ts';
import { BPF_WRITE } from './check_region.ts';
import type { Env } from './env.ts';

const READ_ONLY = new Set<ProgType>([
  'lwt_in',
  'lwt_out',
  'lwt_seg6local',
  'sk_reuseport',
  'flow_dissector',
  'cgroup_skb',
]);
const READ_WRITE = new Set<ProgType>(['sched_cls', 'sched_act', 'xdp', 'lwt_xmit', 'sk_skb', 'sk_msg']);

/** `pktAccess`: for a helper's argument, whether the helper takes packet pointers; absent: a load or store. */
export function mayAccessDirectPktData(env: Env, type: number, pktAccess?: boolean): boolean {
  const { progType } = env;
  if (progType === 'cgroup_sockopt') {
    if (type === BPF_WRITE) env.seenDirectWrite = true;
    return true;
  }
  if (!READ_WRITE.has(progType) && (type === BPF_WRITE || !READ_ONLY.has(progType))) return false;
  if (pktAccess !== undefined) return pktAccess;
  env.seenDirectWrite = true;
  return true;
}
