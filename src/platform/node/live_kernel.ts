/** Whether this process may ask the running kernel, and what stands in the way. */
import { accessSync, readFileSync } from 'node:fs';
import { openNative, SyscallError, syscallNumber } from './native.ts';

export interface LiveKernel {
  /** One line that names what is missing; empty when programs can be loaded. */
  readonly missing: string;
}

/** BTF of the running kernel. */
export const VMLINUX_BTF = '/sys/kernel/btf/vmlinux';

/** Capabilities that loading programs takes, by bit in CapEff: CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN. */
const CAP_SYS_ADMIN = 21n;
const CAP_PERFMON = 38n;
const CAP_BPF = 39n;

/** Effective capabilities of this process, as /proc says; 0 where there is no /proc. */
export function effectiveCapabilities(): bigint {
  try {
    const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'));
    return BigInt(`0x${line?.[1] ?? '0'}`);
  } catch {
    return 0n;
  }
}

/** May this process load BPF programs? */
export function mayLoadPrograms(caps = effectiveCapabilities()): boolean {
  const has = (bit: bigint) => (caps & (1n << bit)) !== 0n;
  return has(CAP_SYS_ADMIN) || (has(CAP_BPF) && has(CAP_PERFMON));
}

/** _LINUX_CAPABILITY_VERSION_3: two 32-bit words of each set. */
const CAPABILITY_VERSION = 0x20080522;

/** Runs `body` with CAP_BPF as this thread's only effective capability, as `--caps bpf` asks. */
export function withCapBpfAlone<T>(body: () => T): T {
  const native = openNative();
  const mark = native.mark();
  try {
    const header = native.alloc(8);
    new DataView(header.bytes.buffer, header.bytes.byteOffset).setUint32(0, CAPABILITY_VERSION, true);
    // struct __user_cap_data_struct {effective, permitted, inheritable} for bits 0-31, then for bits 32-63
    const data = native.alloc(24);
    const words = new DataView(data.bytes.buffer, data.bytes.byteOffset, 24);
    const call = (name: 'capget' | 'capset') => {
      const result = native.syscall(syscallNumber(name), header.address, data.address);
      if (result < 0) throw new SyscallError(name, -result);
    };
    call('capget');
    const before = [words.getUint32(0, true), words.getUint32(12, true)] as const;
    words.setUint32(0, 0, true);
    words.setUint32(12, Number(1n << (CAP_BPF - 32n)), true);
    call('capset');
    try {
      return body();
    } finally {
      words.setUint32(0, before[0], true);
      words.setUint32(12, before[1], true);
      call('capset');
    }
  } finally {
    native.reset(mark);
  }
}

/** The running kernel's BTF. */
export function readVmlinuxBtf(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(VMLINUX_BTF));
}

function missing(): string {
  try {
    openNative();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  if (!mayLoadPrograms()) return 'not supported yet: the live kernel without CAP_BPF and CAP_PERFMON (run as root)';
  try {
    accessSync(VMLINUX_BTF);
  } catch {
    return `not supported yet: the live kernel without ${VMLINUX_BTF} (a kernel with CONFIG_DEBUG_INFO_BTF)`;
  }
  return '';
}

/** Looks once whether the running kernel can be asked. */
export function liveKernel(): LiveKernel {
  return { missing: missing() };
}
