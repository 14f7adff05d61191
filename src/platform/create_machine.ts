import { kernelWasm, packageProfile, startWorker, verifierWasm } from '#platform';
import type { EngineName } from '../engine/engines.ts';
import { InputError } from '../errors.ts';
import { instrument } from '../explore/instrument.ts';
import type { Release } from '../kernel/bpf/rows.ts';
import { Profile } from '../kernel/profile.ts';
import { Machine } from '../machine/machine.ts';

export interface MachineOptions {
  /** Possible CPUs (nr_cpu_ids), 1 to NR_CPUS; default 8, or what the topology has. */
  readonly cpus?: number | undefined;
  /** NR_CPUS: bits of cpumask_t that are used. Default: what the kernel's BTF says, 8192 for the package's own. */
  readonly nrCpus?: number | undefined;
  /** hwloc synthetic string, `numa:2 l3:2 core:4 pu:2`; default: one core a CPU, all on one node. */
  readonly topology?: string | undefined;
  /** The kernel: a release that comes with the package, default '6.18', or a profile. Browsers have to give a profile. */
  readonly profile?: Release | Profile | undefined;
  /** Seed of bpf_get_prandom_u32 and of fault injection; default 1. The same seed gives the same run. */
  readonly seed?: number | bigint | undefined;
  /** Bytes that the simulated memory may grow to, 4 MiB to 4 GiB; default 256 MiB. */
  readonly memoryLimit?: number | undefined;
  /**
   * Instructions that the verifier processes before it calls a program too large; default the kernel's million, which takes
   * seconds. Services that verify strangers' programs may want less.
   */
  readonly complexityLimit?: number | undefined;
  /** What runs programs: interp, the default, checks every access; jit compiles them, and is many times faster. */
  readonly engine?: EngineName | undefined;
  /** Keeps a ledger of references, machine.ledger; slow. Default false. */
  readonly ledger?: boolean | undefined;
  /** For an Explorer: every store can be taken back. Slower, and its programs are interpreted. Default false. */
  readonly explorable?: boolean | undefined;
  /** dist/kernel.wasm, or the module compiled from it. Default: the package's own; browsers have to give it. */
  readonly wasm?: Uint8Array<ArrayBuffer> | WebAssembly.Module | undefined;
  /** dist/verifier.wasm, which judges programs before they run. Default: the package's own; browsers have to give it. */
  readonly verifierWasm?: BufferSource | undefined;
}

/**
 * Boots a simulated kernel.
 *
 *     const machine = createMachine({ cpus: 4 });
 *     const object = machine.load(readFileSync('my.bpf.o'));
 *     const { retval } = object.program('my_prog').run({ cpu: 1 });
 *
 * @throws InputError for an option that is out of range; NotSupported for a release without a profile
 */
export function createMachine(options: MachineOptions = {}): Machine {
  const { profile = '6.18', nrCpus, wasm: given = kernelWasm(), verifierWasm: verifier, explorable, ...rest } = options;
  if (explorable && rest.engine === 'jit') {
    throw new InputError(
      'createMachine',
      'engine',
      'the programs of an explorable machine are interpreted; leave out jit',
    );
  }
  const wasm = explorable ? explorableWasm(given) : given;
  const kernel = profile instanceof Profile ? profile.withNrCpus(nrCpus) : packageProfile(profile, nrCpus);
  return new Machine({
    ...rest,
    profile: kernel,
    wasm,
    explorable,
    verifierWasm: () => verifier ?? verifierWasm(),
    startWorker,
  });
}

function explorableWasm(wasm: Uint8Array<ArrayBuffer> | WebAssembly.Module): Uint8Array<ArrayBuffer> {
  if (wasm instanceof WebAssembly.Module) {
    throw new InputError('createMachine', 'wasm', 'to be explorable, give the bytes of kernel.wasm, not a module');
  }
  return instrument(wasm);
}
