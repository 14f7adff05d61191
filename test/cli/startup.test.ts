import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CACHED, codeCacheOf } from '../../src/cli/script.ts';

const dist = fileURLToPath(new URL('../../dist/', import.meta.url));

/** In a process as the command line is one: flags of V8 belong to what a code cache is for. */
function takesCache(script: string, cache: string): unknown {
  const code = `
    const { readFileSync } = require('node:fs');
    const source = readFileSync(${JSON.stringify(script)}, 'latin1');
    const cachedData = readFileSync(${JSON.stringify(cache)});
    console.log(!new (require('node:vm').Script)(source, { cachedData }).cachedDataRejected);`;
  return JSON.parse(spawnSync(process.execPath, ['-e', code], { encoding: 'utf8' }).stdout);
}

describe.each([
  { name: 'main.cjs', commands: CACHED },
  { name: 'conform.cjs', commands: ['conform'] },
])('$name', ({ name, commands }) => {
  it.each(commands)('has compiled code for %s that this Node takes', (command) => {
    expect(takesCache(`${dist}${name}`, codeCacheOf(`${dist}${name}`, command))).toBe(true);
  });

  it('is plain ASCII, as it is read', () => {
    expect(readFileSync(`${dist}${name}`).every((byte) => byte < 128)).toBe(true);
  });
});

it('every BTF of the package has its index', () => {
  const files = readdirSync(dist);
  const btfs = files.filter((file) => file.endsWith('.btf'));
  expect(btfs.length).toBeGreaterThan(0);
  expect(files.filter((file) => file.endsWith('.btf.index'))).toEqual(btfs.map((file) => `${file}.index`));
});
