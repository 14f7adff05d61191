/** Puts programs together as libbpf does: the entry function, then each subprogram where it is first called. */
import type { Btf } from '../btf/btf.ts';
import { InputError } from '../errors.ts';
import { BPF_PSEUDO_FUNC } from '../uapi/bpf.ts';
import type { BtfExt, ExtRecord } from './btf_ext.ts';
import type { Extern } from './externs.ts';
import { type Func, functionAt, imm32 } from './programs.ts';
import { findSection } from './sections.ts';
import type { CoreRelocation, FuncSpec, LineSpec, ProgramSpec, Relocation } from './spec.ts';

const INSN = 8;
/** Subprograms that call each other in a chain; the kernel's own limit on all of them is 256. */
const MAX_DEPTH = 1000;
/** Bytes of all programs together, with the copies of their subprograms. */
const MAX_TOTAL = 64 << 20;
/** Line and relocation records of all programs together, with those of the copies. */
const MAX_RECORDS = 4 << 20;

/** What a program is put together from. */
export interface Parts {
  readonly what: string;
  readonly funcs: readonly Func[];
  /** Section index of .text. */
  readonly text: number;
  readonly btf: Btf | null;
  readonly ext: BtfExt | null;
  readonly externs: readonly Extern[];
  /** Index of the .kconfig map. */
  readonly kconfig: number;
  readonly sectionNames: readonly string[];
}

export function assemblePrograms(parts: Parts): ProgramSpec[] {
  let total = 0;
  let records = 0;
  const callbacks = exceptionTags(parts);
  return parts.funcs
    .filter((func) => !func.isSubprog)
    .map((func) => {
      const program = new Assembler(parts, func, callbacks).program();
      total += program.insns.length;
      records += program.lines.length + program.coreRelocations.length;
      const where = `prog '${func.name}'`;
      if (total > MAX_TOTAL)
        throw new InputError(parts.what, where, `programs take more than ${MAX_TOTAL} bytes together`);
      if (records > MAX_RECORDS)
        throw new InputError(parts.what, where, `more than ${MAX_RECORDS} line records together`);
      return program;
    });
}

interface Placed {
  readonly func: Func;
  readonly start: number;
}

class Assembler {
  private readonly placed: Placed[] = [];
  private readonly places = new Map<Func, number>();
  private length = 0;
  /** Places of calls and callback addresses, and the function each goes to. */
  private readonly links: { readonly insn: number; readonly target: Func; readonly isAddress: boolean }[] = [];

  constructor(
    private readonly parts: Parts,
    private readonly main: Func,
    private readonly callbacks: ReadonlyMap<string, readonly string[]>,
  ) {}

  program(): ProgramSpec {
    const { main, parts } = this;
    this.place(main, 0);
    const exception = this.exceptionCallback();
    if (exception && !this.places.has(exception)) this.place(exception, 0);
    const insns = new Uint8Array(this.length * INSN);
    for (const { func, start } of this.placed) insns.set(func.insns, start * INSN);
    const relocations = this.relocations();
    const view = new DataView(insns.buffer);
    for (const { insn, target, isAddress } of this.links) {
      const place = this.places.get(target) as number;
      view.setInt32(insn * INSN + 4, place - insn - 1, true);
      if (!isAddress) continue;
      view.setUint8(insn * INSN + 1, (view.getUint8(insn * INSN + 1) & 0xf) | (BPF_PSEUDO_FUNC << 4));
      relocations.push({ kind: 'subprog', insn, target: place });
    }
    relocations.sort((a, b) => a.insn - b.insn);
    const row = findSection(main.section);
    const slash = main.section.indexOf('/');
    return {
      name: main.name,
      section: main.section,
      type: row?.type ?? 'unspec',
      attachType: row?.attachType ?? null,
      attachTo: row?.prefix.endsWith('+') && slash >= 0 ? main.section.slice(slash + 1) : null,
      flags: row?.flags ?? 0,
      autoload: main.autoload,
      insns,
      funcs: this.funcs(parts.btf, parts.ext),
      lines: this.lines(),
      relocations,
      coreRelocations: this.coreRelocations(),
    };
  }

  /** Appends a function, then, call by call, what it calls. */
  private place(func: Func, depth: number): void {
    if (depth > MAX_DEPTH) throw this.bad(func, `calls nest deeper than ${MAX_DEPTH} functions`);
    const start = this.length;
    this.places.set(func, start);
    this.placed.push({ func, start });
    this.length += func.insns.length / INSN;
    if (this.length * INSN > MAX_TOTAL) throw this.bad(func, 'the program with its subprograms is too long');
    const { insns } = func;
    for (let at = 0; at < insns.length; at += INSN) {
      const insn = at / INSN;
      const reference = func.relocations.get(insn);
      const isAddress = reference?.kind === 'subprogAddress';
      if (!isAddress && !isSubprogCall(insns, at)) continue;
      if (reference?.kind === 'extern') continue;
      if (reference && reference.kind !== 'call' && !isAddress) {
        throw this.bad(func, `unexpected relo for insn #${insn}, type ${reference.kind}`);
      }
      const target = this.target(func, insn, at);
      if (!this.places.has(target)) this.place(target, depth + 1);
      this.links.push({ insn: start + insn, target, isAddress });
    }
  }

  private target(func: Func, insn: number, at: number): Func {
    const imm = imm32(func.insns, at);
    const reference = func.relocations.get(insn);
    let place: number;
    if (reference?.kind === 'call') place = reference.offset / INSN + imm + 1;
    else if (reference?.kind === 'subprogAddress') place = (reference.offset + imm) / INSN;
    else place = func.start + insn + imm + 1;
    const target = functionAt(this.parts.funcs, this.parts.text, place);
    if (!target || this.parts.text === 0) throw this.bad(func, 'no .text section found yet sub-program call exists');
    return target;
  }

