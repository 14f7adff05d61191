import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { kernelsPage } from '../../scripts/kernels_text.ts';

it('docs/kernels.md says what the rows say', () => {
  const page = readFileSync(new URL('../../docs/kernels.md', import.meta.url), 'utf8');
  // Words are shown as they stand in the source, which the bundler writes in its own way.
  const plain = (text: string): string => text.replace(/["'`]/g, '').replace(/\s+/g, ' ');
  expect(plain(kernelsPage())).toBe(plain(page));
});
