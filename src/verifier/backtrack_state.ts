/** What precision marking still looks for (struct backtrack_state). */
import { MAX_CALL_FRAMES } from './limits.ts';

/** struct backtrack_state: registers and slots that still have to be made precise, by frame. */
export class Backtrack {
  frame = 0;
  readonly regs = new Int32Array(MAX_CALL_FRAMES);
  readonly slotsLo = new Int32Array(MAX_CALL_FRAMES);
  readonly slotsHi = new Int32Array(MAX_CALL_FRAMES);

  init(frame: number): void {
    this.frame = frame;
  }

  reset(): void {
    this.regs.fill(0);
    this.slotsLo.fill(0);
    this.slotsHi.fill(0);
  }

  empty(): boolean {
    for (let i = 0; i <= this.frame; i++) if (this.regs[i] || this.slotsLo[i] || this.slotsHi[i]) return false;
    return true;
  }

  mask(): number {
    return this.regs[this.frame] as number;
  }

  hasSlots(): boolean {
    return this.slotsLo[this.frame] !== 0 || this.slotsHi[this.frame] !== 0;
  }

  setFrameReg(frame: number, reg: number): void {
    this.regs[frame] = (this.regs[frame] as number) | (1 << reg);
  }

  clearFrameReg(frame: number, reg: number): void {
    this.regs[frame] = (this.regs[frame] as number) & ~(1 << reg);
  }

  set(reg: number): void {
    this.setFrameReg(this.frame, reg);
  }

  clear(reg: number): void {
    this.clearFrameReg(this.frame, reg);
  }

  has(reg: number): boolean {
    return ((this.regs[this.frame] as number) & (1 << reg)) !== 0;
  }

  hasFrameReg(frame: number, reg: number): boolean {
    return ((this.regs[frame] as number) & (1 << reg)) !== 0;
  }

  private words(spi: number): Int32Array {
    return spi < 32 ? this.slotsLo : this.slotsHi;
  }

  setFrameSlot(frame: number, spi: number): void {
    const words = this.words(spi);
    words[frame] = (words[frame] as number) | (1 << (spi & 31));
  }

  clearFrameSlot(frame: number, spi: number): void {
    const words = this.words(spi);
    words[frame] = (words[frame] as number) & ~(1 << (spi & 31));
  }

  hasFrameSlot(frame: number, spi: number): boolean {
    return ((this.words(spi)[frame] as number) & (1 << (spi & 31))) !== 0;
  }
}
