/**
 * `conform`: the plugin protocol of bpf_conformance. One process a test, so that nothing is loaded here that a plain program
 * does not need.
 */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { ENGINE_ECHO } from '../../../assembly/kernel/bpf/prog_layout.ts';
import { ALLOC_BUFFER } from '../../../assembly/layout.ts';
import type { RunOutcome } from '../../engine/engine.ts';
import { createEngine, ENGINE_NAMES } from '../../engine/engines.ts';
import type { LinkedCall } from '../../engine/link.ts';
import { EXIT, InputError, NotSupported } from '../../errors.ts';
import { KernelMemory } from '../../kernel/memory.ts';
import { readAsset } from '../../platform/node/assets.ts';
import { faultLines } from '../../report/fault.ts';
import { INSN_SIZE } from '../../uapi/insn.ts';

interface ConformOptions {
  readonly engine?: string;
  readonly elf?: boolean;
  readonly debug?: boolean;
}

/** Instructions after which a test counts as hung. */
const BUDGET = 1e9;

/** One test stores eight bytes at r10 - 4. */
const STACK_SLACK = 8;

const NAME = 'program';

/** Any helper gives back its first argument. */
const echo: LinkedCall = { run: 'engine', id: ENGINE_ECHO };

function hexBytes(text: string, what: string): Uint8Array {
  const digits = text.replace(/\s+/g, '');
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new InputError(what, '', 'is not hex: two digits a byte');
  return new Uint8Array(Buffer.from(digits, 'hex'));
}

/** The program of an ELF file: its first executable section, whatever else the file has or lacks. */
function codeOf(elf: Uint8Array): Uint8Array {
  const view = new DataView(elf.buffer, elf.byteOffset, elf.byteLength);
  const bad = (problem: string) => new InputError('stdin', '', problem);
  if (elf.length < 64 || view.getUint32(0, false) !== 0x7f454c46 || elf[4] !== 2) throw bad('is no 64-bit ELF file');
  const table = Number(view.getBigUint64(0x28, true));
  const entry = view.getUint16(0x3a, true);
  const count = view.getUint16(0x3c, true);
  if (entry < 64 || table + entry * count > elf.length) throw bad('has no section table within the file');
  for (let at = table; at < table + entry * count; at += entry) {
    const executable = (view.getUint32(at + 8, true) & 4) !== 0;
    const offset = Number(view.getBigUint64(at + 24, true));
    const size = Number(view.getBigUint64(at + 32, true));
    if (executable && size > 0 && offset + size <= elf.length) return elf.slice(offset, offset + size);
  }
  throw bad('has no executable section');
}

function runPlain(insns: Uint8Array, input: Uint8Array, engine: string): RunOutcome {
  const name = ENGINE_NAMES.find((one) => one === engine);
  if (!name) throw new InputError('--engine', '', `"${engine}" is none of ${ENGINE_NAMES.join(', ')}`);
  const memory = KernelMemory.create({
    cpus: 1,
    nrCpus: 64,
    cpumaskSize: 8,
    bpfCpumaskSize: 16,
    usageOffset: 8,
    memoryLimit: (4 << 20) + (1 << 16) * Math.ceil((input.length + insns.length * 4) / (1 << 16)),
    wasm: readAsset('dist/kernel.wasm'),
  });
  const buffer = input.length > 0 ? memory.kmalloc(input.length, ALLOC_BUFFER) : 0;
  memory.write(buffer, input);
  // Whatever a program names is there, and is this.
  const something = memory.kmalloc(8, ALLOC_BUFFER);
  const environment = {
    map: () => something,
    mapValue: () => something,
    kfunc: () => undefined,
    ksym: () => memory.address(something),
    fd: () => memory.address(something),
  };
  return createEngine(name, memory, () => echo)
    .load({ id: 1, name: NAME, insns, environment })
    .run({ args: [memory.address(buffer), BigInt(input.length)], budget: BUDGET, stackSlack: STACK_SLACK });
}

/** Runs one test; returns the exit status. */
export function conform(memoryHex: string | undefined, options: ConformOptions): number {
  const stdin = hexBytes(readFileSync(0, 'latin1'), 'stdin');
  const insns = options.elf ? codeOf(stdin) : stdin;
  if (insns.length === 0 || insns.length % INSN_SIZE !== 0) {
    throw new InputError('stdin', '', `${insns.length} bytes are no program: each instruction takes ${INSN_SIZE}`);
  }
  const input = hexBytes(memoryHex ?? '', 'MEMORY_HEX');
  const outcome = runPlain(insns, input, options.engine ?? 'interp');
  if (outcome.fault) {
    process.stderr.write(`${faultLines(outcome.fault, { program: () => NAME }).join('\n')}\n`);
    return EXIT.failed;
  }
  process.stdout.write(`${outcome.r0.toString(16)}\n`);
  return EXIT.ok;
}

/** The same for a process that does nothing else: says itself what is wrong with the input. */
export function conformAlone(memoryHex: string | undefined, options: ConformOptions): number {
  try {
    return conform(memoryHex, options);
  } catch (error) {
    const status = error instanceof InputError ? EXIT.usage : error instanceof NotSupported ? EXIT.notSupported : null;
    if (status === null) throw error;
    process.stderr.write(`bpf-cpumask: ${(error as Error).message}\n`);
    return status;
  }
}

export function define(command: Command, done: (status: number) => void): void {
  command
    .description(
      'Read a plain program as hex from stdin, run it unverified, print r0 as hex: a bpf_conformance plugin.',
    )
    .argument('[memory_hex]', 'memory that r1 points to; r2 is its length')
    .option('--engine <engine>', 'interp or jit', 'interp')
    .option('--elf', 'stdin is an ELF file: run its first executable section')
    .option('--debug', 'accepted, and ignored')
    .addHelpText('after', '\n  echo b7 00 00 00 2a 00 00 00 95 00 00 00 00 00 00 00 | bpf-cpumask conform')
    .action((memoryHex: string | undefined, options: ConformOptions) => {
      done(conform(memoryHex, options));
    });
}
