/** Disassembly of a compiled object's programs: instructions in the verifier's notation, source lines, names for what relocations name. */

import type { LineSpec, ObjectSpec, ProgramSpec, Relocation } from '../loader/spec.ts';
import { BPF_CALL, BPF_JMP, BPF_JMP32, classOf, formatInsn, Insns, isLdImm64, opOf, rowOf } from '../uapi/insn.ts';

/** How parts are set off; identity where there is no colour. */
export type DisasmPaint = (part: 'title' | 'source' | 'note', text: string) => string;

const CORE_KINDS: readonly string[] = [
  'field_byte_offset',
  'field_byte_size',
  'field_exists',
  'field_signed',
  'field_lshift_u64',
  'field_rshift_u64',
  'type_id_local',
  'type_id_target',
  'type_exists',
  'type_size',
  'enumval_exists',
  'enumval_value',
  'type_matches',
];

/** A variable of a data section at an offset: `err`, or `masks+8`. */
function variableAt(object: ObjectSpec, map: number, offset: number): string {
  const spec = object.maps[map];
  const variable = spec?.section?.variables.find((v) => offset >= v.offset && offset < v.offset + v.size);
  if (!spec) return `map ${map}`;
  if (!variable) return `${spec.name}+${offset}`;
  return variable.offset === offset ? variable.name : `${variable.name}+${offset - variable.offset}`;
}

function functionAt(program: ProgramSpec, insn: number): string {
  return program.funcs.find((func) => func.insn === insn)?.name ?? `insn ${insn}`;
}

/** What a relocated ld_imm64 stands for. */
function constantName(object: ObjectSpec, program: ProgramSpec, relocation: Relocation): string | undefined {
  switch (relocation.kind) {
    case 'map':
      return `map ${object.maps[relocation.map]?.name ?? relocation.map}`;
    case 'mapValue':
      return `&${variableAt(object, relocation.map, relocation.offset)}`;
    case 'subprog':
      return `&${functionAt(program, relocation.target)}`;
    case 'ksym':
    case 'kconfig':
      return `&${object.externs[relocation.extern]?.name ?? `extern ${relocation.extern}`}`;
    case 'kfunc':
      return undefined;
  }
}

const baseName = (path: string) => path.slice(path.lastIndexOf('/') + 1);

/** Instruction that a jump or a local call at `i` goes to; null for others. */
function targetOf(insns: Insns, i: number): number | null {
  const code = insns.code[i] as number;
  if (classOf(code) !== BPF_JMP && classOf(code) !== BPF_JMP32) return null;
  const row = rowOf(insns, i);
  if (opOf(code) === BPF_CALL) return row?.op === 'call_local' ? i + 1 + (insns.imm[i] as number) : null;
  if (!row || row.form === 'exit') return null;
  return i + 1 + ((row.op === 'gotol' ? insns.imm[i] : insns.off[i]) as number);
}

class Disassembler {
  readonly #object: ObjectSpec;
  readonly #program: ProgramSpec;
  readonly #insns: Insns;
  readonly #relocations: ReadonlyMap<number, Relocation>;
  readonly #lines: ReadonlyMap<number, LineSpec>;

  constructor(object: ObjectSpec, program: ProgramSpec) {
    this.#object = object;
    this.#program = program;
    this.#insns = new Insns(program.insns);
    this.#relocations = new Map(program.relocations.map((relocation) => [relocation.insn, relocation]));
    this.#lines = new Map(program.lines.map((line) => [line.insn, line]));
  }

  #text(i: number): string {
    const relocation = this.#relocations.get(i);
    const extern = relocation?.kind === 'kfunc' ? this.#object.externs[relocation.extern] : undefined;
    if (extern) return `call ${extern.name}`;
    const name = relocation && constantName(this.#object, this.#program, relocation);
    return formatInsn(this.#insns, i, { imm64: () => name });
  }

  #notes(i: number): string[] {
    const notes: string[] = [];
    const relocation = this.#relocations.get(i);
    // A kfunc's call looks like a local one until it is relocated.
    const target = relocation?.kind === 'kfunc' ? null : targetOf(this.#insns, i);
    const isCall = opOf(this.#insns.code[i] as number) === BPF_CALL;
    if (target !== null) notes.push(isCall ? functionAt(this.#program, target) : `to ${target}`);
    const weak = relocation && 'extern' in relocation && this.#object.externs[relocation.extern]?.weak;
    if (weak) notes.push('weak');
    for (const core of this.#program.coreRelocations) {
      if (core.insn !== i) continue;
      const type = this.#object.btf?.name(core.typeId) || `type ${core.typeId}`;
      notes.push(`${CORE_KINDS[core.kind] ?? `CO-RE ${core.kind}`} of ${type} ${core.access}`);
    }
    return notes;
  }

  *lines(paint: DisasmPaint): Generator<string> {
    const { section, type, funcs } = this.#program;
    const starts = new Map(funcs.map((func) => [func.insn, func]));
    const digits = String(this.#insns.length).length;
    const texts = Array.from({ length: this.#insns.length }, (_, i) => this.#text(i));
    const width = Math.min(Math.max(...texts.map((text) => text.length)), 48);
    let shown = '';
    for (let i = 0; i < this.#insns.length; i++) {
      const func = starts.get(i);
      if (func && i > 0) yield `\n${paint('title', `${func.name}:`)}`;
      else if (i === 0)
        yield `${paint('title', `${this.#program.name}:`)}  SEC("${section}"), ${type}, ${this.#insns.length} instructions`;
      if (func) shown = '';
      const line = this.#lines.get(i);
      const source = line ? `${baseName(line.file)}:${line.line}: ${line.text.trim()}` : shown;
      if (source !== shown) yield paint('source', `; ${source}`);
      shown = source;
      const code = (this.#insns.code[i] as number).toString(16).padStart(2, '0');
      const notes = this.#notes(i);
      const text = notes.length > 0 ? (texts[i] as string).padEnd(width) : (texts[i] as string);
      const tail = notes.length > 0 ? `  ${paint('note', `; ${notes.join(', ')}`)}` : '';
      yield `${String(i).padStart(digits + 2)}: (${code}) ${text}${tail}`;
      if (isLdImm64(this.#insns, i)) i++;
    }
  }
}

/** A program's disassembly, line by line. */
export function disassemble(object: ObjectSpec, program: ProgramSpec, paint: DisasmPaint): Generator<string> {
  return new Disassembler(object, program).lines(paint);
}
