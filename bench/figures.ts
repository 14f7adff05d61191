/** Figures as `--json` prints them, one object a line, and as tables for people. */
import { table } from './table.ts';

export interface Figure {
  readonly group: string;
  readonly name: string;
  /** What did it: jit, interp, live, ... */
  readonly engine: string;
  /** nr_cpu_ids of the machine that it ran on. */
  readonly cpus: number;
  /** Nanoseconds of one of what the group measures: a run, a call, an instruction, a schedule. */
  readonly ns: number;
  /** ns as a multiple of the live kernel's in the same run; null where there is none to compare with. */
  readonly vsKernel: number | null;
  /** The same for C functions built with gcc -O2. */
  readonly vsC: number | null;
}

/** What a group has measured: as figures, and as people read it. */
export interface Measured {
  readonly figures: readonly Figure[];
  readonly table: string;
}

export const asTable = (figures: readonly Figure[]): Measured => ({ figures, table: figureTable(figures) });

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

const ratio = (value: number | null) => (value === null ? '-' : value.toFixed(2));

function time(ns: number): string {
  if (ns >= 1e6) return `${(ns / 1e6).toFixed(2)} ms`;
  return ns >= 1e4 ? `${(ns / 1e3).toFixed(1)} us` : `${ns.toFixed(1)} ns`;
}

/** One line a figure, then the geometric means of every engine and machine size that is compared. */
function figureTable(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, engine, cpus, ns, vsKernel, vsC }) => [
    ...[name, engine, `${cpus}`, time(ns)],
    ...[ratio(vsKernel), ratio(vsC)],
  ]);
  const machines = new Map(figures.map(({ engine, cpus }) => [`${engine} ${cpus}`, { engine, cpus }]));
  const means = [...machines.values()].flatMap(({ engine, cpus }) => {
    const these = figures.filter((figure) => figure.engine === engine && figure.cpus === cpus);
    const mean = (of: 'vsKernel' | 'vsC') => {
      const values = these.flatMap((figure) => figure[of] ?? []);
      return values.length > 1 ? geometricMean(values).toFixed(2) : '-';
    };
    const [kernel, c] = [mean('vsKernel'), mean('vsC')];
    return kernel === '-' && c === '-' ? [] : [['geometric mean', engine, `${cpus}`, '', kernel, c]];
  });
  return table([['', 'engine', 'CPUs', 'time', 'vs kernel', 'vs C'], ...rows, ...means]);
}
