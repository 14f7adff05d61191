/** Constant strings in read-only maps (check_reg_const_str) and the formats among them (check_bpf_snprintf_call). */
import { PTR_TO_MAP_VALUE } from '../kernel/bpf/bpf.ts';
import { BPF_F_RDONLY_PROG } from '../uapi/bpf.ts';
import { errno } from '../uapi/errno.ts';
import { ACCESS_HELPER, checkMapAccess } from './check_region.ts';
import type { Env } from './env.ts';
import { msg } from './messages.ts';
import { range } from './range.ts';
import type { RegState } from './reg_state.ts';

/** check_reg_const_str: the register points to a string that nobody can change: a frozen map is a section, and so one value. */
export function checkRegConstStr(env: Env, reg: RegState, regno: number): void {
  const { map } = reg;
  if (reg.type !== PTR_TO_MAP_VALUE || !map) env.reject(errno.EINVAL);
  if (!map.frozen || !(map.flags & BPF_F_RDONLY_PROG)) env.reject(errno.EACCES, msg.strNotReadonly(regno));
  if (!range.isConst(reg.val)) env.reject(errno.EACCES, msg.strNotConstant(regno));
  checkMapAccess(env, regno, reg.off, map.valueSize - reg.off, false, ACCESS_HELPER);
  const off = reg.off + range.valueF(reg.val);
  if (constString(map.data, map.valueSize, off) === null) env.reject(errno.EINVAL, msg.strNotTerminated());
}

/** The bytes up to the first zero; null when there is none. A map without contents is all zeroes. */
function constString(data: Uint8Array | null, size: number, off: number): string | null {
  if (!data) return '';
  const end = data.length < size && off >= data.length ? off : data.indexOf(0, off);
  if (end < 0) return data.length < size ? latin1(data.subarray(off)) : null;
  return latin1(data.subarray(off, end));
}

function latin1(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** check_bpf_snprintf_call: R3 is a format, R5 the size of an array of u64. */
export function checkSnprintfCall(env: Env): void {
  const regs = env.curRegs();
  const format = regs[3] as RegState;
  const size = range.valueF((regs[5] as RegState).val);
  if (size % 8) env.reject(errno.EINVAL);
  const text = format.map
    ? constString(format.map.data, format.map.valueSize, format.off + range.valueF(format.val))
    : null;
  if (text === null || !formatIsValid(text, size / 8)) env.reject(errno.EINVAL, msg.badFormat());
}

/** What a specifier may be after `%` and its flags and width; `$` ends a string or a plain pointer. */
const END = '(?![^\\0\\s!-/:-@[-`{-~])';
const SPECIFIER = new RegExp(
  `^[0+ -]*(?:[1-9][0-9]*)?(?:p(?:[ku]s${END}|[KxsSB]|[iI][46]|${END})|s${END}|c|l{0,2}[iduxX])`,
);

/** bpf_bprintf_prepare() without running it: known specifiers, and an argument for each. Bytes are taken as Latin-1. */
export function formatIsValid(format: string, numArgs: number): boolean {
  let used = 0;
  for (let i = 0; i < format.length; i++) {
    const code = format.charCodeAt(i);
    if (code === 127 || (code < 32 && (code < 9 || code > 13))) return false;
    if (format[i] !== '%') continue;
    if (format[i + 1] === '%') {
      i++;
      continue;
    }
    if (used >= numArgs) return false;
    const match = SPECIFIER.exec(format.slice(i + 1));
    if (!match) return false;
    i += match[0].length;
    used++;
  }
  return true;
}
