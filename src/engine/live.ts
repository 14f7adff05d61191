/**
 * The live kernel as an engine: the maps and programs of one object on the running Linux, through bpf(2). It takes what the
 * verifier and the simulated engines take (KernelProgram, MapSpec), so that the two can be held against each other.
 */
import type { Btf } from '../btf/btf.ts';
import { invariant, NotSupported } from '../errors.ts';
import { takesBtf } from '../kernel/bpf/map_check_btf.ts';
import type { KernelProgram } from '../kernel/program.ts';
import type { MapSpec } from '../loader/spec.ts';
import { type BpfFd, BpfSyscall } from '../platform/node/bpf_syscall.ts';
import { liveKernel } from '../platform/node/live_kernel.ts';
import { SyscallError } from '../platform/node/native.ts';
import { attachTypes, type MapType, mapTypes, progTypes } from '../uapi/bpf.ts';

/** What the running kernel said of a program. */
export interface LiveVerdict {
  readonly verdict: 'accept' | 'reject';
  /** Positive; 0 when accepted. */
  readonly errno: number;
  readonly log: string;
}

export interface LiveMapEntry {
  readonly key: Uint8Array;
  /** As a lookup from user space gives it: kptrs, locks and timers are zero. */
  readonly value: Uint8Array;
}

/** Map types whose value is every possible CPU's, each padded to 8 bytes. */
const PERCPU: ReadonlySet<MapType> = new Set(['percpu_hash', 'percpu_array', 'lru_percpu_hash']);
/** Map types that can be read from user space by key. */
const KEYED: ReadonlySet<MapType> = new Set([
  'array',
  'hash',
  'lru_hash',
  'percpu_hash',
  'percpu_array',
  'lru_percpu_hash',
  'lpm_trie',
]);
const PAGE_SIZE = 4096;

/** libbpf rounds a ring buffer up to a power of two of pages. */
function ringbufSize(size: number): number {
  let rounded = PAGE_SIZE;
  while (rounded < size) rounded *= 2;
  return rounded;
}

/** Programs and maps of one object; `using` closes them all. */
export class LiveObject implements Disposable {
  readonly #bpf: BpfSyscall;
  readonly #possibleCpus: number;
  readonly #maps = new Map<MapSpec, BpfFd>();
  readonly #programs: BpfFd[] = [];
  /** The kernel may refuse an object's BTF; its programs then go without, as with libbpf. undefined: not tried. */
  readonly #btfs = new Map<Btf, BpfFd | null>();

  /**
   * @param possibleCpus - nr_cpu_ids of the host
   * @throws NotSupported when this process cannot load programs, naming what is missing
   */
  constructor(possibleCpus: number) {
    const { missing } = liveKernel();
    if (missing) throw new NotSupported(missing.replace(/^not supported yet: /, ''));
    this.#bpf = new BpfSyscall();
    this.#possibleCpus = possibleCpus;
  }

  [Symbol.dispose](): void {
    for (const fd of [...this.#programs, ...this.#maps.values(), ...this.#btfs.values()]) fd?.close();
    this.#programs.length = 0;
    this.#maps.clear();
    this.#btfs.clear();
  }

  #btf(btf: Btf | null): BpfFd | null {
    if (btf === null) return null;
    let fd = this.#btfs.get(btf);
    if (fd === undefined) {
      try {
        fd = this.#bpf.btfLoad(btf.bytes);
      } catch (error) {
        if (!(error instanceof SyscallError)) throw error;
        fd = null;
      }
      this.#btfs.set(btf, fd);
    }
    return fd;
  }

  /** The map of a spec, created at first use with its initial contents. */
  #map(spec: MapSpec, btf: Btf | null): BpfFd {
    const known = this.#maps.get(spec);
    if (known) return known;
    const fd = this.#createMap(spec, btf);
    this.#maps.set(spec, fd);
    if (spec.section && spec.section.kind !== 'bss' && spec.section.kind !== 'arena') {
      this.#bpf.mapUpdate(fd, new Uint8Array(4), spec.section.data);
      if (spec.section.kind !== 'data') this.#bpf.mapFreeze(fd);
    }
    return fd;
  }

