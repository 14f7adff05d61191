/** What the commands print with: one place that knows about terminals, colour and closed pipes. */
import { NotSupported } from '../errors.ts';

/** Escape sequences by name. */
const STYLES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

export type Style = keyof typeof STYLES;
/** Puts `text` in a style where the output is a terminal and NO_COLOR is not set; else returns it unchanged. */
export type Paint = (style: Style, text: string) => string;

/** Colour for a stream: only on a terminal, and never with NO_COLOR (https://no-color.org). */
export function paintFor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): Paint {
  if (!stream.isTTY || (env.NO_COLOR ?? '') !== '' || env.TERM === 'dumb') return (_style, text) => text;
  return (style, text) => `\x1b[${STYLES[style][0]}m${text}\x1b[${STYLES[style][1]}m`;
}

/** Results go to stdout. */
export function print(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** One JSON object, one line. bigint values become decimal strings. */
export function printJson(value: unknown): void {
  let text: string;
  try {
    text = JSON.stringify(value, (_key, v) => (typeof v === 'bigint' ? v.toString() : v));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new NotSupported(`JSON of this size (${error.message})`);
  }
  print(text);
}

/** Messages for people go to stderr. */
export function note(text: string): void {
  process.stderr.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** A reader that went away (`| head`) ends us quietly, with the status we have. */
export function ignoreClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit();
      throw error;
    });
  }
}

/**
 * One line that says how far long work is, on a terminal only, at most ten times a second; null takes it away. `quiet`: not even
 * there.
 */
export function progress(quiet = false): (text: string | null) => void {
  let next = 0;
  let shown = false;
  return (text) => {
    if (quiet || !process.stderr.isTTY) return;
    if (text === null) {
      if (shown) process.stderr.write('\r\x1b[K');
      return;
    }
    const now = performance.now();
    if (now < next) return;
    next = now + 100;
    shown = true;
    process.stderr.write(`\r\x1b[K${text}`);
  };
}
