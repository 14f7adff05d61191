/** What is learned of a kfunc call while its arguments are checked (struct bpf_kfunc_call_arg_meta). */
import type { Btf } from '../btf/btf.ts';
import type { BtfField } from '../kernel/bpf/btf_record.ts';
import {
  KF_ACQUIRE,
  KF_ITER_DESTROY,
  KF_ITER_NEW,
  KF_ITER_NEXT,
  KF_RCU,
  KF_RELEASE,
  KF_TRUSTED_ARGS,
} from '../kernel/bpf/rows.ts';
import type { KfuncMeta } from './kfunc_meta.ts';
import type { KfuncProto } from './kfunc_params.ts';
import type { VerifierMap } from './maps.ts';

export class KfuncCall {
  refObjId = 0;
  /** Register whose reference the call releases; 0: none. */
  releaseRegno = 0;
  /** bpf_refcount_acquire() of something owned, which cannot fail. */
  argOwningRef = false;
  /** Value of the `__k` or `__szk` argument; null: none seen. */
  constant: bigint | null = null;
  /** Size of the memory returned, where an argument states it; 0: not. */
  r0Size = 0;
  r0Rdonly = false;
  /** Type of the object argument of bpf_obj_drop and of nodes. */
  argBtf: Btf | null = null;
  argBtfId = 0;
  subprogno = 0;
  map: VerifierMap | null = null;
  mapUid = 0;
  /** List head or tree root that was passed. */
  rootField: BtfField | null = null;
  dynptrId = 0;
  dynptrType = 0;
  dynptrRefObjId = 0;
  /** Slot of the iterator passed to next, destroy and others. */
  iterSpi = 0;
  iterFrameno = 0;
  /** bpf_cast_to_kern_ctx(): the kernel's context. */
  retBtfId = 0;

  constructor(
    readonly meta: KfuncMeta,
    readonly proto: KfuncProto,
    /** Arguments have to be trusted whatever the flags say. */
    private readonly trustedByDefault: boolean,
  ) {}

  private has(flag: number): boolean {
    return (this.meta.flags & flag) !== 0;
  }

  get acquires(): boolean {
    return this.has(KF_ACQUIRE);
  }
  get releases(): boolean {
    return this.has(KF_RELEASE);
  }
  /** is_kfunc_trusted_args */
  get trustedArgs(): boolean {
    return this.trustedByDefault || this.has(KF_TRUSTED_ARGS | KF_RELEASE);
  }
  get rcu(): boolean {
    return this.has(KF_RCU);
  }
  get iterNew(): boolean {
    return this.has(KF_ITER_NEW);
  }
  get iterNext(): boolean {
    return this.has(KF_ITER_NEXT);
  }
  get iterDestroy(): boolean {
    return this.has(KF_ITER_DESTROY);
  }
  get isIter(): boolean {
    return this.has(KF_ITER_NEW | KF_ITER_NEXT | KF_ITER_DESTROY);
  }
}
