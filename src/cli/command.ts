import type { Command } from 'commander';

/**
 * One file in commands/: fills in arguments, options and help of its command and calls `done` with the exit status when
 * the action is over (see EXIT in errors.ts). Input errors and the like are thrown, not printed.
 */
export interface CommandModule {
  define(command: Command, done: (status: number) => void): void;
}
