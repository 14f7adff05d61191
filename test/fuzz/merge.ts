/** The whole of what the shards of a fuzzer found: npm run fuzz:merge -- FILE..., each with what `--json` printed. */
import { InputError } from '../../src/errors.ts';
import { readUserFile } from '../../src/platform/node/files.ts';
import { mergeResults } from './result.ts';

try {
  const files = process.argv.slice(2).map((path) => ({ path, text: new TextDecoder().decode(readUserFile(path)) }));
  const result = mergeResults(files);
  console.log(JSON.stringify(result));
  process.exitCode = result.failures.length > 0 ? 1 : 0;
} catch (error) {
  if (!(error instanceof InputError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
