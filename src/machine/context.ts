/** Contexts: what r1 points to when a program of a type starts (the test runs of net/bpf/test_run.c, and tracepoints). */
import { ALLOC_BUFFER } from '../../assembly/layout.ts';
import type { ContextPointer } from '../engine/engine.ts';
import { InputError, NotSupported } from '../errors.ts';
import type { KernelMemory } from '../kernel/memory.ts';
import type { ProgType } from '../uapi/bpf.ts';
import { ctxTables } from '../uapi/ctx/index.ts';

/** Ethernet header: shorter packets are refused by the kernel (-EINVAL). */
const ETH_HLEN = 14;
/** Bytes in front of a packet that programs may grow into: NET_SKB_PAD, XDP_PACKET_HEADROOM. */
const SKB_HEADROOM = 64;
const XDP_HEADROOM = 256;
const MAX_PACKET = 0xfff0;
/** Packet when none is given. */
const DEFAULT_PACKET = 64;
/** ifindex of the loopback device, which test runs use. */
const LOOPBACK = 1;
/** Most bytes of a syscall program's context (u16 in the kernel). */
const MAX_SYSCALL_CTX = 0xffff;
const TRACE_WORDS = 12;

/** A context in memory, for one run. */
export interface Context {
  /** Offset; 0 is NULL. */
  readonly offset: number;
  /** Packet that ld_abs and ld_ind read. */
  readonly packet?: { readonly offset: number; readonly length: number };
  /** The context as user space gets it back. */
  read(): Uint8Array | null;
  /** The packet, as it is now. */
  readPacket(): Uint8Array | null;
  free(): void;
}

export interface ContextInput {
  readonly ctx?: Uint8Array | undefined;
  readonly data?: Uint8Array | undefined;
  /** Arguments of a tracepoint, or its record. */
  readonly words?: readonly bigint[] | undefined;
  readonly record?: Uint8Array | undefined;
}

type Maker = (memory: KernelMemory, type: ProgType, input: ContextInput) => Context;

/** How a type's context is made; types that are absent cannot be run by themselves. */
const makers: Readonly<Partial<Record<ProgType, Maker>>> = {
  syscall: syscallContext,
  tracing: traceContext,
  raw_tracepoint: traceContext,
  raw_tracepoint_writable: traceContext,
  tracepoint: recordContext,
  perf_event: plainContext,
  kprobe: plainContext,
  sched_cls: (memory, type, input) => skbContext(memory, type, input, 0),
  sched_act: (memory, type, input) => skbContext(memory, type, input, 0),
  // The Ethernet header is not part of what these see.
  socket_filter: (memory, type, input) => skbContext(memory, type, input, ETH_HLEN),
  cgroup_skb: (memory, type, input) => skbContext(memory, type, input, ETH_HLEN),
  lwt_in: (memory, type, input) => skbContext(memory, type, input, ETH_HLEN),
  lwt_out: (memory, type, input) => skbContext(memory, type, input, ETH_HLEN),
  lwt_xmit: (memory, type, input) => skbContext(memory, type, input, ETH_HLEN),
  xdp: xdpContext,
};

/** Can programs of this type be run by themselves or by a tracepoint? */
export function canMakeContext(type: ProgType): boolean {
  return makers[type] !== undefined;
}

/** Puts a context into memory. @throws NotSupported for types that the machine cannot run; InputError for bad input */
export function makeContext(memory: KernelMemory, type: ProgType, input: ContextInput): Context {
  const make = makers[type];
  if (!make) throw new NotSupported(`running a program of type ${type}`);
  if (input.ctx && type !== 'syscall') throw new NotSupported(`a context for a program of type ${type}`);
  if (
    input.data &&
    !['sched_cls', 'sched_act', 'socket_filter', 'xdp', 'cgroup_skb', 'lwt_in', 'lwt_out', 'lwt_xmit'].includes(type)
  ) {
    throw new InputError('data', '', `programs of type ${type} get no packet`);
  }
  return make(memory, type, input);
}

/**
 * Fields of a type's context that are loaded as pointers: each has a hidden u64 behind the context, in table order.
 */
export function contextPointers(type: ProgType): ContextPointer[] {
  const table = ctxTables[type];
  const size = contextSize(type);
  return (table?.fields ?? [])
    .filter((field) => field.pointer !== undefined && field.pointer !== 'tp_buffer')
    .map(({ off, size: bytes }, i) => ({ off, size: bytes, hidden: size + 8 * i }));
}

/** Bytes of a type's context as programs see it, rounded up to 8. */
function contextSize(type: ProgType): number {
  const ends = (ctxTables[type]?.fields ?? []).map(({ off, size }) => off + size);
  return Math.ceil(Math.max(0, ...ends) / 8) * 8;
}

