/** Functions the kernel tests fmod_ret with; no program may call them. */
import { KF_SLEEPABLE, type KfuncRow } from '../rows.ts';
import { HOOK_NONE, kfunc } from './hooks.ts';

export const TEST_KFUNCS: readonly KfuncRow[] = [
  kfunc('bpf_fentry_test1', 'int (int a)', '5.19', KF_SLEEPABLE, HOOK_NONE, 'net/bpf/test_run.c'),
  kfunc('bpf_modify_return_test', 'int (int a, int *b)', '5.19', KF_SLEEPABLE, HOOK_NONE, 'net/bpf/test_run.c'),
  kfunc(
    'bpf_modify_return_test2',
    'int (int a, int *b, short c, int d, void *e, char f, int g)',
    '6.7',
    KF_SLEEPABLE,
    HOOK_NONE,
    'net/bpf/test_run.c',
  ),
];
