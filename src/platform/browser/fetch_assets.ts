/** The files that a machine needs, fetched: for pages, which have no disk. */
import { InputError } from '../../errors.ts';
import type { Release } from '../../kernel/bpf/rows.ts';
import { compileKernel } from '../../kernel/memory.ts';
import { loadProfile, type Profile } from '../../kernel/profile.ts';

export interface AssetUrls {
  /** `dist/kernel.wasm` of the package. */
  readonly kernelWasm: string | URL;
  /** `dist/verifier.wasm` of the package. */
  readonly verifierWasm: string | URL;
  /** A kernel's BTF, raw or as .gz: `dist/6.18.btf` of the package, or any kernel's /sys/kernel/btf/vmlinux. */
  readonly btf: string | URL;
  /** Release whose rules hold; default '6.18'. */
  readonly release?: Release | undefined;
  readonly nrCpus?: number | undefined;
}

/** What createMachine takes. */
export interface Assets {
  readonly wasm: WebAssembly.Module;
  readonly verifierWasm: Uint8Array<ArrayBuffer>;
  readonly profile: Profile;
}

/**
 * Fetches what createMachine needs where there is no disk:
 *
 *     const machine = createMachine({ cpus: 1, ...(await fetchAssets({ kernelWasm, verifierWasm, btf })) });
 *
 * Pages that are not cross-origin isolated have no shared memory; the machine then runs on unshared memory, on this thread.
 * @throws InputError naming the URL that could not be had
 */
export async function fetchAssets({ release = '6.18', nrCpus, ...urls }: AssetUrls): Promise<Assets> {
  const [kernelWasm, verifierWasm, btf] = await Promise.all([
    fetchBytes(urls.kernelWasm),
    fetchBytes(urls.verifierWasm),
    fetchBytes(urls.btf),
  ]);
  const profile = loadProfile({ release, nrCpus, what: String(urls.btf), readBtf: () => btf });
  return { wasm: await compileKernel(kernelWasm), verifierWasm, profile };
}

async function fetchBytes(url: string | URL): Promise<Uint8Array<ArrayBuffer>> {
  let response: Response;
  try {
    response = await fetch(url);
  } catch (error) {
    throw new InputError(
      String(url),
      '',
      `cannot be fetched: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  if (!response.ok) throw new InputError(String(url), '', `cannot be fetched: HTTP ${response.status}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(plain).arrayBuffer());
}
