import { describe, expect, it } from 'vitest';
import { BtfBuilder } from '../../../test/btf_builder.ts';
import type { Btf } from '../../btf/btf.ts';
import type { MapType } from '../../uapi/bpf.ts';
import { errno } from '../../uapi/errno.ts';
import { BPF_KPTR_REF, BPF_SPIN_LOCK, btfFieldTypeName, btfRecordFind, isRecordError } from './btf_record.ts';
import { mapCheckBtf } from './map_check_btf.ts';
import { btfParseStructMetas } from './struct_metas.ts';

function kernelBtf(): Btf {
  const b = new BtfBuilder();
  const int = b.int('int', 4);
  b.struct('bpf_cpumask', 40, [{ name: 'usage', type: int, offset: 32 }]);
  b.struct('task_struct', 64, [{ name: 'pid', type: int, offset: 0 }]);
  b.struct('file', 64, [{ name: 'f', type: int, offset: 0 }]);
  const proto = b.proto(0, []);
  b.func('bpf_cpumask_release_dtor', proto);
  return b.build();
}

/** The types that every case may use. */
function common(b: BtfBuilder) {
  const int = b.int('int', 4);
  const u64 = b.int('unsigned long', 8);
  const word = (name: string, size: number) => b.struct(name, size, [{ name: 'x', type: u64, offset: 0 }]);
  return {
    int,
    u64,
    lock: b.struct('bpf_spin_lock', 4, [{ name: 'val', type: int, offset: 0 }]),
    timer: word('bpf_timer', 16),
    head: word('bpf_list_head', 16),
    node: word('bpf_list_node', 24),
    root: word('bpf_rb_root', 16),
    rbnode: word('bpf_rb_node', 32),
    refcount: b.struct('bpf_refcount', 4, [{ name: 'x', type: int, offset: 0 }]),
    mask: b.fwd('unused'),
  };
}

/** Builds a map value and says what the kernel makes of it: `fields` as "name@offset", or an errno of record or map. */
function parse(
  make: (b: BtfBuilder, t: ReturnType<typeof common>) => { type: number; size: number },
  map: { type?: MapType; flags?: number; keyless?: boolean } = {},
): string {
  const b = new BtfBuilder();
  const t = common(b);
  const value = make(b, t);
  const btf = b.build();
  const vmlinux = kernelBtf();
  const metas = btfParseStructMetas(btf, vmlinux);
  if (!(metas instanceof Map)) return `btf ${(metas as { errno: number }).errno}`;
  const spec = {
    type: map.type ?? 'array',
    keySize: 4,
    valueSize: value.size,
    maxEntries: 1,
    flags: map.flags ?? 0,
    keyTypeId: map.keyless ? 0 : t.int,
    valueTypeId: value.type,
  } as const;
  const result = mapCheckBtf(spec, btf, metas, vmlinux);
  if (result.errno) return `map ${result.errno}`;
  if (isRecordError(result.record)) return `record ${result.record.errno}`;
  return (result.record?.fields ?? []).map((f) => `${btfFieldTypeName(f.type)}@${f.offset}`).join(' ');
}

