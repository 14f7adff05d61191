/**
 * The lists of program types that kfunc sets are registered for. The kernel maps several program types to one list
 * (bpf_prog_type_to_kfunc_hook): a set for TRACING is also one for LSM, and from 6.12 on for tracepoints and perf events.
 */
import { type ProgType, progTypes } from '../../../uapi/bpf.ts';
import { atRelease, compareReleases, type KfuncRow, type Release } from '../rows.ts';

export type Hook = Readonly<Partial<Record<Release, readonly ProgType[]>>>;

const tracing: Hook = {
  '5.13': ['tracing', 'lsm'],
  '6.12': ['tracing', 'lsm', 'tracepoint', 'perf_event'],
  '7.0': ['tracing', 'lsm', 'tracepoint', 'perf_event', 'raw_tracepoint', 'raw_tracepoint_writable'],
};

const CGROUP: readonly ProgType[] = [
  'cgroup_skb',
  'cgroup_sock',
  'cgroup_device',
  'cgroup_sock_addr',
  'cgroup_sockopt',
  'cgroup_sysctl',
  'sock_ops',
];
const LWT: readonly ProgType[] = ['lwt_in', 'lwt_out', 'lwt_xmit', 'lwt_seg6local'];

/** The same list in every release. */
function always(...types: readonly ProgType[]): Hook {
  return { '5.13': types };
}

/** The tracing list and more. */
function tracingAnd(...types: readonly ProgType[]): Hook {
  return Object.fromEntries(Object.entries(tracing).map(([release, list]) => [release, [...(list ?? []), ...types]]));
}

/** A list that had not all of its types before `since`. */
function without(hook: Hook, since: Release, ...types: readonly ProgType[]): Hook {
  const before = Object.entries(hook).filter(([release]) => compareReleases(release as Release, since) < 0);
  const old = before.map(([release, list]) => [release, (list ?? []).filter((type) => !types.includes(type))]);
  return { ...hook, [since]: atRelease(hook, since) ?? [], ...Object.fromEntries(old) };
}

export const HOOK_ALL: Hook = always(...progTypes.filter((type) => type !== 'unspec'));
export const HOOK_NONE: Hook = always();
export const HOOK_TRACING: Hook = tracing;
/** Syscall programs since 6.10: measured, 6.8.0 refuses what 6.12.117 lets them call. */
export const HOOK_GENERIC: Hook = without(
  tracingAnd('sched_cls', 'xdp', 'struct_ops', 'syscall', ...CGROUP),
  '6.10',
  'syscall',
);
export const HOOK_SKB: Hook = tracingAnd(
  'sched_cls',
  'sched_act',
  'sk_skb',
  'socket_filter',
  'netfilter',
  ...CGROUP,
  ...LWT,
);
export const HOOK_TEST: Hook = tracingAnd('sched_cls', 'syscall');
export const HOOK_SCX_ANY: Hook = tracingAnd('struct_ops', 'syscall');
export const HOOK_OPS_SYSCALL: Hook = always('struct_ops', 'syscall');
export const HOOK_STRUCT_OPS: Hook = always('struct_ops');
export const HOOK_SYSCALL: Hook = always('syscall');
export const HOOK_KPROBE: Hook = always('kprobe');
export const HOOK_LSM: Hook = always('lsm');
export const HOOK_CGROUP: Hook = always(...CGROUP);
export const HOOK_CLS: Hook = always('sched_cls');
export const HOOK_TC: Hook = always('sched_cls', 'sched_act');
export const HOOK_XDP: Hook = always('xdp');
export const HOOK_CT: Hook = always('xdp', 'sched_cls');
export const HOOK_CRYPT: Hook = always('sched_cls', 'sched_act', 'xdp');

/** A row; `more` says how it is run (by default no machine runs it) and what people read of it. */
export function kfunc(
  name: string,
  proto: string,
  since: Release,
  flags: number,
  programs: Hook,
  source: string,
  more: Partial<Pick<KfuncRow, 'onlyFor' | 'run' | 'summary' | 'returns'>> = {},
): KfuncRow {
  return {
    name,
    proto,
    flags: { [since]: flags },
    programs,
    since,
    summary: '',
    returns: '',
    source,
    run: 'none',
    ...more,
  };
}
