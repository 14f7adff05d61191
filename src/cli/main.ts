import { EXIT } from '../errors.ts';

process.exitCode = EXIT.usage;