describe('btf_parse_fields', () => {
  const member = (type: number, offset: number, name = `m${offset}`) => ({ name, type, offset });
  const cpumask = (b: BtfBuilder, t: ReturnType<typeof common>) =>
    b.struct('bpf_cpumask', 40, [{ name: 'usage', type: t.int, offset: 32 }]);

  const cases: [name: string, have: Parameters<typeof parse>, want: string][] = [
    ['no special field', [(b, t) => ({ type: b.struct('v', 8, [member(t.u64, 0)]), size: 8 })], ''],
    ['a lock', [(b, t) => ({ type: b.struct('v', 8, [member(t.lock, 4)]), size: 8 })], 'bpf_spin_lock@4'],
    [
      'two locks',
      [(b, t) => ({ type: b.struct('v', 8, [member(t.lock, 0), member(t.lock, 4)]), size: 8 })],
      `btf ${errno.E2BIG}`,
    ],
    ['a misaligned lock is no lock', [(b, t) => ({ type: b.struct('v', 8, [member(t.lock, 2)]), size: 8 })], 'btf 14'],
    [
      'kptrs in an array in nested structs',
      [
        (b, t) => {
          const inner = b.struct('inner', 16, [member(b.kptr(cpumask(b, t), 'kptr'), 8)]);
          const outer = b.struct('outer', 40, [member(t.u64, 0), member(b.array(inner, 2), 8)]);
          return { type: b.struct('v', 48, [member(t.u64, 0), member(outer, 8)]), size: 48 };
        },
      ],
      'kptr@24 kptr@40',
    ],
    [
      'eleven kptrs fit',
      [(b, t) => ({ type: b.struct('v', 88, [member(b.array(b.kptr(cpumask(b, t), 'kptr'), 11), 0)]), size: 88 })],
      Array.from({ length: 11 }, (_, i) => `kptr@${i * 8}`).join(' '),
    ],
    [
      'twelve do not, when the array is a direct member',
      [(b, t) => ({ type: b.struct('v', 96, [member(b.array(b.kptr(cpumask(b, t), 'kptr'), 12), 0)]), size: 96 })],
      `record ${errno.E2BIG}`,
    ],
    [
      'twelve members fail the whole BTF',
      [
        (b, t) => {
          const kptr = b.kptr(cpumask(b, t), 'kptr');
          return {
            type: b.struct(
              'v',
              96,
              Array.from({ length: 12 }, (_, i) => member(kptr, i * 8)),
            ),
            size: 96,
          };
        },
      ],
      `btf ${errno.E2BIG}`,
    ],
    [
      'a kernel type without destructor',
      [
        (b, t) => {
          const file = b.struct('file', 8, [member(t.u64, 0)]);
          return { type: b.struct('v', 8, [member(b.kptr(file, 'kptr'), 0)]), size: 8 };
        },
      ],
      `btf ${errno.ENOENT}`,
    ],
    [
      'an untrusted kptr needs no destructor',
      [
        (b, t) => {
          const file = b.struct('file', 8, [member(t.u64, 0)]);
          return { type: b.struct('v', 8, [member(b.kptr(file, 'kptr_untrusted'), 0)]), size: 8 };
        },
      ],
      'kptr@0',
    ],
    [
      'a forward declared type',
      [(b) => ({ type: b.struct('v', 8, [member(b.kptr(b.fwd('bpf_cpumask'), 'kptr'), 0)]), size: 8 })],
      `record ${errno.EINVAL}`,
    ],
    [
      'a list head needs a lock',
      [
        (b, t) => {
          b.struct('item', 32, [member(t.u64, 0, 'data'), member(t.node, 8, 'n')]);
          const v = b.struct('v', 16, [member(t.head, 0)]);
          b.declTag('contains:item:n', v, 0);
          return { type: v, size: 16 };
        },
      ],
      `btf ${errno.EINVAL}`,
    ],
    [
      'a list head and its lock',
      [
        (b, t) => {
          b.struct('item', 32, [member(t.u64, 0, 'data'), member(t.node, 8, 'n')]);
          const v = b.struct('v', 24, [member(t.lock, 0), member(t.head, 8)]);
          b.declTag('contains:item:n', v, 1);
          return { type: v, size: 24 };
        },
      ],
      'bpf_spin_lock@0 bpf_list_head@8',
    ],
    [
      'a tag that names no struct',
      [
        (b, t) => {
          const v = b.struct('v', 24, [member(t.lock, 0), member(t.head, 8)]);
          b.declTag('contains:nothing:n', v, 1);
          return { type: v, size: 24 };
        },
      ],
      `btf ${errno.ENOENT}`,
    ],
    [
      'a node of the other kind',
      [
        (b, t) => {
          b.struct('item', 32, [member(t.u64, 0, 'data'), member(t.node, 8, 'n')]);
          const v = b.struct('v', 24, [member(t.lock, 0), member(t.root, 8)]);
          b.declTag('contains:item:n', v, 1);
          return { type: v, size: 24 };
        },
      ],
      `btf ${errno.EINVAL}`,
    ],
    [
      'both nodes need a refcount',
      [
        (b, t) => {
          b.struct('item', 56, [member(t.node, 0), member(t.rbnode, 24)]);
          return { type: t.u64, size: 8 };
        },
      ],
      `btf ${errno.EINVAL}`,
    ],
    [
      'an object that holds itself',
      [
        (b, t) => {
          const item = b.struct('item', 48, [member(t.lock, 0), member(t.head, 8), member(t.node, 24, 'n')]);
          b.declTag('contains:item:n', item, 1);
          return { type: t.u64, size: 8 };
        },
      ],
      `btf ${errno.ELOOP}`,
    ],
    [
      'timers are for hash, lru_hash and array',
      [(b, t) => ({ type: b.struct('v', 16, [member(t.timer, 0)]), size: 16 }), { type: 'percpu_array' }],
      `map ${errno.EOPNOTSUPP}`,
    ],
    [
      'a map that programs may not write has no special fields',
      [(b, t) => ({ type: b.struct('v', 8, [member(t.lock, 4)]), size: 8 }), { flags: 1 << 7 }],
      `map ${errno.EACCES}`,
    ],
    ['a hash needs a key type', [(_, t) => ({ type: t.u64, size: 8 }), { type: 'hash', keyless: true }], 'map 22'],
    [
      'variables of a data section',
      [
        (b, t) => {
          const kptr = b.variable('k', b.kptr(cpumask(b, t), 'kptr'));
          const lock = b.variable('l', t.lock);
          const vars = [
            { type: lock, offset: 0, size: 4 },
            { type: kptr, offset: 8, size: 8 },
          ];
          return { type: b.datasec('.bss', 16, vars), size: 16 };
        },
        { keyless: true },
      ],
      'bpf_spin_lock@0 kptr@8',
    ],
  ];
  for (const [name, have, want] of cases) it(name, () => expect(parse(...have)).toBe(want));
});

it('finds a field by offset and type', () => {
  const b = new BtfBuilder();
  const t = common(b);
  const mask = b.struct('bpf_cpumask', 40, [{ name: 'usage', type: t.int, offset: 32 }]);
  const v = b.struct('v', 16, [
    { name: 'lock', type: t.lock, offset: 0 },
    { name: 'mask', type: b.kptr(mask, 'kptr'), offset: 8 },
  ]);
  const btf = b.build();
  const metas = btfParseStructMetas(btf, kernelBtf());
  if (!(metas instanceof Map)) throw new Error('no records');
  const record = metas.get(v) ?? null;
  expect(btfRecordFind(record, 8, BPF_KPTR_REF)?.kptr).toMatchObject({
    kernel: true,
    dtor: 'bpf_cpumask_release_dtor',
  });
  expect(btfRecordFind(record, 0, BPF_KPTR_REF)).toBeNull();
  expect(btfRecordFind(record, 0, BPF_SPIN_LOCK)?.size).toBe(4);
  expect(btfRecordFind(record, 4, BPF_SPIN_LOCK)).toBeNull();
});
