/** Which helpers take which kinds of maps (check_map_func_compatibility). */
import { type MapType, mapTypes } from '../uapi/bpf.ts';
import { errno } from '../uapi/errno.ts';
import type { Env } from './env.ts';
import type { VerifierMap } from './maps.ts';
import { msg } from './messages.ts';

function set(text: string): ReadonlySet<string> {
  return new Set(text.split(' '));
}

const STORAGE = set('get_local_storage');
const RINGBUF = set(
  'ringbuf_output ringbuf_reserve ringbuf_query ringbuf_reserve_dynptr ringbuf_submit_dynptr ringbuf_discard_dynptr',
);
const OF_MAPS = set('map_lookup_elem');
const QUEUE = set('map_peek_elem map_pop_elem map_push_elem');

/** Helpers that a map of the type may be passed to; types that are not named take all that take maps. */
const BY_MAP: Readonly<Partial<Record<MapType, ReadonlySet<string>>>> = {
  prog_array: set('tail_call'),
  perf_event_array: set('perf_event_read perf_event_output skb_output perf_event_read_value xdp_output'),
  ringbuf: RINGBUF,
  user_ringbuf: set('user_ringbuf_drain'),
  stack_trace: set('get_stackid'),
  cgroup_array: set('skb_under_cgroup current_task_under_cgroup'),
  cgroup_storage: STORAGE,
  percpu_cgroup_storage: STORAGE,
  devmap: set('redirect_map map_lookup_elem'),
  devmap_hash: set('redirect_map map_lookup_elem'),
  cpumap: set('redirect_map'),
  xskmap: set('redirect_map map_lookup_elem'),
  array_of_maps: OF_MAPS,
  hash_of_maps: OF_MAPS,
  sockmap: set('sk_redirect_map sock_map_update msg_redirect_map sk_select_reuseport map_lookup_elem'),
  sockhash: set('sk_redirect_hash sock_hash_update msg_redirect_hash sk_select_reuseport map_lookup_elem'),
  reuseport_sockarray: set('sk_select_reuseport'),
  queue: QUEUE,
  stack: QUEUE,
  sk_storage: set('sk_storage_get sk_storage_delete kptr_xchg'),
  inode_storage: set('inode_storage_get inode_storage_delete kptr_xchg'),
  task_storage: set('task_storage_get task_storage_delete kptr_xchg'),
  cgrp_storage: set('cgrp_storage_get cgrp_storage_delete kptr_xchg'),
  bloom_filter: set('map_peek_elem map_push_elem'),
  insn_array: set(''),
};

const PERF: readonly MapType[] = ['perf_event_array'];
const CGROUP_ARRAY: readonly MapType[] = ['cgroup_array'];
const SOCKMAP: readonly MapType[] = ['sockmap'];
const SOCKHASH: readonly MapType[] = ['sockhash'];

/** Map types that a helper takes; helpers that are not named take all. */
const BY_HELPER: Readonly<Record<string, readonly MapType[]>> = {
  tail_call: ['prog_array'],
  perf_event_read: PERF,
  perf_event_output: PERF,
  perf_event_read_value: PERF,
  skb_output: PERF,
  xdp_output: PERF,
  user_ringbuf_drain: ['user_ringbuf'],
  get_stackid: ['stack_trace'],
  current_task_under_cgroup: CGROUP_ARRAY,
  skb_under_cgroup: CGROUP_ARRAY,
  redirect_map: ['devmap', 'devmap_hash', 'cpumap', 'xskmap'],
  sk_redirect_map: SOCKMAP,
  msg_redirect_map: SOCKMAP,
  sock_map_update: SOCKMAP,
  sk_redirect_hash: SOCKHASH,
  msg_redirect_hash: SOCKHASH,
  sock_hash_update: SOCKHASH,
  get_local_storage: ['cgroup_storage', 'percpu_cgroup_storage'],
  sk_select_reuseport: ['reuseport_sockarray', 'sockmap', 'sockhash'],
  map_pop_elem: ['queue', 'stack'],
  map_peek_elem: ['queue', 'stack', 'bloom_filter'],
  map_push_elem: ['queue', 'stack', 'bloom_filter'],
  map_lookup_percpu_elem: ['percpu_array', 'percpu_hash', 'lru_percpu_hash'],
  sk_storage_get: ['sk_storage'],
  sk_storage_delete: ['sk_storage'],
  inode_storage_get: ['inode_storage'],
  inode_storage_delete: ['inode_storage'],
  task_storage_get: ['task_storage'],
  task_storage_delete: ['task_storage'],
  cgrp_storage_get: ['cgrp_storage'],
  cgrp_storage_delete: ['cgrp_storage'],
  ...Object.fromEntries([...RINGBUF].map((helper) => [helper, ['ringbuf']])),
};

const UPDATES_SOCKMAP: ReadonlySet<string> = new Set([
  'socket_filter',
  'sched_cls',
  'sched_act',
  'xdp',
  'sk_reuseport',
  'flow_dissector',
  'sk_lookup',
]);

/** may_update_sockmap: contexts in which no socket can be locked. */
function mayUpdateSockmap(env: Env, helper: string): boolean {
  if (helper !== 'map_update_elem' && helper !== 'map_delete_elem') return false;
  const { type, attachType } = env.prog;
  if (type === 'tracing' && attachType === 'trace_iter') return true;
  if (type === 'sock_ops' && helper === 'map_delete_elem') return true;
  if (UPDATES_SOCKMAP.has(type)) return true;
  env.verbose(`${msg.sockmapUpdate()}\n`);
  return false;
}

/** Rejects a map that the helper (name without `bpf_`) does not take. */
export function checkMapFuncCompatibility(env: Env, map: VerifierMap, helper: string, helperId: number): void {
  const helpers = BY_MAP[map.type];
  const isSock = map.type === 'sockmap' || map.type === 'sockhash';
  const fits = !helpers || helpers.has(helper) || (isSock && mayUpdateSockmap(env, helper));
  if (fits && (BY_HELPER[helper]?.includes(map.type) ?? true)) return;
  env.reject(errno.EINVAL, msg.mapTypeForFunc(mapTypes.indexOf(map.type), `bpf_${helper}`, helperId));
}
