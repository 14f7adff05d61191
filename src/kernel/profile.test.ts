import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { BtfBuilder } from '../../test/btf_builder.ts';
import { InputError, NotSupported } from '../errors.ts';
import { openProfile, readBtfFile } from '../platform/node/profile.ts';
import { loadProfile } from './profile.ts';

const folder = mkdtempSync(join(tmpdir(), 'profile-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, bytes: Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};

describe('profiles', () => {
  it('is 6.18 as distributions build it', () => {
    const profile = openProfile('6.18');
    expect([profile.release, profile.nrCpus, profile.version]).toEqual(['6.18', 8192, (6 << 16) | (18 << 8) | 15]);
    for (const name of ['bpf_cpumask_create', 'bpf_cpumask_populate', 'scx_bpf_dsq_insert']) {
      expect(profile.btf.find(name, 'func')).toBeGreaterThan(0);
    }
    expect(profile.btf.size(profile.btf.find('bpf_cpumask', 'struct'))).toBe(1032);
  });

  it('reads BTF only when something asks', () => {
    let reads = 0;
    const b = new BtfBuilder();
    b.struct('cpumask', 32, []);
    const { bytes } = b.build();
    const readBtf = (): Uint8Array => {
      reads++;
      return bytes;
    };
    const profile = loadProfile({ release: '6.18', readBtf });
    expect([profile.release, profile.config.CONFIG_SMP, reads]).toEqual(['6.18', 'y', 0]);
    expect([profile.nrCpus, profile.nrCpus, reads]).toEqual([256, 256, 1]);
    expect(loadProfile({ release: '6.18', readBtf: () => bytes, nrCpus: 64 }).nrCpus).toBe(64);
  });

  it('takes a raw file, one that is packed, and the section of an ELF file', () => {
    const b = new BtfBuilder();
    b.struct('cpumask', 16, []);
    const { bytes } = b.build();
    expect(openProfile('6.18', { btf: file('raw', bytes) }).nrCpus).toBe(128);
    expect(openProfile('6.18', { btf: file('packed.gz', gzipSync(bytes)) }).nrCpus).toBe(128);
    expect(readBtfFile(new URL('../../test/objects/core.bpf.o', import.meta.url).pathname).length).toBeGreaterThan(100);
  });

  it('says what is wrong with a file', () => {
    expect(() => openProfile('6.18', { btf: join(folder, 'none') }).btf).toThrow(InputError);
    expect(() => openProfile('6.18', { btf: file('bad.br', new Uint8Array(9)) }).btf).toThrow(
      /bad.br: cannot be unpacked/,
    );
    expect(() => openProfile('6.18', { btf: file('text', Buffer.from('x'.repeat(99))) }).btf).toThrow(
      /text: BTF offset 0x0/,
    );
  });

  it('names releases that it does not know', () => {
    expect(() => openProfile('5.4')).toThrow(NotSupported);
    expect(() => openProfile('5.4')).toThrow(/kernel release 5.4; there are profiles for 6.3, 6.4.*7.3/);
  });
});
