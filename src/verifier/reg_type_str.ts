/** Names of register types and unknown numbers as messages and logs print them (kernel/bpf/log.c, tnum.c). */
import {
  baseType,
  MEM_PERCPU,
  MEM_RCU,
  MEM_RDONLY,
  MEM_RINGBUF,
  MEM_USER,
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TRUSTED,
  PTR_UNTRUSTED,
} from '../kernel/bpf/bpf.ts';
import type { Env } from './env.ts';
import { range } from './range.ts';
import type { RegState } from './reg_state.ts';

/** Index = base type. */
const NAMES = [
  '?',
  'scalar',
  'ctx',
  'map_ptr',
  'map_value',
  'map_key',
  'fp',
  'pkt_meta',
  'pkt',
  'pkt_end',
  'flow_keys',
  'sock',
  'sock_common',
  'tcp_sock',
  'tp_buffer',
  'xdp_sock',
  'ptr_',
  'mem',
  'arena',
  'buf',
  'func',
  'dynptr_ptr',
] as const;

const PREFIXES: readonly (readonly [flag: number, text: string])[] = [
  [MEM_RDONLY, 'rdonly_'],
  [MEM_RINGBUF, 'ringbuf_'],
  [MEM_USER, 'user_'],
  [MEM_PERCPU, 'percpu_'],
  [MEM_RCU, 'rcu_'],
  [PTR_UNTRUSTED, 'untrusted_'],
  [PTR_TRUSTED, 'trusted_'],
];

/** `trusted_ptr_or_null_`, `map_value`, `scalar` ... */
export function regTypeStr(type: number): string {
  const base = baseType(type);
  let text = '';
  for (const [flag, prefix] of PREFIXES) if (type & flag) text += prefix;
  text += NAMES[base] ?? '';
  if (type & PTR_MAYBE_NULL) text += base === PTR_TO_BTF_ID ? 'or_null_' : '_or_null';
  return text;
}

/** tnum_strn: a constant (decimal up to 65535), or `(0x0; 0xff)`. */
function tnumText(value: bigint, mask: bigint): string {
  if (mask === 0n) return value <= 0xffffn ? `${value}` : `0x${value.toString(16)}`;
  return `(0x${value.toString(16)}; 0x${mask.toString(16)})`;
}

/** tnum_strn of a handle's var_off. */
export function tnumStr(h: number): string {
  return tnumText(BigInt.asUintN(64, range.value(h)), BigInt.asUintN(64, range.mask(h)));
}

/** var_off of a pointer as messages print it: with the fixed offset in it, where the kernel keeps that there. */
export function varOffStr(env: Env, reg: RegState): string {
  if (!reg.off || !env.has('fixed_offset_in_var_off')) return tnumStr(reg.val);
  // tnum_add() of a constant.
  const mask = BigInt.asUintN(64, range.mask(reg.val));
  const value = BigInt.asUintN(64, range.value(reg.val) + BigInt(reg.off));
  const unknown = (BigInt.asUintN(64, value + mask) ^ value) | mask;
  return tnumText(value & ~unknown, unknown);
}

/** What messages print beside it of `off`, which is counted from the object's start. */
export function insnOff(env: Env, reg: RegState, off: number): number {
  return env.has('fixed_offset_in_var_off') ? off - reg.off : off;
}
