import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { AttachType, ProgType } from '../../../uapi/bpf.ts';
import { FUNC_PROTOS, getFuncProto, HELPERS, type HelperQuery, helperById, helperByName } from './index.ts';

interface Row {
  readonly type: ProgType;
  readonly attach: readonly (AttachType | null)[];
  readonly struct: string;
  readonly helpers: readonly number[];
  readonly withoutPerfmon: readonly number[] | null;
}

/** Which helpers a Linux 6.18 lets each program type call, asked by loading one call per helper and type. */
const asked = JSON.parse(readFileSync('test/data/helpers-6.18.json', 'utf8')) as { rows: readonly Row[] };

/** Refused by the asked kernel for how it was built or booted, not for the program type. */
const NOT_BUILT: ReadonlySet<string> = new Set(['bpf_probe_write_user']);

function query(row: Row, attachType: AttachType | null, capPerfmon: boolean): HelperQuery {
  return {
    release: '6.18',
    type: row.type,
    attachType,
    attachName: row.struct,
    attachMember: '',
    sleepableHook: false,
    capPerfmon,
    hasFunction: () => false,
  };
}

function available(of: HelperQuery): number[] {
  return HELPERS.filter((row) => getFuncProto(row, of) && !NOT_BUILT.has(row.name)).map((row) => row.id);
}

it('numbers the helpers as the kernel does', () => {
  expect(HELPERS.length).toBe(211);
  expect(HELPERS.map((row) => row.id)).toEqual(HELPERS.map((_, index) => index + 1));
  expect(helperById(195)?.name).toBe('bpf_map_lookup_percpu_elem');
  expect(helperByName('bpf_kptr_xchg')?.id).toBe(194);
  expect(helperById(0)).toBeUndefined();
  expect(helperById(212)).toBeUndefined();
});

it.each(asked.rows.flatMap((row) => row.attach.map((attach) => [row.type, attach, row] as const)))(
  '%s %s may call what the kernel lets it call',
  (_type, attach, row) => {
    expect(available(query(row, attach, true))).toEqual(row.helpers);
    if (row.withoutPerfmon) expect(available(query(row, attach, false))).toEqual(row.withoutPerfmon);
  },
);

it('has as many C parameters as checked arguments', () => {
  for (const row of HELPERS) {
    const list = row.proto.slice(row.proto.indexOf('(') + 1, -1);
    const params = list === 'void' ? 0 : list.split(',').length;
    const name = row.name.slice('bpf_'.length);
    if (!(name in FUNC_PROTOS)) continue;
    const proto = FUNC_PROTOS[name as keyof typeof FUNC_PROTOS];
    expect([row.name, proto.args.length <= params]).toEqual([row.name, true]);
  }
});
