// Writes docs/kernels.md from the rows: node scripts/run.mjs scripts/kernels_page.ts [--check]
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { InputError } from '../src/errors.ts';
import { kernelsPage } from './kernels_text.ts';

const path = 'docs/kernels.md';
const text = kernelsPage();
if (process.argv.includes('--check')) {
  if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
    throw new InputError(path, '', 'is not what the rows say; run scripts/kernels_page.ts');
  }
} else {
  mkdirSync('docs', { recursive: true });
  writeFileSync(path, text);
}
