/** What a browser cannot know by itself: where the package's files are. And what it does not have: the host's threads. */
import { InputError, NotSupported } from '../../errors.ts';
import type { Release } from '../../kernel/bpf/rows.ts';
import type { CpuMask } from '../../kernel/cpu_mask.ts';
import type { Profile } from '../../kernel/profile.ts';

export { startWorker } from './start_worker.ts';

export function kernelWasm(): Uint8Array<ArrayBuffer> {
  throw new InputError(
    'createMachine',
    'wasm',
    "fetch dist/kernel.wasm of the package and give its bytes, or fetchAssets' result",
  );
}

export function verifierWasm(): Uint8Array<ArrayBuffer> {
  throw new InputError('createMachine', 'verifierWasm', 'fetch dist/verifier.wasm of the package and give its bytes');
}

export function packageProfile(_release: Release, _nrCpus: number | undefined): Profile {
  throw new InputError(
    'createMachine',
    'profile',
    "give one: loadProfile with the bytes of a kernel's BTF, or fetchAssets' result",
  );
}

export function getAffinity(_tid?: number): CpuMask {
  throw new NotSupported('the CPU affinity of threads in a browser');
}

export function setAffinity(_cpus: Iterable<number>, _tid?: number): void {
  throw new NotSupported('the CPU affinity of threads in a browser');
}
