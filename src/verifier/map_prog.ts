/** Which maps a program may use at all (check_map_prog_compatibility). */
import {
  BPF_LIST_HEAD,
  BPF_RB_ROOT,
  BPF_RES_SPIN_LOCK,
  BPF_SPIN_LOCK,
  BPF_TIMER,
  BPF_WORKQUEUE,
  btfRecordHasField,
} from '../kernel/bpf/btf_record.ts';
import type { MapType, ProgType } from '../uapi/bpf.ts';
import { errno } from '../uapi/errno.ts';
import type { Env } from './env.ts';
import type { VerifierMap } from './maps.ts';
import { msg } from './messages.ts';

/** is_tracing_prog_type */
const TRACING_TYPES = new Set<ProgType>([
  'kprobe',
  'tracepoint',
  'perf_event',
  'raw_tracepoint',
  'raw_tracepoint_writable',
]);

const SLEEPABLE_MAPS = new Set<MapType>([
  'hash',
  'lru_hash',
  'array',
  'percpu_hash',
  'percpu_array',
  'lru_percpu_hash',
  'array_of_maps',
  'hash_of_maps',
  'ringbuf',
  'user_ringbuf',
  'inode_storage',
  'sk_storage',
  'task_storage',
  'cgrp_storage',
  'queue',
  'stack',
  'arena',
]);

/** The map was just added to those that the program uses. */
export function checkMapProgCompatibility(env: Env, map: VerifierMap): void {
  const { record } = map;
  const tracing = TRACING_TYPES.has(env.progType);
  if (btfRecordHasField(record, BPF_LIST_HEAD | BPF_RB_ROOT) && tracing) env.reject(errno.EINVAL, msg.tracingGraph());
  if (btfRecordHasField(record, BPF_SPIN_LOCK | BPF_RES_SPIN_LOCK)) {
    if (env.progType === 'socket_filter') env.reject(errno.EINVAL, msg.socketSpin());
    if (tracing) env.reject(errno.EINVAL, msg.tracingSpin());
  }
  if (btfRecordHasField(record, BPF_TIMER) && tracing) env.reject(errno.EINVAL, msg.tracingTimer());
  if (btfRecordHasField(record, BPF_WORKQUEUE) && tracing) env.reject(errno.EINVAL, msg.tracingWq());
  if (map.type === 'struct_ops') env.reject(errno.EINVAL, msg.structOpsMap());
  if (env.sleepable && !SLEEPABLE_MAPS.has(map.type)) env.reject(errno.EINVAL, msg.sleepableMap());
}

/** What only one map of a program may be (cgroup storage of each kind, arena). */
export function checkMapOnce(env: Env, used: readonly VerifierMap[], map: VerifierMap): void {
  if (map.type === 'cgroup_storage' || map.type === 'percpu_cgroup_storage') {
    if (used.some((other) => other !== map && other.type === map.type)) {
      env.reject(errno.EBUSY, msg.oneCgroupStorage());
    }
  }
  if (map.type !== 'arena') return;
  if (used.some((other) => other !== map && other.type === 'arena')) env.reject(errno.EBUSY, msg.oneArena());
  if (!env.allowPtrLeaks) env.reject(errno.EPERM, msg.arenaCaps());
}
