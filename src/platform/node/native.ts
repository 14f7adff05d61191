/**
 * The C side of a Linux host: system calls through koffi, and memory that the kernel can be given pointers to. koffi is an
 * optional dependency; where it or Linux is missing, `openNative` says so.
 */
import { createRequire } from 'node:module';
import { NotSupported } from '../../errors.ts';

/** A system call that failed. `errno` is positive. */
export class SyscallError extends Error {
  override readonly name = 'SyscallError';
  constructor(
    readonly call: string,
    readonly errno: number,
  ) {
    super(`${call} failed with errno ${errno}`);
  }
}

/** Bytes outside of the JavaScript heap, at an address that stays. */
export interface NativeBuffer {
  readonly address: bigint;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface Native {
  /** Result of the call, or -errno. Arguments are numbers, fds or addresses. */
  syscall(nr: number, ...args: readonly (number | bigint)[]): number;
  /** Zeroed memory, valid until `reset`. */
  alloc(size: number): NativeBuffer;
  /** Zeroed memory that holds `bytes`. */
  put(bytes: Uint8Array): NativeBuffer;
  /** Gives back everything allocated since `mark`, a value of `mark()`. */
  mark(): number;
  reset(mark: number): void;
}

/** Linux x86_64 and arm64 system call numbers that we use. */
const SYSCALL = {
  x64: { bpf: 321, sched_setaffinity: 203, sched_getaffinity: 204, gettid: 186, capget: 125, capset: 126 },
  arm64: { bpf: 280, sched_setaffinity: 122, sched_getaffinity: 123, gettid: 178, capget: 90, capset: 91 },
} as const;
export type SyscallName = keyof (typeof SYSCALL)['x64'];

/** Number of a system call on this host. */
export function syscallNumber(name: SyscallName): number {
  const table: Partial<Record<string, Record<SyscallName, number>>> = SYSCALL;
  const number = table[process.arch]?.[name];
  if (number === undefined) throw new NotSupported(`${name}(2) on ${process.arch}`);
  return number;
}

interface Koffi {
  load(path: string | null): { func(prototype: string): (...args: unknown[]) => unknown };
  view(pointer: unknown, size: number): ArrayBuffer;
  errno(): number;
}

const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x4022;
/** Address space for arguments and logs; touched pages alone cost memory. */
const ARENA = 256 << 20;

let opened: Native | null = null;

function loadKoffi(): Koffi {
  try {
    return createRequire(import.meta.url)('koffi') as Koffi;
  } catch {
    throw new NotSupported('the live kernel without the optional package koffi (npm install koffi)');
  }
}

/** Opens libc once a process. Throws NotSupported, naming what is missing. */
export function openNative(): Native {
  if (opened) return opened;
  if (process.platform !== 'linux') throw new NotSupported(`the live kernel on ${process.platform}: it needs Linux`);
  const koffi = loadKoffi();
  const libc = koffi.load(null);
  const call = libc.func(
    'long syscall(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)',
  );
  const mmap = libc.func('void *mmap(void *addr, size_t length, int prot, int flags, int fd, long offset)');
  const base = mmap(null, ARENA, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_NORESERVE, -1, 0) as bigint;
  const view = koffi.view(base, ARENA);
  let top = 0;

  const alloc = (size: number): NativeBuffer => {
    const start = top;
    if (start + size > ARENA) throw new NotSupported(`${size} bytes of arguments to one system call`);
    top = (start + size + 63) & ~63;
    return { address: base + BigInt(start), bytes: new Uint8Array(view, start, size).fill(0) };
  };
  opened = {
    syscall(nr, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0) {
      const result = Number(call(nr, a, b, c, d, e, f));
      return result === -1 ? -koffi.errno() : result;
    },
    alloc,
    put(bytes) {
      const buffer = alloc(Math.max(bytes.length, 1));
      buffer.bytes.set(bytes);
      return buffer;
    },
    mark: () => top,
    reset(mark) {
      top = mark;
    },
  };
  return opened;
}
