/** Faults: what the checking interpreter stopped a program for, read from its state in memory. */

import * as layout from '../../assembly/kernel/bpf/prog_layout.ts';
import {
  ALLOC_STACK,
  KERNEL_BASE_HI,
  M_MEMORY_LIMIT,
  NULL_GUARD,
  OBJ_HEADER,
  OBJ_LIVE,
  OBJ_RCU,
  SHADOW_READONLY,
  SHADOW_RETURNED,
} from '../../assembly/layout.ts';
import { ALLOC_NAMES, type KernelMemory } from '../kernel/memory.ts';

/** An instruction of a program in the machine. */
export interface Site {
  readonly program: number;
  readonly insn: number;
}

/** Why an access is wrong, in KASAN's words. */
export type AccessFault =
  | 'null-ptr-deref'
  | 'wild-memory-access'
  | 'use-after-free'
  | 'out-of-bounds'
  | 'stack-out-of-bounds'
  | 'stack-use-after-return'
  | 'write-to-read-only-memory';

export type FaultKind =
  | AccessFault
  | 'misaligned-atomic'
  | 'bad-opcode'
  | 'past-end'
  | 'call-depth'
  | 'bad-call'
  | 'bad-callback'
  | 'no-packet'
  | 'no-map'
  | 'budget'
  | 'time-limit'
  | 'trap';

/** The object that a bad address lies in or next to. */
export interface FaultObject {
  /** What it is: 'struct bpf_cpumask'. */
  readonly name: string;
  readonly address: bigint;
  readonly size: number;
  /** Bytes from its start to the bad address; may be negative or beyond `size`. */
  readonly offset: number;
  readonly freed: boolean;
  readonly allocated: Site | null;
  readonly freedAt: Site | null;
}

export interface Fault {
  readonly kind: FaultKind;
  readonly site: Site;
  /** Set for accesses. */
  readonly access: {
    readonly address: bigint;
    readonly size: number;
    readonly write: boolean;
    /** 1 to 5 when the access is the callee's, through that argument; else 0. */
    readonly arg: number;
  } | null;
  readonly object: FaultObject | null;
  /** What else is known: the message of a trap. */
  readonly detail: string;
}

/** PC_SITE taken apart; null where no program ran. */
export function siteOf(word: number): Site | null {
  return word >>> 20 === 0 ? null : { program: word >>> 20, insn: word & 0xfffff };
}

/** Kinds that FAULT_ numbers name; accesses are looked into further. */
export const faultKinds: Readonly<Record<number, FaultKind>> = {
  [layout.FAULT_MISALIGNED]: 'misaligned-atomic',
  [layout.FAULT_OPCODE]: 'bad-opcode',
  [layout.FAULT_PAST_END]: 'past-end',
  [layout.FAULT_CALL_DEPTH]: 'call-depth',
  [layout.FAULT_CALL]: 'bad-call',
  [layout.FAULT_CALLBACK]: 'bad-callback',
  [layout.FAULT_NO_PACKET]: 'no-packet',
  [layout.FAULT_NO_MAP]: 'no-map',
};

const BASE = BigInt(KERNEL_BASE_HI) << 32n;

function objectNear(memory: KernelMemory, address: bigint): FaultObject | null {
  const off = address - BASE;
  if (off < 0n || off >= BigInt(memory.u32At(M_MEMORY_LIMIT))) return null;
  // An address within the next block's header belongs to that block when the access was meant to be before its start.
  const found = memory.objectAt(Number(off));
  if (!found) return null;
  return {
    name: ALLOC_NAMES[found.tag] ?? 'memory',
    address: memory.address(found.offset),
    size: found.size,
    offset: Number(off) - found.offset,
    freed: found.state !== OBJ_LIVE && found.state !== OBJ_RCU,
    allocated: siteOf(found.allocSite),
    freedAt: siteOf(found.freeSite),
  };
}

function accessKind(address: bigint, write: boolean, shadow: number, object: FaultObject | null): AccessFault {
  const off = address - BASE;
  if (address < BigInt(NULL_GUARD) || (off >= 0n && off < BigInt(NULL_GUARD))) return 'null-ptr-deref';
  if (!object || object.offset >= object.size + OBJ_HEADER + 64) return 'wild-memory-access';
  if (shadow === SHADOW_RETURNED) return 'stack-use-after-return';
  if (object.freed) return 'use-after-free';
  if (write && !(shadow & 0x80) && shadow & SHADOW_READONLY) return 'write-to-read-only-memory';
  return object.name === ALLOC_NAMES[ALLOC_STACK] ? 'stack-out-of-bounds' : 'out-of-bounds';
}

/** Reads the fault record of a struct interp. */
export function readFault(memory: KernelMemory, ic: number, site: Site): Fault {
  const at = (field: number) => memory.u32At(ic + field);
  const kind = at(layout.IC_FAULT_KIND);
  const plain = faultKinds[kind];
  const isAccess = [layout.FAULT_ACCESS, layout.FAULT_MISALIGNED, layout.FAULT_NO_MAP].includes(kind);
  if (!isAccess) return { kind: plain ?? 'bad-opcode', site, access: null, object: null, detail: '' };
  const address = memory.dv().getBigUint64(ic + layout.IC_FAULT_ADDR, true);
  const write = at(layout.IC_FAULT_WRITE) !== 0;
  const object = objectNear(memory, address);
  return {
    kind: plain ?? accessKind(address, write, at(layout.IC_FAULT_SHADOW), object),
    site,
    access: { address, size: at(layout.IC_FAULT_SIZE), write, arg: at(layout.IC_FAULT_ARG) },
    object,
    detail: '',
  };
}
