/** A program as another thread can be given it: what its environment would say of its instructions is looked up beforehand. */
import { Insns } from '../uapi/insn.ts';
import type { LinkEnvironment, LoadedProgram } from './engine.ts';

/** Answers of a LinkEnvironment for one program. */
interface EnvironmentTables {
  readonly maps: ReadonlyMap<number, number>;
  readonly mapValues: ReadonlyMap<number, number>;
  /** By `id off`. */
  readonly kfuncs: ReadonlyMap<string, string | undefined>;
  readonly ksyms: ReadonlyMap<number, bigint | undefined>;
}

/** Can be cloned from thread to thread; `fromPortable` makes a LoadedProgram of it. */
export interface PortableProgram {
  readonly program: Omit<LoadedProgram, 'environment'>;
  readonly tables: EnvironmentTables;
}

const LD_IMM64 = 0x18;
const CALL = 0x85;
const PSEUDO_KFUNC_CALL = 2;
/** What the src register of a ld_imm64 says that it is: BPF_PSEUDO_BTF_ID, MAP_IDX, MAP_IDX_VALUE. */
const PSEUDO_BTF_ID = 3;
const PSEUDO_MAP_IDX = 5;
const PSEUDO_MAP_IDX_VALUE = 6;

const kfuncKey = (id: number, off: number) => `${id} ${off}`;

export function toPortable({ environment, ...program }: LoadedProgram): PortableProgram {
  const [maps, mapValues] = [new Map<number, number>(), new Map<number, number>()];
  const kfuncs = new Map<string, string | undefined>();
  const ksyms = new Map<number, bigint | undefined>();
  const insns = new Insns(program.insns);
  for (let i = 0; i < insns.length; i++) {
    const [code, src, imm = 0, off = 0] = [insns.code[i], insns.src[i], insns.imm[i], insns.off[i]];
    if (code === CALL && src === PSEUDO_KFUNC_CALL) kfuncs.set(kfuncKey(imm, off), environment.kfunc(imm, off));
    if (code !== LD_IMM64) continue;
    if (src === PSEUDO_BTF_ID) ksyms.set(imm, environment.ksym(imm));
    if (src === PSEUDO_MAP_IDX) maps.set(imm, environment.map(imm));
    if (src === PSEUDO_MAP_IDX_VALUE) mapValues.set(imm, environment.mapValue(imm));
    i++;
  }
  return { program, tables: { maps, mapValues, kfuncs, ksyms } };
}

export function fromPortable({ program, tables }: PortableProgram): LoadedProgram {
  const environment: LinkEnvironment = {
    map: (index) => tables.maps.get(index) ?? 0,
    mapValue: (index) => tables.mapValues.get(index) ?? 0,
    kfunc: (id, off) => tables.kfuncs.get(kfuncKey(id, off)),
    ksym: (id) => tables.ksyms.get(id),
  };
  return { ...program, environment };
}
