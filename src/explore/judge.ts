/** What is wrong with a schedule: what the checking interpreter and the kernel's own warnings say, and what the user claims. */
import * as x from '../../assembly/kernel/explore_layout.ts';
import { ALLOC_TASK } from '../../assembly/layout.ts';
import type { BtfValue } from '../btf/values.ts';
import { type Fault, readFault, type Site } from '../engine/fault.ts';
import { CpuMask } from '../kernel/cpu_mask.ts';
import { ALLOC_NAMES } from '../kernel/memory.ts';
import type { LostReferences } from '../kernel/reach.ts';
import { warningCount } from '../kernel/warnings.ts';
import type { BpfObject } from '../machine/object.ts';
import { showValue } from '../machine/show_value.ts';
import { Leaks } from './leaks.ts';
import type { Judge, Problem } from './search.ts';
import type { Space } from './space.ts';

export type ProblemKind = 'fault' | 'warning' | 'lost-update' | 'leak' | 'assertion' | 'check' | 'deadlock';

export interface Finding extends Problem {
  readonly kind: ProblemKind;
  /** Process that did it; null when it shows only at the end. */
  readonly thread: number | null;
  /** The instruction in question: at fault, of the operation, of the allocation that leaked. */
  readonly site: Site | null;
  readonly fault: Fault | null;
  /** Offset of an object that maps lead to and that has too many references; absent: it is another kind of finding. */
  readonly lost?: number;
}

/** A claim on a global variable at the end of each schedule. */
export interface Assertion {
  readonly variable: string;
  /** As `run` prints it, or as Globals.get gives it; masks as cpulists or CpuMask, null for none. */
  readonly value: unknown;
}

/** An assertion as it is asked. */
interface Claim {
  readonly variable: string;
  readonly wanted: string;
  readonly holds: (found: BtfValue) => boolean;
}

/** What was claimed, in the words of who did. */
function wantedText(value: unknown): string {
  if (typeof value === 'string' || value instanceof CpuMask) return String(value) || '{}';
  return showValue(value as BtfValue);
}

function leakText({ tag, refs, lost, unreachable }: LostReferences): string {
  const what = ALLOC_NAMES[tag] ?? 'object';
  if (unreachable) return `a ${what} is still allocated, and no map leads to it`;
  // A task has one of its own, which programs do not give back.
  const all = tag === ALLOC_TASK ? refs - 1 : refs;
  const which = all === 1 ? 'the reference' : lost === all ? `all ${all} references` : `${lost} of ${all} references`;
  return `${which} to a ${what} ${lost === 1 ? 'is' : 'are'} lost: no map holds ${lost === 1 ? 'it' : 'them'}`;
}

export class ScheduleJudge implements Judge<Finding> {
  readonly #space: Space;
  readonly #object: BpfObject;
  readonly #claims: readonly Claim[];
  readonly #leaks: Leaks;
  readonly #warnings: number;

  constructor(space: Space, object: BpfObject, assertions: readonly Assertion[]) {
    this.#space = space;
    this.#object = object;
    this.#claims = assertions.map(({ variable, value }) => ({
      variable,
      wanted: wantedText(value),
      holds: object.globals.expect(variable, value, `--assert ${variable}`),
    }));
    this.#leaks = new Leaks(space.memory);
    this.#warnings = warningCount(space.memory);
  }

  afterStep(thread: number, status: number): Finding | null {
    const space = this.#space;
    if (status === x.STEP_ENDED && space.state(thread) === x.XT_FAULT) return this.#fault(thread);
    if (space.lost) {
      // Within an operation on whole masks the instruction at hand is its call.
      const site = this.#site(thread, space.insn(thread) - (status === x.STEP_WIDE ? 0 : 1));
      const text = `a change of CPU ${space.lost} that came between is lost: the operation is not atomic`;
      return { key: `lost-update ${site.program} ${site.insn}`, kind: 'lost-update', thread, site, text, fault: null };
    }
    return this.#warning(thread);
  }

  #warning(thread: number | null): Finding | null {
    const { machine } = this.#space;
    if (warningCount(machine.memory) === this.#warnings) return null;
    const first = machine.warnings(this.#warnings)[0];
    const { text = 'more warnings than are kept', site: word = 0 } = first ?? {};
    const site = word === 0 ? null : { program: word >>> 20, insn: word & 0xfffff };
    return { key: `warning ${text} ${word}`, kind: 'warning', thread, site, text, fault: null };
  }

  #site(thread: number, insn: number): Site {
    return { program: this.#space.programId(thread), insn };
  }

  #fault(thread: number): Finding {
    const space = this.#space;
    const fault = readFault(space.memory, space.interp(thread), this.#site(thread, space.insn(thread)));
    const key = `fault ${fault.kind} ${fault.site.program} ${fault.site.insn}`;
    return { key, kind: 'fault', thread, site: fault.site, text: fault.kind, fault };
  }

  atEnd(): Finding | null {
    const space = this.#space;
    const none = { thread: null, site: null, fault: null } as const;
    if (space.check) {
      const retval = space.runCheck();
      const { name } = space.check.program;
      const text = retval === null ? `${name} faulted` : `${name} returned ${retval}`;
      if (space.tooLong) return null;
      if (retval !== 0) return { key: `check ${text}`, kind: 'check', text, ...none };
    }
    for (const { variable, wanted, holds } of this.#claims) {
      const found = this.#object.globals.get(variable);
      if (holds(found)) continue;
      const text = `${variable} is ${showValue(found)}, not ${wanted}`;
      return { key: `assertion ${text}`, kind: 'assertion', text, ...none };
    }
    const [leak] = this.#leaks.find();
    if (!leak) return this.#warning(null);
    const site = leak.allocSite === 0 ? null : { program: leak.allocSite >>> 20, insn: leak.allocSite & 0xfffff };
    const key = leak.unreachable ? `leak ${leak.allocSite}` : `leak ${leak.tag} ${leak.allocSite} lost`;
    return {
      ...none,
      key,
      kind: 'leak',
      text: leakText(leak),
      site,
      ...(leak.unreachable ? {} : { lost: leak.offset }),
    };
  }

  stuck(): Finding {
    const text = 'everybody who has not ended waits for a lock or a callback';
    return { key: 'deadlock', kind: 'deadlock', text, thread: null, site: null, fault: null };
  }
}
