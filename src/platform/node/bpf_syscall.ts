/**
 * bpf(2): one function a command, in kernel names. Every object is a file descriptor wrapped in BpfFd, closed by `using` or by
 * the process's end; nothing is pinned unless asked, so nothing outlives a process that is killed.
 */
import { closeSync } from 'node:fs';
import { type Native, openNative, SyscallError, syscallNumber } from './native.ts';

/** enum bpf_cmd, the ones we use. */
const CMD = {
  MAP_CREATE: 0,
  MAP_LOOKUP_ELEM: 1,
  MAP_UPDATE_ELEM: 2,
  MAP_DELETE_ELEM: 3,
  MAP_GET_NEXT_KEY: 4,
  PROG_LOAD: 5,
  OBJ_PIN: 6,
  PROG_TEST_RUN: 10,
  OBJ_GET_INFO_BY_FD: 15,
  RAW_TRACEPOINT_OPEN: 17,
  BTF_LOAD: 18,
  MAP_FREEZE: 22,
  MAP_LOOKUP_BATCH: 24,
  MAP_UPDATE_BATCH: 26,
  LINK_CREATE: 28,
} as const;
type Command = keyof typeof CMD;

/** Size of union bpf_attr that we hand over; unknown tails must be zero, which they are. */
const ATTR_SIZE = 168;
const ENOSPC = 28;
const ENOENT = 2;

/** An open kernel object. */
export class BpfFd implements Disposable {
  #open = true;
  constructor(readonly fd: number) {}

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Writes the fields of a union bpf_attr: offset -> u32, or u64 for a bigint. */
type Attr = Readonly<Record<number, number | bigint>>;

export interface MapCreateAttr {
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly name: string;
  readonly numaNode?: number;
  readonly innerMap?: BpfFd;
  readonly btf?: BpfFd;
  readonly keyTypeId?: number;
  readonly valueTypeId?: number;
  readonly mapExtra?: bigint;
}

export interface ProgLoadAttr {
  readonly type: number;
  readonly expectedAttachType: number;
  readonly insns: Uint8Array;
  readonly license: string;
  readonly name: string;
  readonly flags: number;
  readonly attachBtfId: number;
  readonly btf?: BpfFd;
  /** struct bpf_func_info and bpf_line_info arrays, 8 and 16 bytes a row. */
  readonly funcInfo?: Uint8Array;
  readonly lineInfo?: Uint8Array;
  /** Fds that BPF_PSEUDO_MAP_IDX instructions index. */
  readonly fdArray?: readonly BpfFd[];
  readonly logLevel: number;
  readonly logSize?: number;
}

export interface ProgLoadResult {
  /** 0, or a positive errno. */
  readonly errno: number;
  readonly prog: BpfFd | null;
  readonly log: string;
}

export interface TestRunAttr {
  readonly ctx?: Uint8Array;
  readonly data?: Uint8Array;
  readonly repeat?: number;
  readonly cpu?: number;
}

export interface TestRunResult {
  readonly retval: number;
  /** Average of a run, as the kernel measured it. */
  readonly durationNs: number;
  readonly ctx: Uint8Array | null;
  readonly data: Uint8Array | null;
}

const text = new TextEncoder();

/** Object names: at most 15 bytes of what the kernel allows. */
function objName(name: string): Uint8Array {
  return text.encode(name.replace(/[^A-Za-z0-9_.]/g, '_').slice(0, 15));
}

export class BpfSyscall {
  readonly #native: Native = openNative();
  readonly #nr = syscallNumber('bpf');

  /** Result of the command, or -errno. `name` lies at an offset of the attr as bytes. */
  #bpf(command: Command, attr: Attr, name?: { at: number; text: string }): { result: number; attr: DataView } {
    const { address, bytes } = this.#native.alloc(ATTR_SIZE);
    const dv = new DataView(bytes.buffer, bytes.byteOffset, ATTR_SIZE);
    for (const [at, value] of Object.entries(attr)) {
      if (typeof value === 'bigint') dv.setBigUint64(Number(at), value, true);
      else dv.setUint32(Number(at), value >>> 0, true);
    }
    if (name) bytes.set(objName(name.text), name.at);
    return { result: this.#native.syscall(this.#nr, CMD[command], address, ATTR_SIZE), attr: dv };
  }

