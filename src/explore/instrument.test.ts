import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { instrument } from './instrument.ts';

const wasm = readFileSync(new URL('../../dist/kernel.wasm', import.meta.url));

it('gives a valid module with the same exports', () => {
  const exported = (bytes: Uint8Array<ArrayBuffer>) =>
    WebAssembly.Module.exports(new WebAssembly.Module(bytes)).map(({ name }) => name);
  expect(exported(instrument(wasm))).toEqual(exported(wasm));
});