function allocate(memory: KernelMemory, size: number, bytes?: Uint8Array): number {
  const offset = memory.kmalloc(Math.max(size, 8), ALLOC_BUFFER);
  if (bytes) memory.write(offset, bytes);
  return offset;
}

/** Without a context a syscall program gets NULL, as BPF_PROG_TEST_RUN without ctx_in gives it. */
function syscallContext(memory: KernelMemory, _type: ProgType, { ctx }: ContextInput): Context {
  if (!ctx) return { offset: 0, read: () => null, readPacket: () => null, free: () => undefined };
  if (ctx.length > MAX_SYSCALL_CTX) {
    throw new InputError(
      'ctx',
      '',
      `has ${ctx.length} bytes; a syscall program's context has at most ${MAX_SYSCALL_CTX}`,
    );
  }
  return memoryContext(memory, ctx.length, ctx);
}

function traceContext(memory: KernelMemory, _type: ProgType, { words = [] }: ContextInput): Context {
  const bytes = new Uint8Array(TRACE_WORDS * 8);
  const view = new DataView(bytes.buffer);
  words.forEach((word, i) => {
    view.setBigUint64(i * 8, word, true);
  });
  return memoryContext(memory, bytes.length, bytes);
}

/** An event's record; programs may look at more than it has, which is zero. */
function recordContext(memory: KernelMemory, type: ProgType, { record }: ContextInput): Context {
  return memoryContext(memory, contextSize(type), record);
}

function plainContext(memory: KernelMemory, type: ProgType): Context {
  return memoryContext(memory, contextSize(type));
}

function memoryContext(memory: KernelMemory, size: number, bytes?: Uint8Array): Context {
  const offset = allocate(memory, size, bytes);
  return {
    offset,
    read: () => memory.read(offset, size),
    readPacket: () => null,
    free: () => memory.kfree(offset),
  };
}

/** A packet with headroom, and a context whose pointer fields are set by name. */
function packetContext(
  memory: KernelMemory,
  type: ProgType,
  data: Uint8Array,
  headroom: number,
  fields: Readonly<Record<string, number>>,
): Context {
  if (data.length < ETH_HLEN || data.length > MAX_PACKET) {
    throw new InputError('data', '', `has ${data.length} bytes; a packet has ${ETH_HLEN} to ${MAX_PACKET}`);
  }
  const table = ctxTables[type];
  const skip = fields.skip ?? 0;
  const buffer = allocate(memory, headroom + data.length);
  memory.write(buffer + headroom, data);
  const start = buffer + headroom + skip;
  const end = buffer + headroom + data.length;
  const pointers = contextPointers(type);
  const size = contextSize(type);
  const offset = allocate(memory, size + 8 * pointers.length);
  const values: Readonly<Record<string, number>> = { ...fields, len: end - start };
  const addresses: Readonly<Record<string, bigint>> = {
    packet: memory.address(start),
    packet_meta: memory.address(start),
    packet_end: memory.address(end),
  };
  const dv = memory.dv();
  for (const { name, off, size: bytes } of table?.fields ?? []) {
    const value = values[name];
    if (value !== undefined && bytes === 4) dv.setUint32(offset + off, value, true);
  }
  const marked = (table?.fields ?? []).filter((field) => field.pointer !== undefined && field.pointer !== 'tp_buffer');
  marked.forEach(({ pointer }, i) => {
    dv.setBigUint64(offset + size + 8 * i, addresses[pointer ?? ''] ?? 0n, true);
  });
  return {
    offset,
    packet: { offset: start, length: end - start },
    read: () => memory.read(offset, size),
    readPacket: () => memory.read(start, end - start),
    free: () => {
      memory.kfree(offset);
      memory.kfree(buffer);
    },
  };
}

function skbContext(memory: KernelMemory, type: ProgType, { data }: ContextInput, skip: number): Context {
  const packet = data ?? new Uint8Array(DEFAULT_PACKET);
  const protocol = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const ethType = packet.length >= ETH_HLEN ? protocol.getUint16(12, true) : 0;
  return packetContext(memory, type, packet, SKB_HEADROOM, {
    skip,
    protocol: ethType,
    ifindex: LOOPBACK,
    // The loopback device's address is all zero; a packet to any other is for somebody else.
    pkt_type: packet.subarray(0, 6).some((byte) => byte !== 0) ? 3 : 0,
  });
}

function xdpContext(memory: KernelMemory, type: ProgType, { data }: ContextInput): Context {
  return packetContext(memory, type, data ?? new Uint8Array(DEFAULT_PACKET), XDP_HEADROOM, {
    ingress_ifindex: LOOPBACK,
  });
}
