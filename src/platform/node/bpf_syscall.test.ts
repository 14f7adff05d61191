import { describe, expect, it } from 'vitest';
import { BpfSyscall } from './bpf_syscall.ts';
import { liveKernel } from './live_kernel.ts';

const { missing } = liveKernel();

/** BPF_PROG_TYPE_SYSCALL. */
const SYSCALL = 31;
const BPF_MAP_TYPE_ARRAY = 2;

/** r0 = imm; exit */
const returns = (imm: number) => Uint8Array.of(0xb7, 0, 0, 0, imm, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);

const load = (insns: Uint8Array) => ({
  type: SYSCALL,
  expectedAttachType: 0,
  insns,
  license: 'GPL',
  name: 'probe',
  flags: 1 << 4,
  attachBtfId: 0,
  logLevel: 1,
});

describe.skipIf(missing)(`bpf(2)${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it('loads and runs a program', () => {
    const bpf = new BpfSyscall();
    const { prog, errno } = bpf.progLoad(load(returns(42)));
    expect(errno).toBe(0);
    if (!prog) return;
    using _ = prog;
    expect(bpf.progTestRun(prog, {}).retval).toBe(42);
  });

  it('gives the refusal of the verifier as errno and log', () => {
    // exit without a value in r0
    const done = new BpfSyscall().progLoad(load(Uint8Array.of(0x95, 0, 0, 0, 0, 0, 0, 0)));
    expect(done.prog).toBeNull();
    expect(done.errno).toBe(13);
    expect(done.log).toContain('R0 !read_ok');
  });

  it('writes, reads and iterates a map', () => {
    const bpf = new BpfSyscall();
    using map = bpf.mapCreate({
      type: BPF_MAP_TYPE_ARRAY,
      keySize: 4,
      valueSize: 8,
      maxEntries: 3,
      flags: 0,
      name: 'three',
    });
    bpf.mapUpdate(map, Uint8Array.of(1, 0, 0, 0), Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    expect(bpf.mapLookup(map, Uint8Array.of(1, 0, 0, 0), 8)).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    expect(bpf.mapLookup(map, Uint8Array.of(9, 0, 0, 0), 8)).toBeNull();
    expect(bpf.mapKeys(map, 4).map((key) => key[0])).toEqual([0, 1, 2]);
  });
});
