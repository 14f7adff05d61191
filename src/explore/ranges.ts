/** Memory that steps touched: ranges, `[from, end * 2 + write]` one behind the other. */
export type Touched = Int32Array;

const NONE: Touched = new Int32Array(0);

/** Touched memory, in room that is kept for the next time. */
export class Ranges {
  words: Touched = NONE;
  length = 0;

  append(from: Touched, start: number, end: number): void {
    const length = this.length + end - start;
    if (length > this.words.length) {
      const bigger = new Int32Array(Math.max(length * 2, 16));
      bigger.set(this.words);
      this.words = bigger;
    }
    for (let i = start; i < end; i++) this.words[this.length++] = from[i] as number;
  }

  copy({ words, length }: Ranges): void {
    this.length = 0;
    this.append(words, 0, length);
  }
}

/** Do two steps touch the same memory, and one writes? */
export function overlap(a: Touched, aFrom: number, aTo: number, b: Touched, bFrom: number, bTo: number): boolean {
  for (let i = aFrom; i < aTo; i += 2) {
    const from = a[i] as number;
    const end = a[i + 1] as number;
    for (let j = bFrom; j < bTo; j += 2) {
      const other = b[j + 1] as number;
      if (((end | other) & 1) === 0) continue;
      if (from < other >> 1 && (b[j] as number) < end >> 1) return true;
    }
  }
  return false;
}
