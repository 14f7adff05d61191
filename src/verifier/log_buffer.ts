/** The text that BPF_PROG_LOAD would put into its log buffer. */

export const BPF_LOG_LEVEL1 = 1;
export const BPF_LOG_LEVEL2 = 2;
export const BPF_LOG_STATS = 4;
export const BPF_LOG_LEVEL = BPF_LOG_LEVEL1 | BPF_LOG_LEVEL2;

/** Collects text in pieces; can be cut back to an earlier length, as the kernel does when a path ended well. */
export class Log {
  private pieces: string[] = [];
  private starts: number[] = [];
  /** Characters so far. */
  length = 0;

  constructor(readonly level: number) {}

  write(text: string): void {
    if (text === '') return;
    this.starts.push(this.length);
    this.pieces.push(text);
    this.length += text.length;
  }

  /** Forgets everything after the first `length` characters (bpf_vlog_reset). */
  reset(length: number): void {
    while (this.length > length) {
      const start = this.starts.pop() ?? 0;
      const piece = this.pieces.pop() ?? '';
      this.length = start;
      if (start < length) this.write(piece.slice(0, length - start));
    }
  }

  text(): string {
    return this.pieces.join('');
  }
}
