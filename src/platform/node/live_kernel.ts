/** Whether this process may ask the running kernel, and what stands in the way. */
import { accessSync, readFileSync } from 'node:fs';
import { openNative } from './native.ts';

export interface LiveKernel {
  /** One line that names what is missing; empty when programs can be loaded. */
  readonly missing: string;
}

const VMLINUX_BTF = '/sys/kernel/btf/vmlinux';

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
