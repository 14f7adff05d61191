// What call_rcu runs, by number: function pointers would need a table, and the module has none.
import { MC_RCU, MC_RCU_TTRACE, RCU_FREE_BY_RCU, RCU_FREE_TTRACE, RCU_KFREE } from '../../layout';
import { kfree } from '../../mm/slab';
import { free_by_rcu_done, free_ttrace_done } from '../bpf/memalloc';

export function rcu_do_callback(head: usize, func: u32): void {
  switch (func) {
    case RCU_FREE_BY_RCU:
      free_by_rcu_done(head - MC_RCU);
      break;
    case RCU_FREE_TTRACE:
      free_ttrace_done(head - MC_RCU_TTRACE);
      break;
    case RCU_KFREE:
      kfree(head);
      break;
    default:
      unreachable();
  }
}
