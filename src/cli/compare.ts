/** One program on the simulated and on the running kernel, and what is not the same. */
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import type { Btf } from '../btf/btf.ts';
import { nearestRelease } from '../engine/live_session.ts';
import { invariant } from '../errors.ts';
import { isRecordError } from '../kernel/bpf/btf_record.ts';
import { mapCheckBtf } from '../kernel/bpf/map_check_btf.ts';
import { btfParseStructMetas } from '../kernel/bpf/struct_metas.ts';
import type { LinkResult } from '../kernel/link.ts';
import type { KernelProgram } from '../kernel/program.ts';
import type { MapSpec } from '../loader/spec.ts';
import type { Machine } from '../machine/machine.ts';
import type { BpfObject } from '../machine/object.ts';
import type { Program } from '../machine/run.ts';
import { VMLINUX_BTF } from '../platform/node/live_kernel.ts';
import { SyscallError } from '../platform/node/native.ts';
import { getAffinity, possibleCpus } from '../platform/node/sched_affinity.ts';
import { toHex } from '../report/table.ts';
import { errnoName } from '../uapi/errno.ts';
import { openLiveSession, runsLive, withCaps } from './live.ts';
import { openMachine } from './machine.ts';

/** One thing that is not the same. */
export interface Difference {
  readonly what: string;
  readonly simulated: string;
  readonly live: string;
}

export interface ProgramDiff {
  readonly program: string;
  readonly section: string;
  readonly differences: readonly Difference[];
  /** What was compared beside the verdict. */
  readonly ran: boolean;
  readonly note: string;
}

export interface CompareOptions {
  /** Context of a syscall program; packet of a tc, XDP or socket program. */
  readonly ctx?: Uint8Array;
  readonly data?: Uint8Array;
  /** Capabilities of who loads it. */
  readonly caps: 'all' | 'bpf';
}

/** Ids that a kernel assigns are not the same in two of them. */
const anyIds = (message: string) => message.replace(/\[\d+\]/g, '[id]').trim();

/** A machine like this one, with the object on it; each program gets its own, so that maps start empty. */
function simulate(bytes: Uint8Array, path: string, name: string): { machine: Machine; object: BpfObject } {
  const machine = openMachine({ cpus: possibleCpus(), kernel: nearestRelease(release()), btf: VMLINUX_BTF });
  const comm = readFileSync('/proc/self/comm', 'utf8').trim();
  const current = machine.tasks.create({ pid: process.pid, comm, parent: machine.current });
  current.setAffinity(`${getAffinity()}`);
  machine.current = current;
  return { machine, object: machine.load(bytes, { name: path, programs: [name] }) };
}

/**
 * Loads and runs one program on both kernels, each with maps of its own, on the CPU that this thread is bound to.
 * @param linked - the program as a session of the same object gives it
 */
export function compareProgram(
  linked: LinkResult,
  bytes: Uint8Array,
  path: string,
  flags: CompareOptions,
): ProgramDiff {
  const { name, section, type } = linked.spec;
  using live = openLiveSession(bytes, path, { prog: [name] });
  const ask = () => live.load(live.linked[0] ?? linked, 0);
  const { run: realRun, ...said } = withCaps(flags.caps, ask);
  const real = said.loader ?? said.verdict;
  invariant(real, 'the kernel said nothing');
  const { machine, object } = simulate(bytes, path, name);
  const program = object.program(name);
  const ours = program.reject ?? machine.verify(linkedOf(program), flags.caps);
  const differences: Difference[] = [];
  const differ = (what: string, simulated: unknown, liveValue: unknown) => {
    if (simulated !== liveValue) differences.push({ what, simulated: `${simulated}`, live: `${liveValue}` });
  };
  differ('verdict', ours.verdict, real.verdict);
  differ('errno', errnoName(ours.errno), errnoName(real.errno));
  differ('message', anyIds(ours.message ?? ''), anyIds(real.message ?? ''));
  const runs = realRun && ours.verdict === 'accept' && runsLive(linked.spec) && !program.isTraced;
  if (!runs || !realRun) return { program: name, section, differences, ran: false, note: '' };
  const packet = type === 'syscall' ? undefined : (flags.data ?? new Uint8Array(64));
  const ctx = type === 'syscall' ? flags.ctx : undefined;
  try {
    const result = realRun.testRun({ ...(ctx ? { ctx } : {}), ...(packet ? { data: packet } : {}) });
    const run = program.run({ ctx, data: packet });
    if (run.fault) differ('run', `fault: ${run.fault.kind}`, 'no fault');
    differ('retval', run.retval, result.retval);
    if (ctx) differ('ctx', toHex(run.ctx ?? new Uint8Array()), toHex(result.ctx ?? new Uint8Array()));
    for (const map of live.maps) {
      const entries = live.live.entries(map);
      if (!entries) continue;
      const show = valueFormat(map, live.spec.btf, machine.profile.btf);
      const simulated = object.map(map.name).entries();
      const values = new Map([...simulated].map(({ key, value }) => [toHex(key), show(value)]));
      for (const { key, value } of entries) {
        differ(`${map.name}[${toHex(key)}]`, values.get(toHex(key)) ?? 'no entry', show(value));
        values.delete(toHex(key));
      }
      for (const [key, value] of values) differ(`${map.name}[${key}]`, value, 'no entry');
    }
    return { program: name, section, differences, ran: true, note: '' };
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    return { program: name, section, differences, ran: false, note: `not run: ${errnoName(error.errno)}` };
  }
}

/**
 * How a map's values are compared: as hex, `..` for each byte of a special field. What user space reads there is no part of any
 * contract: zero, or for lists and trees an address of the buffer that the kernel copied to.
 */
function valueFormat(map: MapSpec, btf: Btf | null, vmlinux: Btf): (value: Uint8Array) => string {
  const metas = btf ? btfParseStructMetas(btf, vmlinux) : null;
  const { record } = mapCheckBtf(map, btf, metas && 'errno' in metas ? null : metas, vmlinux);
  const fields = record === null || isRecordError(record) ? [] : record.fields;
  return (value) => {
    const bytes = Array.from(value, (byte) => byte.toString(16).padStart(2, '0'));
    for (const { offset, size } of fields) bytes.fill('..', offset, offset + size);
    return bytes.join('');
  };
}

function linkedOf({ name, linked }: Program): KernelProgram {
  invariant(linked, `${name} is neither linked nor refused`);
  return linked;
}