  /** Puts what is there of the programs or maps that an object names in a map into its slots. */
  #fillSlots(spec: MapSpec, targets: ReadonlyMap<string, BpfFd>): void {
    for (const { index, name } of spec.values) {
      const target = targets.get(name);
      if (!target) continue;
      const [key, value] = [index, target.fd].map((word) => new Uint8Array(Uint32Array.of(word).buffer));
      if (key && value) this.#bpf.mapUpdate(this.#used(spec), key, value);
    }
  }

  /** As libbpf completes it: one perf event a CPU, ring buffers in pages. */
  #maxEntries({ type, maxEntries }: MapSpec): number {
    if (type === 'perf_event_array' && maxEntries === 0) return this.#possibleCpus;
    return type === 'ringbuf' ? ringbufSize(maxEntries) : maxEntries;
  }

  #createMap(spec: MapSpec, btf: Btf | null): BpfFd {
    const inner = spec.inner ? this.#map(spec.inner, btf) : undefined;
    const attr = {
      type: mapTypes.indexOf(spec.type),
      keySize: spec.keySize,
      valueSize: spec.valueSize,
      maxEntries: this.#maxEntries(spec),
      flags: spec.flags,
      name: spec.name,
      mapExtra: spec.mapExtra,
      ...(spec.numaNode === null ? {} : { numaNode: spec.numaNode }),
      ...(inner ? { innerMap: inner } : {}),
    };
    const btfFd = this.#btf(btf);
    if (btfFd && spec.valueTypeId && takesBtf(spec.type)) {
      const typed = { ...attr, btf: btfFd, keyTypeId: spec.keyTypeId, valueTypeId: spec.valueTypeId };
      try {
        return this.#bpf.mapCreate(typed);
      } catch (error) {
        // libbpf makes the map again without its types, and the program fails later where it needs them.
        if (!(error instanceof SyscallError)) throw error;
      }
    }
    return this.#bpf.mapCreate(attr);
  }

  /**
   * Loads a program; a refusal is a value.
   * @param logLevel - 1 rejections with their path, 2 every instruction, 4 statistics; may be combined
   */
  load(program: KernelProgram, logLevel: number): { verdict: LiveVerdict; run: LiveProgram | null } {
    const btf = this.#btf(program.btf);
    const fresh = program.maps.filter((spec) => !this.#maps.has(spec));
    const fdArray = program.maps.map((spec) => this.#map(spec, program.btf));
    const maps = new Map(program.maps.map((spec) => [spec.name, this.#used(spec)]));
    for (const spec of fresh) if (spec.inner) this.#fillSlots(spec, maps);
    const { errno, prog, log } = this.#bpf.progLoad({
      type: progTypes.indexOf(program.type),
      expectedAttachType: expectedAttachType(program),
      insns: program.insns,
      license: program.license,
      name: program.name,
      flags: program.flags,
      attachBtfId: program.attachBtfId,
      fdArray,
      logLevel,
      ...(btf ? { btf, funcInfo: funcInfo(program), lineInfo: lineInfo(program) } : {}),
    });
    const verdict: LiveVerdict = { verdict: prog ? 'accept' : 'reject', errno, log };
    if (!prog) return { verdict, run: null };
    this.#programs.push(prog);
    for (const spec of program.maps) {
      if (spec.type === 'prog_array') this.#fillSlots(spec, new Map([[program.name, prog]]));
    }
    return { verdict, run: new LiveProgram(this.#bpf, prog, program) };
  }

  /** Writes the first values of an array map, which a loaded program uses. */
  writeArray(spec: MapSpec, values: Uint8Array): void {
    this.#bpf.arrayUpdate(this.#used(spec), spec.valueSize, values);
  }

  /** The first `count` values of an array map, which a loaded program uses. */
  readArray(spec: MapSpec, count: number): Uint8Array {
    return this.#bpf.arrayLookup(this.#used(spec), spec.valueSize, count);
  }

  #used(spec: MapSpec): BpfFd {
    const fd = this.#maps.get(spec);
    invariant(fd, `map ${spec.name} is not on the live kernel yet`);
    return fd;
  }

  /** Entries of a map, in the kernel's order; null for types that user space cannot read by key. */
  entries(spec: MapSpec): LiveMapEntry[] | null {
    const fd = this.#maps.get(spec);
    if (!fd || !KEYED.has(spec.type)) return null;
    const padded = (spec.valueSize + 7) & ~7;
    const bytes = PERCPU.has(spec.type) ? padded * this.#possibleCpus : spec.valueSize;
    return this.#bpf.mapKeys(fd, spec.keySize).flatMap((key) => {
      const value = this.#bpf.mapLookup(fd, key, bytes);
      return value ? [{ key, value }] : [];
    });
  }
}

/** One accepted program on the running kernel. */
export class LiveProgram {
  readonly #bpf: BpfSyscall;
  readonly #prog: BpfFd;
  readonly #program: KernelProgram;

  constructor(bpf: BpfSyscall, prog: BpfFd, program: KernelProgram) {
    this.#bpf = bpf;
    this.#prog = prog;
    this.#program = program;
  }

  /**
   * Runs it once with BPF_PROG_TEST_RUN.
   * @throws SyscallError when the kernel cannot test-run this program type or refuses the input
   */
  testRun(input: { ctx?: Uint8Array; data?: Uint8Array; repeat?: number }): ReturnType<BpfSyscall['progTestRun']> {
    return this.#bpf.progTestRun(this.#prog, input);
  }

  /** Attaches a tp_btf or raw_tp program to its tracepoint until the result is disposed of. */
  attach(): BpfFd {
    const { type, attachType, attachTo } = this.#program;
    if (type === 'tracing' && attachType === 'trace_raw_tp') return this.#bpf.rawTracepointOpen(this.#prog, null);
    if (type === 'raw_tracepoint') return this.#bpf.rawTracepointOpen(this.#prog, attachTo);
    throw new NotSupported(`attaching a ${type} program to the live kernel`);
  }
}

/** The kernel reads the member's index there for struct_ops. */
function expectedAttachType({ type, attachType, structOpsMember }: KernelProgram): number {
  if (type === 'struct_ops') return structOpsMember;
  return attachType === null ? 0 : attachTypes.indexOf(attachType);
}

/** struct bpf_func_info rows: instruction, type id. */
function funcInfo({ funcs }: KernelProgram): Uint8Array {
  if (funcs.some(({ typeId }) => typeId === 0)) return new Uint8Array();
  return new Uint8Array(Uint32Array.from(funcs.flatMap(({ insn, typeId }) => [insn, typeId])).buffer);
}

/** struct bpf_line_info rows: instruction, file and line as string offsets, line << 10 | column. */
function lineInfo({ lines }: KernelProgram): Uint8Array {
  const rows = lines.flatMap(({ insn, fileOff, lineOff, line, column }) => [
    insn,
    fileOff,
    lineOff,
    ((line << 10) | (column & 0x3ff)) >>> 0,
  ]);
  return new Uint8Array(Uint32Array.from(rows).buffer);
}
