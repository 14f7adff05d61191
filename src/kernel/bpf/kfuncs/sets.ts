/** Every kfunc set but the cpumask one. */
import type { KfuncRow } from '../rows.ts';
import { COMMON_KFUNCS } from './common.ts';
import { CRYPTO_KFUNCS } from './crypto.ts';
import { FS_KFUNCS } from './fs.ts';
import { GENERIC_KFUNCS } from './generic.ts';
import { HID_KFUNCS } from './hid.ts';
import { NET_KFUNCS } from './net.ts';
import { RECENT_KFUNCS } from './recent.ts';
import { SCHED_EXT_KFUNCS } from './sched_ext.ts';
import { TEST_KFUNCS } from './test.ts';
import { TRACE_KFUNCS } from './trace.ts';

export const OTHER_KFUNCS: readonly KfuncRow[] = [
  ...COMMON_KFUNCS,
  ...GENERIC_KFUNCS,
  ...NET_KFUNCS,
  ...FS_KFUNCS,
  ...CRYPTO_KFUNCS,
  ...TRACE_KFUNCS,
  ...HID_KFUNCS,
  ...SCHED_EXT_KFUNCS,
  ...TEST_KFUNCS,
  ...RECENT_KFUNCS,
];
