/**
 * The kernel's text forms of masks: the cpulist (lib/bitmap-str.c bitmap_parselist: `0-3,8`, `0-31:2/4`, `all`, `N`) and the
 * hex form (bitmap_parse: 32-bit chunks, `ff,ffffffff`). Masks here are 32-bit words, CPU 0 in bit 0 of word 0.
 */
import { InputError } from '../errors.ts';

/** No mask has more CPUs: NR_CPUS of distribution kernels. */
export const MAX_CPUS = 8192;

interface Region {
  readonly start: number;
  readonly end: number;
  readonly used: number;
  readonly group: number;
}

const REGION = /^(?:(all)|(\d+|N)(?:-(\d+|N))?)(?::(\d+)\/(\d+))?$/i;

function bad(text: string, problem: string): InputError {
  return new InputError(`"${text.length > 60 ? `${text.slice(0, 57)}...` : text}"`, 'CPU list', problem);
}

/** One region of a list: `3`, `0-7`, `0-31:2/4` (2 of every 4), `all`, `N` (the last CPU). */
function parseRegion(list: string, text: string, cpus: number | undefined): Region {
  const match = REGION.exec(text);
  // The kernel takes "all" in any case, "N" only as a capital.
  if (!match || /n/.test(text)) {
    throw bad(list, `"${text}" is no CPU, range (0-7), pattern (0-31:2/4), "all" or "N"`);
  }
  const [, all, from = '', to = from, used, group] = match;
  if (cpus === undefined && (all || from === 'N' || to === 'N')) {
    throw bad(list, `"${text}" needs the number of CPUs`);
  }
  const last = (cpus ?? MAX_CPUS) - 1;
  const cpu = (digits: string) => (digits === 'N' ? last : Number(digits));
  const start = all ? 0 : cpu(from);
  const end = all ? last : cpu(to);
  if (start > end) throw bad(list, `range ${text} ends before it starts`);
  if (end > last) throw bad(list, `CPU ${end} is out of range 0-${last}`);
  const region = { start, end, used: Number(used ?? 1), group: Number(group ?? 1) };
  if (region.group === 0) throw bad(list, `the group in "${text}" is empty`);
  if (region.used > region.group) throw bad(list, `"${text}" uses more CPUs of a group than it has`);
  return region;
}

/** Words of a cpulist. `cpus` bounds it, and says what `N` and `all` mean. */
export function parseCpulist(text: string, cpus?: number): Uint32Array {
  const words = new Uint32Array(MAX_CPUS / 32);
  for (const part of text.split(/[\s,]+/)) {
    if (part === '') continue;
    const { start, end, used, group } = parseRegion(text, part, cpus);
    for (let at = start; at <= end; at += group) {
      const stop = Math.min(at + used, end + 1);
      for (let cpu = at; cpu < stop; cpu++) words[cpu >>> 5] = (words[cpu >>> 5] ?? 0) | (1 << (cpu & 31));
    }
  }
  return words;
}

/** CPUs in ascending order as a cpulist; the empty mask is the empty string. */
export function formatCpulist(cpus: Iterable<number>): string {
  const parts: string[] = [];
  let start = -1;
  let end = -1;
  const flush = () => {
    if (start >= 0) parts.push(start === end ? `${start}` : `${start}-${end}`);
  };
  for (const cpu of cpus) {
    if (cpu === end + 1 && start >= 0) {
      end = cpu;
      continue;
    }
    flush();
    start = cpu;
    end = cpu;
  }
  flush();
  return parts.join(',');
}

/** Words of the kernel's hex form: chunks of up to 8 digits, the highest first; an 0x before it is allowed. */
export function parseHexMask(text: string): Uint32Array {
  const digits = text.trim().replace(/^0x/i, '');
  const chunks = digits.split(',');
  const fits = chunks.length === 1 ? /^[0-9a-f]+$/i : /^[0-9a-f]{1,8}$/i;
  if (!chunks.every((chunk) => fits.test(chunk))) {
    throw new InputError(
      `"${text}"`,
      'hex mask',
      'give hex digits, or chunks of up to 8 with commas between: ff,ffffffff',
    );
  }
  const all = chunks.map((chunk, i) => (i === 0 ? chunk : chunk.padStart(8, '0'))).join('');
  const significant = all.replace(/^0+/, '');
  if (significant.length > MAX_CPUS / 4) {
    throw new InputError(`"${text.slice(0, 40)}..."`, 'hex mask', `a mask has at most ${MAX_CPUS} CPUs`);
  }
  const words = new Uint32Array(MAX_CPUS / 32);
  for (let end = significant.length, i = 0; end > 0; end -= 8, i++) {
    words[i] = Number.parseInt(significant.slice(Math.max(0, end - 8), end), 16);
  }
  return words;
}

/** The kernel's hex form. With `cpus`, padded as the kernel prints a mask of that many bits. */
export function formatHexMask(words: Uint32Array, cpus?: number): string {
  const bits = cpus ?? Math.max(1, words.length) * 32;
  const chunks: string[] = [];
  for (let i = Math.ceil(bits / 32) - 1, width = Math.ceil((bits % 32 || 32) / 4); i >= 0; i--, width = 8) {
    chunks.push((words[i] ?? 0).toString(16).padStart(width, '0'));
  }
  const text = chunks.join(',');
  return cpus === undefined ? text.replace(/^0+(?=.)/, '') : text;
}
