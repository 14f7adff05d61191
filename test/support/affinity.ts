import { getAffinity, NotSupported } from '../../src/index.ts';

/** Why threads and commands cannot be bound to CPUs here; empty when they can. */
export function whyUnbound(): string {
  try {
    getAffinity();
    return '';
  } catch (error) {
    if (error instanceof NotSupported) return error.message;
    throw error;
  }
}
