/**
 * docs/parity/verifier.md: what the verifier checks, what it says, and which cases hold that to the kernel's answers.
 * node scripts/run.mjs scripts/parity.ts writes it; test/verifier/parity.test.ts holds the committed page to it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { readAsset } from '../src/platform/node/assets.ts';
import { initRange } from '../src/verifier/index.ts';
import { messageCoverage } from '../test/verifier/coverage.ts';
import { parityPage } from '../test/verifier/parity.ts';

const FILE = 'docs/parity/verifier.md';
initRange(readAsset('dist/verifier.wasm'));
const page = parityPage(messageCoverage());
if (process.argv.includes('--check') && page !== readFileSync(FILE, 'utf8'))
  throw new Error(`${FILE} is not up to date`);
writeFileSync(FILE, page);
console.log(FILE);
