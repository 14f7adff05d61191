/** A pointer that may be NULL, after it has been found not to be (mark_ptr_not_null_reg). */
import {
  baseType,
  CONST_PTR_TO_MAP,
  PTR_MAYBE_NULL,
  PTR_TO_MAP_VALUE,
  PTR_TO_SOCKET,
  PTR_TO_XDP_SOCK,
} from '../kernel/bpf/bpf.ts';
import { BPF_TASK_WORK, BPF_TIMER, BPF_WORKQUEUE } from '../kernel/bpf/btf_record.ts';
import type { RegState } from './types.ts';

/** The type without PTR_MAYBE_NULL; a looked-up value becomes what the map's values are. */
export function markPtrNotNullReg(reg: RegState): void {
  const { map } = reg;
  if (baseType(reg.type) !== PTR_TO_MAP_VALUE || !map) {
    reg.type &= ~PTR_MAYBE_NULL;
    return;
  }
  if (map.inner) {
    reg.type = CONST_PTR_TO_MAP;
    reg.map = map.inner;
    const mask = map.inner.record?.fieldMask ?? 0;
    if (mask & (BPF_TIMER | BPF_WORKQUEUE | BPF_TASK_WORK)) reg.mapUid = reg.id;
  } else if (map.type === 'xskmap') {
    reg.type = PTR_TO_XDP_SOCK;
  } else if (map.type === 'sockmap' || map.type === 'sockhash') {
    reg.type = PTR_TO_SOCKET;
  } else {
    reg.type = PTR_TO_MAP_VALUE;
  }
}
