/** The text that BPF_PROG_LOAD would put into its log buffer. */

export const BPF_LOG_LEVEL1 = 1;
export const BPF_LOG_LEVEL2 = 2;
export const BPF_LOG_STATS = 4;
export const BPF_LOG_LEVEL = BPF_LOG_LEVEL1 | BPF_LOG_LEVEL2;

/** Characters that are kept by default: as many as libbpf's buffer takes. */
const LOG_SIZE = 16 << 20;
/** Pieces are joined when so many characters have come together: a string for each line takes several times its text. */
const CHUNK = 1 << 16;

/**
 * Collects text in pieces; can be cut back to an earlier length, as the kernel does when a path ended well. Of a text that grows
 * too long the end is kept, as the kernel's buffer does.
 */
export class Log {
  private pieces: string[] = [];
  private starts: number[] = [];
  /** Pieces before this one are joined already. */
  private joined = 0;
  /** Characters so far, with those that are no longer kept. */
  length = 0;

  constructor(
    readonly level: number,
    private readonly size = LOG_SIZE,
  ) {}

  write(text: string): void {
    if (text === '') return;
    this.starts.push(this.length);
    this.pieces.push(text);
    this.length += text.length;
    if (this.length - (this.starts[this.joined] ?? 0) >= CHUNK) this.join();
  }

  private join(): void {
    const { pieces, starts, joined } = this;
    pieces.push(pieces.splice(joined).join(''));
    starts.length = pieces.length;
    this.joined = pieces.length;
    let gone = 0;
    while (this.length - (starts[gone + 1] ?? this.length) >= this.size) gone++;
    pieces.splice(0, gone);
    starts.splice(0, gone);
    this.joined -= gone;
  }

  /** Forgets everything after the first `length` characters (bpf_vlog_reset). */
  reset(length: number): void {
    while (this.length > length) {
      const start = this.starts.pop() ?? length;
      const piece = this.pieces.pop() ?? '';
      this.joined = Math.min(this.joined, this.pieces.length);
      this.length = start;
      if (start < length) this.write(piece.slice(0, length - start));
    }
  }

  /** What came after the first `length` characters, as far as it is kept. */
  since(length: number): string {
    let from = this.pieces.length;
    while (from > 0 && (this.starts[from - 1] as number) + (this.pieces[from - 1] as string).length > length) from--;
    const skip = Math.max(0, length - (this.starts[from] ?? length));
    return this.pieces.slice(from).join('').slice(skip);
  }

  /** All of it; the last characters where there were more than are kept. */
  text(): string {
    return this.since(this.length - this.size);
  }
}
