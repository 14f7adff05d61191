// Writes profiles/NAME.btf.br from a kernel's BTF: node scripts/run.mjs scripts/build-profile.ts 6.18 /sys/kernel/btf/vmlinux
import { writeFileSync } from 'node:fs';
import { brotliCompressSync, constants } from 'node:zlib';
import { Btf } from '../src/btf/btf.ts';
import { InputError } from '../src/errors.ts';
import { readBtfFile } from '../src/platform/node/profile.ts';

const [name, file] = process.argv.slice(2);
if (name === undefined || file === undefined || !/^[\w.-]+$/.test(name)) {
  throw new InputError('build-profile', '', 'usage: build-profile.ts NAME FILE');
}
const bytes = readBtfFile(file);
const btf = Btf.parse(bytes, null, file);
const packed = brotliCompressSync(bytes, {
  params: {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  },
});
const path = `profiles/${name}.btf.br`;
writeFileSync(path, packed);
const nrCpus = btf.size(btf.find('cpumask', 'struct')) * 8;
console.log(`${path}: ${btf.nrTypes} types, NR_CPUS ${nrCpus}, ${bytes.length} -> ${packed.length} bytes`);
