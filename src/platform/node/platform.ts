/** What only Node has: files of the package, read from disk, and the host's threads. */
import type { Release } from '../../kernel/bpf/rows.ts';
import type { Profile } from '../../kernel/profile.ts';
import { readAsset } from './assets.ts';
import { openProfile } from './profile.ts';

export { getAffinity, setAffinity } from './sched_affinity.ts';
export { startWorker } from './start_worker.ts';

/** dist/kernel.wasm. */
export function kernelWasm(): Uint8Array<ArrayBuffer> {
  return readAsset('dist/kernel.wasm');
}

/** dist/verifier.wasm. */
export function verifierWasm(): Uint8Array<ArrayBuffer> {
  return readAsset('dist/verifier.wasm');
}

/** The profile of a release, with the BTF that comes with the package. */
export function packageProfile(release: Release, nrCpus: number | undefined): Profile {
  return openProfile(release, nrCpus === undefined ? {} : { nrCpus });
}
