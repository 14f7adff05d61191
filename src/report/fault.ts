/** Words a fault of the checking interpreter as KASAN would: what, where in the source, which object, who made and freed it. */
import type { AccessFault, Fault, FaultKind, FaultObject, Site } from '../engine/fault.ts';

/** Where an instruction comes from. */
export interface SourceLine {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** What a report names things by. */
export interface FaultNames {
  /** Name of the program with that id; undefined when it is gone. */
  program(id: number): string | undefined;
  /** Name of the function that an instruction is in, and of what it calls; undefined when unknown. */
  function?(site: Site): string | undefined;
  callee?(site: Site): string | undefined;
  line?(site: Site): SourceLine | null | undefined;
  /** Kernel-style text of an instruction. */
  insn?(site: Site): string | undefined;
}

const plain: Readonly<Record<Exclude<FaultKind, AccessFault>, string>> = {
  'misaligned-atomic': 'an atomic needs a naturally aligned address',
  'bad-opcode': 'no such instruction',
  'past-end': 'execution left the program',
  'call-depth': 'the call stack is full',
  'bad-call': 'there is nothing to call',
  'bad-callback': 'the callback is no function of this program',
  'no-packet': 'ld_abs and ld_ind need a packet, and this program has none',
  'no-map': 'the argument is no map',
  budget: 'the instruction budget is used up',
  'time-limit': 'the time limit is reached',
  trap: 'the function called went outside of memory',
};

const hex = (address: bigint) => `0x${address.toString(16)}`;
const bytes = (n: number) => (n === 1 ? '1 byte' : `${n} bytes`);

function where(site: Site, names: FaultNames): string {
  const program = names.program(site.program) ?? `program ${site.program}`;
  const fn = names.function?.(site);
  return `${fn !== undefined && fn !== program ? `${fn} of ${program}` : program}, insn ${site.insn}`;
}

function source(site: Site, names: FaultNames): string | null {
  const line = names.line?.(site);
  return line ? `${line.file}:${line.line}: ${line.text.trim()}` : null;
}

function relation(object: FaultObject, size: number): string {
  const kind = `${object.size}-byte ${object.freed ? 'freed ' : ''}${object.name} at ${hex(object.address)}`;
  if (object.offset < 0) return `${bytes(-object.offset)} before a ${kind}`;
  if (object.offset >= object.size) return `${bytes(object.offset - object.size)} behind a ${kind}`;
  const missing = object.offset + size - object.size;
  const short = missing > 0 && !object.freed ? `, ${bytes(missing)} short of what is accessed` : '';
  return `${bytes(object.offset)} inside of a ${kind}${short}`;
}

function history(verb: string, site: Site | null, names: FaultNames): string[] {
  if (!site) return [];
  const line = source(site, names);
  return [`  ${verb} by ${where(site, names)}${line ? `: ${line}` : ''}`];
}

/** The report, one line each; the first states the bug. */
export function faultLines(fault: Fault, names: FaultNames): string[] {
  const { kind, site, access, object } = fault;
  const lines = [`BUG: ${kind} in ${where(site, names)}`];
  if (access) {
    const callee = access.arg > 0 ? names.callee?.(site) : undefined;
    const through = access.arg > 0 ? ` by ${callee ?? 'the function called'}, through its argument ${access.arg}` : '';
    lines.push(`  ${access.write ? 'Write' : 'Read'} of ${bytes(access.size)} at ${hex(access.address)}${through}`);
  }
  const reason = (plain as Readonly<Record<string, string>>)[kind];
  if (reason !== undefined) lines.push(`  ${reason}${fault.detail ? ` (${fault.detail})` : ''}`);
  const text = names.insn?.(site);
  if (text !== undefined) lines.push(`  ${text}`);
  const line = source(site, names);
  if (line) lines.push(`  ${line}`);
  if (object && kind !== 'null-ptr-deref' && kind !== 'wild-memory-access') {
    lines.push(`  The address is ${relation(object, access?.size ?? 0)}`);
    lines.push(...history('allocated', object.allocated, names));
    if (object.freed) lines.push(...history('freed', object.freedAt, names));
  }
  return lines;
}