  #call(command: Command, attr: Attr, name?: { at: number; text: string }): { result: number; attr: DataView } {
    const done = this.#bpf(command, attr, name);
    if (done.result < 0) throw new SyscallError(`bpf(BPF_${command})`, -done.result);
    return done;
  }

  /** Runs `body` and gives back the argument memory it used. */
  #scoped<T>(body: () => T): T {
    const mark = this.#native.mark();
    try {
      return body();
    } finally {
      this.#native.reset(mark);
    }
  }

  /** BPF_BTF_LOAD of a raw BTF. */
  btfLoad(btf: Uint8Array): BpfFd {
    return this.#scoped(() => {
      const data = this.#native.put(btf);
      return new BpfFd(this.#call('BTF_LOAD', { 0: data.address, 16: btf.length }).result);
    });
  }

  mapCreate(map: MapCreateAttr): BpfFd {
    return this.#scoped(() => {
      const attr: Attr = {
        0: map.type,
        4: map.keySize,
        8: map.valueSize,
        12: map.maxEntries,
        16: map.flags,
        20: map.innerMap?.fd ?? 0,
        24: map.numaNode ?? 0,
        48: map.btf?.fd ?? 0,
        52: map.keyTypeId ?? 0,
        56: map.valueTypeId ?? 0,
        64: map.mapExtra ?? 0n,
      };
      return new BpfFd(this.#call('MAP_CREATE', attr, { at: 28, text: map.name }).result);
    });
  }

  /** The value (per-CPU types: every possible CPU's, each padded to 8 bytes), or null when the key is absent. */
  mapLookup(map: BpfFd, key: Uint8Array, valueBytes: number): Uint8Array | null {
    return this.#scoped(() => {
      const value = this.#native.alloc(valueBytes);
      const attr = { 0: map.fd, 8: this.#native.put(key).address, 16: value.address };
      const { result } = this.#bpf('MAP_LOOKUP_ELEM', attr);
      if (result === -ENOENT) return null;
      if (result < 0) throw new SyscallError('bpf(BPF_MAP_LOOKUP_ELEM)', -result);
      return value.bytes.slice();
    });
  }

  mapUpdate(map: BpfFd, key: Uint8Array, value: Uint8Array, flags = 0n): void {
    this.#scoped(() => {
      const attr = { 0: map.fd, 8: this.#native.put(key).address, 16: this.#native.put(value).address, 24: flags };
      this.#call('MAP_UPDATE_ELEM', attr);
    });
  }

  /** Keys in the kernel's order. */
  mapKeys(map: BpfFd, keySize: number): Uint8Array[] {
    return this.#scoped(() => {
      const key = this.#native.alloc(keySize);
      const next = this.#native.alloc(keySize);
      const keys: Uint8Array[] = [];
      for (let first = true; ; first = false) {
        const attr = { 0: map.fd, 8: first ? 0n : key.address, 16: next.address };
        const mark = this.#native.mark();
        const { result } = this.#bpf('MAP_GET_NEXT_KEY', attr);
        this.#native.reset(mark);
        if (result === -ENOENT) return keys;
        if (result < 0) throw new SyscallError('bpf(BPF_MAP_GET_NEXT_KEY)', -result);
        keys.push(next.bytes.slice());
        key.bytes.set(next.bytes);
      }
    });
  }

  /** Writes the first elements of an array map; `values` is theirs, one behind the other. */
  arrayUpdate(map: BpfFd, valueSize: number, values: Uint8Array): void {
    this.#scoped(() => {
      const count = values.length / valueSize;
      const keys = this.#native.put(new Uint8Array(Uint32Array.from({ length: count }, (_, i) => i).buffer));
      const attr = { 16: keys.address, 24: this.#native.put(values).address, 32: count, 36: map.fd };
      this.#call('MAP_UPDATE_BATCH', attr);
    });
  }

  /** The first `count` elements of an array map, one behind the other. */
  arrayLookup(map: BpfFd, valueSize: number, count: number): Uint8Array {
    return this.#scoped(() => {
      const values = this.#native.alloc(valueSize * count);
      const [keys, next] = [this.#native.alloc(4 * count), this.#native.alloc(4)];
      const attr = { 8: next.address, 16: keys.address, 24: values.address, 32: count, 36: map.fd };
      const { result } = this.#bpf('MAP_LOOKUP_BATCH', attr);
      // The end of the map is ENOENT, with the values in place.
      if (result < 0 && result !== -ENOENT) throw new SyscallError('bpf(BPF_MAP_LOOKUP_BATCH)', -result);
      return values.bytes.slice();
    });
  }

  mapFreeze(map: BpfFd): void {
    this.#scoped(() => this.#call('MAP_FREEZE', { 0: map.fd }));
  }

  /** BPF_PROG_LOAD. A refusal is a value: errno and log; the log grows until it fits. */
  progLoad(prog: ProgLoadAttr): ProgLoadResult {
    const logSize = prog.logSize ?? 1 << 20;
    const done = this.#scoped((): ProgLoadResult => {
      const put = (bytes: Uint8Array | undefined) => (bytes?.length ? this.#native.put(bytes).address : 0n);
      const log = prog.logLevel ? this.#native.alloc(logSize) : null;
      const fds = prog.fdArray?.length ? new Int32Array(prog.fdArray.map(({ fd }) => fd)) : null;
      const attr: Attr = {
        0: prog.type,
        4: prog.insns.length / 8,
        8: put(prog.insns),
        16: put(text.encode(`${prog.license}\0`)),
        24: prog.logLevel,
        28: log ? logSize : 0,
        32: log?.address ?? 0n,
        44: prog.flags,
        68: prog.expectedAttachType,
        72: prog.btf?.fd ?? 0,
        76: prog.funcInfo?.length ? 8 : 0,
        80: put(prog.funcInfo),
        88: (prog.funcInfo?.length ?? 0) / 8,
        92: prog.lineInfo?.length ? 16 : 0,
        96: put(prog.lineInfo),
        104: (prog.lineInfo?.length ?? 0) / 16,
        108: prog.attachBtfId,
        120: fds ? put(new Uint8Array(fds.buffer)) : 0n,
      };
      const { result } = this.#bpf('PROG_LOAD', attr, { at: 48, text: prog.name });
      const end = log ? log.bytes.indexOf(0) : 0;
      const words = log ? new TextDecoder().decode(log.bytes.slice(0, end < 0 ? log.bytes.length : end)) : '';
      return { errno: result < 0 ? -result : 0, prog: result < 0 ? null : new BpfFd(result), log: words };
    });
    const tooSmall = done.errno === ENOSPC && prog.logLevel > 0 && logSize < 64 << 20;
    return tooSmall ? this.progLoad({ ...prog, logSize: logSize * 8 }) : done;
  }

  /** BPF_PROG_TEST_RUN. */
  progTestRun(prog: BpfFd, { ctx, data, repeat = 0, cpu = 0 }: TestRunAttr): TestRunResult {
    return this.#scoped(() => {
      const OUT = 65536;
      const ctxIn = ctx?.length ? this.#native.put(ctx) : null;
      const dataIn = data ? this.#native.put(data) : null;
      const dataOut = data ? this.#native.alloc(OUT) : null;
      const attr: Attr = {
        0: prog.fd,
        8: data?.length ?? 0,
        12: dataOut ? OUT : 0,
        16: dataIn?.address ?? 0n,
        24: dataOut?.address ?? 0n,
        32: repeat,
        40: ctx?.length ?? 0,
        48: ctxIn?.address ?? 0n,
        68: cpu,
      };
      const run = this.#call('PROG_TEST_RUN', attr);
      const size = run.attr.getUint32(12, true);
      return {
        retval: run.attr.getUint32(4, true),
        durationNs: run.attr.getUint32(36, true),
        // A syscall program writes to the context it was given; it has no ctx_out.
        ctx: ctxIn ? ctxIn.bytes.slice() : null,
        data: dataOut ? dataOut.bytes.slice(0, size) : null,
      };
    });
  }

  /** BPF_RAW_TRACEPOINT_OPEN: raw_tp by tracepoint name; tp_btf programs name theirs at load and give null. */
  rawTracepointOpen(prog: BpfFd, name: string | null): BpfFd {
    return this.#scoped(() => {
      const at = name === null ? 0n : this.#native.put(text.encode(`${name}\0`)).address;
      return new BpfFd(this.#call('RAW_TRACEPOINT_OPEN', { 0: at, 8: prog.fd }).result);
    });
  }

  /** BPF_OBJ_PIN to a path below a bpffs. */
  objPin(object: BpfFd, path: string): void {
    this.#scoped(() => {
      const at = this.#native.put(text.encode(`${path}\0`)).address;
      this.#call('OBJ_PIN', { 0: at, 8: object.fd });
    });
  }
}
