/** Tracing: kprobe sessions, cgroup statistics. */
import { KF_SLEEPABLE, type KfuncRow } from '../rows.ts';
import { HOOK_KPROBE, HOOK_TRACING, kfunc } from './hooks.ts';

export const TRACE_KFUNCS: readonly KfuncRow[] = [
  kfunc('bpf_session_is_return', 'bool (void)', '6.10', 0, HOOK_KPROBE, 'kernel/trace/bpf_trace.c', {
    onlyFor: 'session',
  }),
  kfunc('bpf_session_cookie', '__u64 *(void)', '6.10', 0, HOOK_KPROBE, 'kernel/trace/bpf_trace.c', {
    onlyFor: 'session',
  }),
  kfunc(
    'css_rstat_updated',
    'void (struct cgroup_subsys_state *css, int cpu)',
    '6.16',
    0,
    HOOK_TRACING,
    'kernel/cgroup/rstat.c',
  ),
  kfunc(
    'css_rstat_flush',
    'void (struct cgroup_subsys_state *css)',
    '6.16',
    KF_SLEEPABLE,
    HOOK_TRACING,
    'kernel/cgroup/rstat.c',
  ),
];