  /** The function that an `exception_callback:` tag on the program names. */
  private exceptionCallback(): Func | null {
    const [name, second] = this.callbacks.get(this.main.name) ?? [];
    // Several callbacks: the verifier refuses them, so none is appended.
    if (name === undefined || second !== undefined) return null;
    if (name === '') throw this.bad(this.main, 'exception_callback:<value> decl tag contains empty value');
    const func = this.parts.funcs.find((candidate) => candidate.isSubprog && candidate.name === name);
    if (!func) throw this.bad(this.main, `cannot find exception callback '${name}'`);
    if (!func.global || func.hidden) {
      throw this.bad(this.main, `exception callback ${name} must be a global non-hidden function`);
    }
    return func;
  }

  private relocations(): Relocation[] {
    const { externs, kconfig } = this.parts;
    const list: Relocation[] = [];
    for (const { func, start } of this.placed) {
      for (const [index, reference] of func.relocations) {
        const insn = start + index;
        if (reference.kind === 'map') list.push({ kind: 'map', insn, map: reference.map });
        if (reference.kind === 'data') {
          list.push({ kind: 'mapValue', insn, map: reference.map, offset: reference.offset });
        }
        if (reference.kind !== 'extern') continue;
        const extern = reference.extern;
        const isCall = func.insns[index * INSN] === 0x85;
        if (isCall) list.push({ kind: 'kfunc', insn, extern });
        else if (externs[extern]?.kind === 'kconfig') list.push({ kind: 'kconfig', insn, extern, map: kconfig });
        else list.push({ kind: 'ksym', insn, extern });
      }
    }
    return list;
  }

  private funcs(btf: Btf | null, ext: BtfExt | null): FuncSpec[] {
    // Without information on the program itself, libbpf passes none at all.
    const known = ext !== null && this.records(ext.funcs, this.main).length > 0;
    return this.placed.map(({ func, start }): FuncSpec => {
      const record = known ? this.records(ext.funcs, func).find((row) => row.offset / INSN === func.start) : undefined;
      const type = record && btf ? btf.type(record.a) : undefined;
      return {
        name: func.name,
        insn: start,
        insnCount: func.insns.length / INSN,
        typeId: record?.a ?? 0,
        linkage: type?.kind === 'func' && type.linkage === 'global' ? 'global' : 'static',
      };
    });
  }

  private lines(): LineSpec[] {
    const { btf, ext } = this.parts;
    if (!btf || !ext || this.records(ext.lines, this.main).length === 0) return [];
    return this.placed.flatMap(({ func, start }) =>
      this.records(ext.lines, func).map(
        (row): LineSpec => ({
          // An offset between instructions counts for the one it lies in: libbpf divides whole numbers.
          insn: Math.floor(row.offset / INSN) - func.start + start,
          file: btf.string(row.a),
          fileOff: row.a,
          lineOff: row.b,
          text: btf.string(row.b),
          line: row.c >>> 10,
          column: row.c & 0x3ff,
        }),
      ),
    );
  }

  private coreRelocations(): CoreRelocation[] {
    const { btf, ext } = this.parts;
    if (!btf || !ext) return [];
    return this.placed.flatMap(({ func, start }) =>
      this.records(ext.relocations, func).map(
        (row): CoreRelocation => ({
          insn: row.offset / INSN - func.start + start,
          typeId: row.a,
          access: btf.string(row.b),
          kind: row.c,
          index: row.index,
        }),
      ),
    );
  }

  /** Records of the instructions of a function; those of a section are sorted by offset. */
  private records(table: ReadonlyMap<string, readonly ExtRecord[]>, func: Func): readonly ExtRecord[] {
    const rows = table.get(this.parts.sectionNames[func.sectionIndex] as string) ?? [];
    const from = lowerBound(rows, func.start * INSN);
    const to = lowerBound(rows, func.start * INSN + func.insns.length);
    return rows.slice(from, to);
  }

  private bad(func: Func, problem: string): InputError {
    return new InputError(this.parts.what, `prog '${func.name}'`, problem);
  }
}

/** Names that `exception_callback:` tags give, by the function that has the tag. */
function exceptionTags({ what, btf }: Parts): Map<string, string[]> {
  const prefix = 'exception_callback:';
  const found = new Map<string, string[]>();
  for (let id = 1; btf && id < btf.nrTypes; id++) {
    const tag = btf.kind(id) === 'decl_tag' ? btf.type(id) : null;
    if (tag?.kind !== 'decl_tag' || tag.componentIdx !== -1 || !tag.name.startsWith(prefix)) continue;
    const owner = btf.type(tag.type);
    if (owner.kind !== 'func' || owner.linkage !== 'global') {
      throw new InputError(
        what,
        `'${owner.name}'`,
        'exception_callback:<value> decl tag not applied to the main program',
      );
    }
    const list = found.get(owner.name) ?? [];
    found.set(owner.name, list);
    list.push(tag.name.slice(prefix.length));
  }
  return found;
}

function lowerBound(rows: readonly ExtRecord[], offset: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle] as ExtRecord).offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** `call` with src_reg BPF_PSEUDO_CALL, dst_reg 0 and no offset. */
function isSubprogCall(insns: Uint8Array, at: number): boolean {
  return insns[at] === 0x85 && insns[at + 1] === 0x10 && insns[at + 2] === 0 && insns[at + 3] === 0;
}
