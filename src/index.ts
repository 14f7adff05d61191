export { InputError, InvariantError, NotSupported } from './errors.ts';
