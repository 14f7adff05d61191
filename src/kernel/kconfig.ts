/** Values of `extern ... __kconfig` variables. */
import { NotSupported } from '../errors.ts';
import type { ExternSpec, ObjectSpec } from '../loader/spec.ts';
import { errno } from '../uapi/errno.ts';
import { LoaderRefusal } from './loader_refusal.ts';
import type { Profile } from './profile.ts';

const TRISTATE: Readonly<Record<string, number>> = { n: 0, y: 1, m: 2 };

/** Variables that libbpf fills in itself. */
const VIRTUAL: Readonly<Record<string, (profile: Profile) => bigint>> = {
  LINUX_KERNEL_VERSION: (profile) => BigInt(profile.version),
  LINUX_HAS_BPF_COOKIE: () => 1n,
  LINUX_HAS_SYSCALL_WRAPPER: () => 1n,
};

/**
 * Contents of the .kconfig map; empty when the object has none.
 * @param overrides - values over the profile's, as a .config has them: `y`, `n`, `m`, a number, `"text"`
 * @throws LoaderRefusal in libbpf's words; NotSupported for a configuration value that the profile does not know
 */
export function kconfigData(
  spec: ObjectSpec,
  profile: Profile,
  overrides: Readonly<Record<string, string>>,
): Uint8Array {
  const rows = spec.externs.filter((row) => row.kind === 'kconfig');
  const data = new Uint8Array(rows.reduce((end, row) => Math.max(end, row.offset + row.size), 0));
  for (const row of rows) {
    const virtual = VIRTUAL[row.name];
    if (row.name.startsWith('CONFIG_')) {
      const text = overrides[row.name] ?? profile.config[row.name];
      if (text !== undefined) setText(data, row, text);
      else if (!row.weak) throw new NotSupported(`kernel configuration ${row.name}, which no profile states`);
    } else if (virtual) {
      setNumber(data, row, virtual(profile));
    } else if (!row.name.startsWith('LINUX_') || !row.weak) {
      refuse(row, 'unrecognized virtual extern', 'EINVAL');
    }
  }
  return data;
}

function setText(data: Uint8Array, row: ExternSpec, text: string): void {
  const kind = row.kconfig?.kind;
  const tristate = TRISTATE[text];
  if (tristate !== undefined) {
    // Absent is what `n` means in a .config: the variable keeps its zero, and a strong one is not resolved.
    if (text === 'n') {
      if (!row.weak) throw new LoaderRefusal(errno.ESRCH, `extern '${row.name}' (strong): not resolved`);
      return;
    }
    if (kind === 'char') data[row.offset] = text.charCodeAt(0);
    else if (kind === 'bool' && text === 'm') refuse(row, `value '${text}' implies tristate or char type`, 'EINVAL');
    else if (kind === 'bool' || kind === 'tristate') data[row.offset] = tristate;
    else refuse(row, `value '${text}' implies bool, tristate, or char type`, 'EINVAL');
  } else if (text.startsWith('"')) {
    if (kind !== 'string') refuse(row, `value '${text}' implies char array type`, 'EINVAL');
    if (text.length < 2 || !text.endsWith('"')) refuse(row, `invalid string config '${text}'`, 'EINVAL');
    data.set(new TextEncoder().encode(text.slice(1, -1)).subarray(0, row.size - 1), row.offset);
  } else {
    if (!/^-?(0x[0-9a-f]+|\d+)$/i.test(text)) refuse(row, `value '${text}' isn't a valid integer`, 'EINVAL');
    if (kind !== 'int' && kind !== 'char') refuse(row, `value '${text}' implies integer type`, 'EINVAL');
    const value = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
    setNumber(data, row, BigInt.asUintN(64, value));
  }
}

function setNumber(data: Uint8Array, row: ExternSpec, value: bigint): void {
  const kind = row.kconfig?.kind;
  if (kind !== 'int' && kind !== 'char' && kind !== 'bool') {
    refuse(row, `value '${value}' implies integer, char, or boolean type`, 'EINVAL');
  }
  if (kind === 'bool' && value > 1n) refuse(row, `value '${value}' isn't boolean compatible`, 'EINVAL');
  const bits = row.size * 8;
  const back = row.kconfig?.signed ? BigInt.asUintN(64, BigInt.asIntN(bits, value)) : BigInt.asUintN(bits, value);
  if (back !== value) refuse(row, `value '${value}' doesn't fit in ${row.size} bytes`, 'ERANGE');
  for (let i = 0; i < row.size; i++) data[row.offset + i] = Number((value >> BigInt(8 * i)) & 0xffn);
}

function refuse(row: ExternSpec, problem: string, code: 'EINVAL' | 'ERANGE'): never {
  throw new LoaderRefusal(errno[code], `extern (kcfg) '${row.name}': ${problem}`);
}
