/** Long work that Ctrl-C ends early, with what there is so far. */

/** Exit status of a process that a signal ended, as shells give it. */
const STATUS = { SIGINT: 130, SIGTERM: 143 } as const;

/** While it listens, the first SIGINT or SIGTERM is only noted; the next one ends the process. */
export class Interrupt {
  /** Exit status that the signal stands for; null: none came. */
  status: number | null = null;
  readonly #listener = (signal: 'SIGINT' | 'SIGTERM') => {
    this.status = STATUS[signal];
    this[Symbol.dispose]();
  };

  /** From now on, until it is disposed of. */
  listen(): this {
    process.on('SIGINT', this.#listener).on('SIGTERM', this.#listener);
    return this;
  }

  [Symbol.dispose](): void {
    process.off('SIGINT', this.#listener).off('SIGTERM', this.#listener);
  }
}
