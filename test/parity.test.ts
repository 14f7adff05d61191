/** Rows and kernel.wasm say the same; kernel.wasm keeps the rules that let every worker share one memory. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HELPERS } from '../src/kernel/bpf/helpers/index.ts';
import { KFUNCS } from '../src/kernel/bpf/kfuncs/index.ts';
import { readAsset } from '../src/platform/node/assets.ts';

const wasm = readAsset('dist/kernel.wasm');
const exported = new Set(WebAssembly.Module.exports(new WebAssembly.Module(wasm)).map(({ name }) => name));

/** Sections of a module: id -> body. */
function sections(bytes: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  let at = 8;
  const leb = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const id = bytes[at++] ?? 0;
    const size = leb();
    found.set(id, bytes.subarray(at, at + size));
    at += size;
  }
  return found;
}

/** The mutability byte of each global: all are initialised by one constant instruction. */
function globalMutability(body: Uint8Array = new Uint8Array(1)): number[] {
  const flags: number[] = [];
  // Count, then type, mutability, opcode, LEB128 immediate, end.
  for (let at = 1; flags.length < (body[0] ?? 0); ) {
    flags.push(body[at + 1] ?? 0);
    expect([0x41, 0x42]).toContain(body[at + 2]);
    at += 3;
    while ((body[at] ?? 0) & 0x80) at++;
    expect(body[at + 1]).toBe(0x0b);
    at += 2;
  }
  return flags;
}

const GLOBAL_SECTION = 6;
const ELEMENT_SECTION = 9;
const DATA_SECTION = 11;

describe('kernel.wasm', () => {
  it('has no state of its own: no mutable globals, no tables filled, no data', () => {
    const ids = sections(wasm);
    expect(globalMutability(ids.get(GLOBAL_SECTION)).filter((mutable) => mutable !== 0)).toEqual([]);
    expect(ids.has(ELEMENT_SECTION)).toBe(false);
    expect(ids.has(DATA_SECTION)).toBe(false);
  });

  it('imports the memory and the current CPU, nothing else', () => {
    const imports = WebAssembly.Module.imports(new WebAssembly.Module(wasm));
    expect(imports.map(({ module, name }) => `${module}.${name}`).sort()).toEqual(['env.memory', 'worker.gs']);
  });
});

describe('rows', () => {
  it.each([
    ['kfuncs', KFUNCS],
    ['helpers', HELPERS],
  ] as const)('of %s: names are unique, and every one that runs has its function', (_what, rows) => {
    expect(new Set(rows.map((row) => row.name)).size).toBe(rows.length);
    const missing = rows.filter((row) => row.run === 'call' && !exported.has(row.name));
    expect(missing.map((row) => row.name)).toEqual([]);
  });

  it('exist for every bpf_cpumask_ function, and it runs', () => {
    const rows = KFUNCS.filter((row) => row.run === 'call').map((row) => row.name);
    const functions = [...exported].filter((name) => name.startsWith('bpf_cpumask_'));
    expect(functions.length).toBe(30);
    expect(functions.filter((name) => !rows.includes(name))).toEqual([]);
  });

  it('of cpumask kfuncs are told: what it does, what it returns', () => {
    for (const row of KFUNCS.filter(({ source }) => source === 'kernel/bpf/cpumask.c')) {
      expect([row.name, row.summary === '', row.returns === '']).toEqual([row.name, false, false]);
    }
  });
});

it('layout.ts gives no two fields of struct machine or struct percpu the same place', () => {
  const text = readFileSync('assembly/layout.ts', 'utf8');
  const fields = [...text.matchAll(/^export const ((?:M_|MM_|PC_)\w+) = (\w+);/gm)].map(([, name = '', value]) => ({
    name,
    at: Number(value),
  }));
  expect(fields.length).toBeGreaterThan(60);
  // The bases of ranges are where their first field lies.
  const bases = /^(M_MM|M_LOG|M_TABLES|PC_RCU|PC_INTERP|PC_HELPERS)$/;
  const seen = new Map<string, string>();
  const clashes: string[] = [];
  for (const { name, at } of fields) {
    if (bases.test(name)) continue;
    const key = `${name.startsWith('PC_') ? 'percpu' : 'machine'} ${at}`;
    const other = seen.get(key);
    if (other) clashes.push(`${other} and ${name}`);
    seen.set(key, name);
  }
  expect(clashes).toEqual([]);
});
