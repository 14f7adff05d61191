/** Special fields of map values and local types, written into memory for the data plane (struct btf_record, LTT_). */
import * as map from '../../../../assembly/kernel/bpf/map_layout.ts';
import { ALLOC_MAP } from '../../../../assembly/layout.ts';
import type { Btf } from '../../../btf/btf.ts';
import { NotSupported } from '../../../errors.ts';
import type { KernelMemory } from '../../memory.ts';
import { BPF_KPTR_PERCPU, BPF_KPTR_REF, type BtfField, type BtfRecord, btfFieldTypeName } from '../btf_record.ts';
import { btfParseStructMetas, type StructMetas } from '../struct_metas.ts';

/** Destructors of kernel types that programs may keep. */
const DESTRUCTORS: Readonly<Record<string, number>> = {
  bpf_cpumask_release_dtor: map.DTOR_CPUMASK,
  bpf_task_release_dtor: map.DTOR_TASK,
};

/** Kinds of fields that the data plane handles. */
const KNOWN_FIELDS =
  map.BPF_SPIN_LOCK |
  map.BPF_TIMER |
  map.BPF_KPTR_UNREF |
  map.BPF_KPTR_REF |
  map.BPF_KPTR_PERCPU |
  map.BPF_LIST_HEAD |
  map.BPF_LIST_NODE |
  map.BPF_RB_ROOT |
  map.BPF_RB_NODE |
  map.BPF_REFCOUNT |
  map.BPF_WORKQUEUE;

/** Types of one object's BTF: what bpf_obj_new makes, and what the fields of maps point to. */
export class LocalTypes {
  /** Records of all structs with special fields; null when the kernel refuses the BTF. */
  readonly metas: StructMetas | null;
  private readonly offsets = new Map<number, number>();
  private table = 0;

  constructor(
    private readonly memory: KernelMemory,
    readonly btf: Btf | null,
    readonly vmlinux: Btf,
  ) {
    const metas = btf ? btfParseStructMetas(btf, vmlinux) : null;
    this.metas = metas && !('errno' in metas) ? metas : null;
  }

  /** The object's BTF as the kernel took it: null when it refused it. */
  get accepted(): Btf | null {
    return this.metas ? this.btf : null;
  }

  /** Offset of the struct local_type of a BTF id. */
  local(id: number): number {
    const known = this.offsets.get(id);
    if (known !== undefined) return known;
    const { memory, btf } = this;
    const offset = memory.kmalloc(map.LOCAL_TYPE_SIZE, ALLOC_MAP);
    // Noted before its record is written: types may hold lists of themselves.
    this.offsets.set(id, offset);
    memory.setU32(offset + map.LT_SIZE, Math.max(btf?.size(id) ?? 0, 0));
    memory.setU32(offset + map.LT_BTF_ID, id);
    const record = this.metas?.get(id);
    memory.setU32(offset + map.LT_RECORD, record ? this.record(record) : 0);
    return offset;
  }

  /** Offset of the table (LTT_) of every struct of the BTF; 0 when there is none. */
  localTypeTable(): number {
    const { memory, btf } = this;
    if (this.table || !this.metas || !btf) return this.table;
    this.table = memory.kmalloc(map.LTT_TYPES + 4 * btf.nrTypes, ALLOC_MAP);
    memory.setU32(this.table + map.LTT_COUNT, btf.nrTypes);
    for (let id = 1; id < btf.nrTypes; id++) {
      if (btf.kind(id) !== 'struct') continue;
      const local = this.local(id);
      memory.setU32(this.table + map.LTT_TYPES + 4 * id, local);
    }
    return this.table;
  }

  /**
   * Writes a record; its offset.
   * @throws NotSupported by name for fields that the machine does not have
   */
  record(record: BtfRecord): number {
    const { memory } = this;
    const rows = record.fields.map((field) => this.field(field));
    const offset = memory.kmalloc(map.BR_FIELDS + map.BTF_FIELD_SIZE * rows.length, ALLOC_MAP);
    const words: readonly (readonly [number, number])[] = [
      [map.BR_COUNT, rows.length],
      [map.BR_MASK, record.fieldMask],
      [map.BR_REFCOUNT_OFF, record.refcountOff < 0 ? map.NO_FIELD : record.refcountOff],
      [map.BR_SPIN_LOCK_OFF, record.spinLockOff < 0 ? map.NO_FIELD : record.spinLockOff],
    ];
    for (const [at, value] of words) memory.setU32(offset + at, value);
    rows.forEach((row, i) => {
      for (const [at, value] of row) memory.setU32(offset + map.BR_FIELDS + i * map.BTF_FIELD_SIZE + at, value);
    });
    return offset;
  }

  private field({ type, offset, size, kptr, graphRoot }: BtfField): readonly (readonly [number, number])[] {
    if (!(type & KNOWN_FIELDS)) throw new NotSupported(`${btfFieldTypeName(type)} fields`);
    let dtor: number = map.DTOR_NONE;
    let local = 0;
    if (kptr && type === BPF_KPTR_PERCPU) dtor = map.DTOR_PERCPU;
    else if (kptr && type === BPF_KPTR_REF && !kptr.kernel) {
      dtor = map.DTOR_LOCAL;
      local = this.local(kptr.btfId);
    } else if (kptr && type === BPF_KPTR_REF) {
      const known = DESTRUCTORS[kptr.dtor ?? ''];
      if (known === undefined) throw new NotSupported(`kptrs to struct ${kptr.btf.name(kptr.btfId)}`);
      dtor = known;
    }
    if (graphRoot) local = this.local(graphRoot.valueBtfId);
    return [
      [map.BF_TYPE, type],
      [map.BF_OFFSET, offset],
      [map.BF_SIZE, size],
      [map.BF_DTOR, dtor],
      [map.BF_LOCAL_TYPE, local],
      [map.BF_NODE_OFF, graphRoot?.nodeOffset ?? 0],
    ];
  }
}
