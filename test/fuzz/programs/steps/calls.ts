/** Functions: static, global, callbacks; exceptions. */
import type { ArgType } from '../../../verifier/case_btf.ts';
import { NUMBER, SPILLS, type Step, type Thing, type Writer } from '../writer.ts';
import { at } from './core.ts';

/** Kinds of things that a static function may be given. */
const PASSED = ['number', 'index', 'value', 'mem', 'ctx', 'mask', 'task', 'rcu_mask'];

/** Moves random things into r1, r2, ...: what they are. */
function passArguments(w: Writer, count: number): Thing[] {
  const sources = Array.from({ length: count }, () => w.find(...PASSED) ?? w.number());
  const saved = sources.map((reg) => (reg >= 6 ? reg : null));
  return saved.map((reg, i) => {
    if (reg === null) {
      w.emit(`r${i + 1} = ${w.imm()}`);
      w.set(i + 1, NUMBER);
      return NUMBER;
    }
    w.emit(`r${i + 1} = r${reg}`);
    const { id: _, ...thing } = w.thing(reg) ?? NUMBER;
    return thing;
  });
}

const staticCall: Step = (w) => {
  const args = passArguments(w, 1 + w.below(3));
  const pointers = args.map((): ArgType => 'pointer');
  const known = w.shared.functions.filter(({ func }) => func.linkage === 'static' && func.args.length === 1);
  const again = w.below(4) === 0 && w.depth === 0 && known.length ? w.pick(known).name : null;
  const name = again ?? w.func({ linkage: 'static', args: pointers }, args);
  if (name === null) return false;
  w.call(name);
  return true;
};

/** What a caller gives a global function, and what the function takes it for. */
const GLOBAL_ARGS: readonly { readonly type: ArgType; readonly thing: Thing; give(w: Writer, reg: number): boolean }[] =
  [
    {
      type: 'int',
      thing: NUMBER,
      give: (w, reg) => {
        w.emit(w.below(2) ? `r${reg} = ${w.imm()}` : `r${reg} = r${w.number()}`);
        return true;
      },
    },
    {
      type: 'nonnull',
      thing: { kind: 'mem', size: 8 },
      give: (w, reg) => {
        const value = w.find('value', 'mem');
        if (value !== null && value >= 6) w.emit(`r${reg} = r${value}`);
        else w.emit(`*(u64 *)${at(10, -48)} = 0`, `r${reg} = r10`, `r${reg} += -48`);
        return true;
      },
    },
    {
      type: 'mem',
      thing: { kind: 'mem_or_null', size: 8 },
      give: (w, reg) => {
        const value = w.find('value');
        w.emit(value !== null && value >= 6 && w.below(2) ? `r${reg} = r${value}` : `r${reg} = 0`);
        return true;
      },
    },
    {
      type: 'task',
      thing: { kind: 'task' },
      give: (w, reg) => {
        const task = w.find('task');
        if (task === null || task < 6) return false;
        w.emit(`r${reg} = r${task}`);
        return true;
      },
    },
    {
      type: 'nullable_task',
      thing: { kind: 'task_or_null' },
      give: (w, reg) => {
        const task = w.find('task');
        w.emit(task !== null && task >= 6 ? `r${reg} = r${task}` : `r${reg} = 0`);
        return true;
      },
    },
  ];

const globalCall: Step = (w) => {
  const args = Array.from({ length: 1 + w.below(3) }, () => w.pick(GLOBAL_ARGS));
  if (!args.every(({ give }, i) => give(w, i + 1))) return false;
  const name = w.func(
    { linkage: 'global', args: args.map(({ type }) => type) },
    args.map(({ thing }) => thing),
  );
  if (name === null) return false;
  w.call(name);
  return true;
};

/** A pointer that may be NULL, as global functions get them. */
const checkNull: Step = (w) => {
  const reg = w.find('mem_or_null', 'task_or_null');
  if (reg === null) return false;
  const thing = w.thing(reg);
  w.branch(`if r${reg} == 0`, () => {
    w.set(reg, thing && { ...thing, kind: thing.kind.replace('_or_null', '') });
    w.steps(1 + w.below(3));
  });
  return true;
};

/** A callback's context: the stack or NULL. */
function callbackContext(w: Writer, reg: number): Thing {
  if (w.below(4) === 0) {
    w.emit(`r${reg} = ${w.maybe(0, 5)}`);
    return NUMBER;
  }
  const slot = w.pick(SPILLS);
  if (w.slots.get(slot)?.id === undefined) {
    w.emit(`*(u64 *)${at(10, slot)} = ${w.pick([0, 1, 7])}`);
    w.slots.set(slot, NUMBER);
  }
  w.emit(`r${reg} = r10`, `r${reg} += ${slot}`);
  return { kind: 'stack', size: 8 };
}

const bpfLoop: Step = (w) => {
  const context = callbackContext(w, 3);
  const name = w.func({ linkage: 'static', args: ['int', 'pointer'] }, [NUMBER, context], 'flag');
  if (name === null) return false;
  if (w.below(2)) w.emit(`r1 = ${w.pick([0, 1, 3, 100, 1 << 23])}`);
  else w.emit(`r1 = r${w.find('number', 'index') ?? 10}`.replace('r10', '5'));
  w.emit(`r2 = func(${name})`, `r4 = ${w.maybe(0, 1)}`);
  w.call('bpf_loop');
  return true;
};

const forEach: Step = (w) => {
  const map = w.pick(['h', 'a']);
  const context = callbackContext(w, 3);
  const args: Thing[] = [{ kind: 'map' }, { kind: 'key', size: 4 }, { kind: 'value', map, size: 64 }, context];
  const name = w.func({ linkage: 'static', args: ['pointer', 'pointer', 'pointer', 'pointer'] }, args, 'flag');
  if (name === null) return false;
  w.emit(`r1 = map(${map})`, `r2 = func(${name})`, `r4 = ${w.maybe(0, 1)}`);
  w.call('bpf_for_each_map_elem');
  return true;
};

const throwIt: Step = (w) => {
  const reg = w.number();
  w.branch(`if r${reg} ${w.pick(['>', '!=', 's<'])} ${w.imm()}`, () => {
    for (const held of w.held.toReversed()) w.giveBack(held);
    w.emit(`r1 = ${w.pick([0, 0, 1, 77])}`);
    w.call('bpf_throw');
  });
  return true;
};

export const CALLS: readonly Step[] = [staticCall, staticCall, globalCall, checkNull];
export const CALLBACKS: readonly Step[] = [bpfLoop, bpfLoop, forEach, forEach, staticCall];
export const EXCEPTIONS: readonly Step[] = [throwIt, throwIt, staticCall, globalCall];
