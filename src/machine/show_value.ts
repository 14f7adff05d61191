/** Values of global variables and map entries on one line. */
import { type BtfValue, EnumValue } from '../btf/values.ts';

/** A kptr to a CPU mask, as reports have it. */
interface MaskText {
  readonly cpus: string;
  readonly refs: number;
}

/** Elements of one array that are shown. */
const MAX_ELEMENTS = 64;

const withCommas = (count: number) => count.toLocaleString('en-US');

export function isMask(value: unknown): value is MaskText {
  return typeof value === 'object' && value !== null && 'cpus' in value && 'refs' in value;
}

/** A value on one line. */
export function showValue(value: BtfValue | MaskText): string {
  if (value === null) return 'NULL';
  if (value instanceof EnumValue) return value.label ?? String(value.value);
  if (typeof value === 'string') return value.startsWith('0x') ? value : JSON.stringify(value);
  if (typeof value !== 'object') return String(value);
  if (isMask(value)) return `{${value.cpus}}${value.refs === 1 ? '' : ` (${withCommas(value.refs)} references)`}`;
  if (Array.isArray(value)) return `[${shorten(value.map(showValue))}]`;
  return `{ ${Object.entries(value)
    .map(([name, member]) => `${name} = ${showValue(member)}`)
    .join(', ')} }`;
}

/** Runs of equal elements of a long array are told once. */
function shorten(elements: readonly string[]): string {
  const parts: string[] = [];
  for (let i = 0; i < elements.length; ) {
    if (parts.length >= MAX_ELEMENTS) {
      parts.push(`and ${withCommas(elements.length - i)} more`);
      break;
    }
    let end = i + 1;
    while (end < elements.length && elements[end] === elements[i]) end++;
    if (end - i > 3) parts.push(`${elements[i]} (${withCommas(end - i)} times)`);
    else parts.push(...elements.slice(i, end));
    i = end;
  }
  return parts.join(', ');
}
