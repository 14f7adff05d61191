import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InputError, NotSupported } from '../errors.ts';
import { CpuMask } from '../kernel/cpu_mask.ts';
import { tracepoints } from '../kernel/tracepoints.ts';
import { createMachine } from '../platform/create_machine.ts';
import { openProfile } from '../platform/node/profile.ts';

const profile = openProfile('6.18');
const object = (path: string) => new Uint8Array(readFileSync(new URL(`../../${path}`, import.meta.url)));
const boot = (options: Parameters<typeof createMachine>[0] = {}) => createMachine({ profile, ...options });

describe('createMachine', () => {
  it('has CPUs, a kernel and a current task', () => {
    const machine = boot({ cpus: 3 });
    expect(machine.cpus).toBe(3);
    expect(machine.profile.release).toBe('6.18');
    expect(machine.profile.nrCpus).toBe(8192);
    expect([machine.current.pid, machine.current.tgid, machine.current.comm]).toEqual([1, 1, 'init']);
  });

  it('follows a topology', () => {
    const machine = boot({ topology: 'numa:2 core:2 pu:2' });
    expect(machine.cpus).toBe(8);
    expect(machine.cpu(5).place).toEqual({ node: 1, package: 0, llc: 0, core: 2, thread: 1 });
  });

  it.each<[Parameters<typeof createMachine>[0], string]>([
    [{ cpus: 0 }, 'a machine of this kernel has 1 to 8192 CPUs'],
    [{ cpus: 8193 }, 'a machine of this kernel has 1 to 8192 CPUs'],
    [{ cpus: 65, nrCpus: 64 }, 'a machine of this kernel has 1 to 64 CPUs'],
    [{ nrCpus: 10000 }, 'is more than the cpumask_t'],
    [{ cpus: 3, topology: 'core:2 pu:2' }, 'has 4 CPUs, but the machine has 3'],
    [{ memoryLimit: 100 }, 'give 4 MiB to 4 GiB'],
    [{ memoryLimit: 6 << 20, cpus: 8192 }, 'memoryLimit'],
  ])('refuses %j', (options, problem) => {
    expect(() => boot(options)).toThrow(InputError);
    expect(() => boot(options)).toThrow(problem);
  });

  it('refuses releases without a profile by name', () => {
    expect(() => createMachine({ profile: '5.4' })).toThrow(NotSupported);
  });
});

describe('tasks', () => {
  it('lie in memory as the BTF says', () => {
    const machine = boot({ cpus: 70 });
    const task = machine.tasks.create({
      pid: 500,
      comm: 'a name that is too long',
      affinity: '0-3,64',
      parent: machine.current,
    });
    expect(task.comm).toBe('a name that is ');
    expect(task.affinity.toString()).toBe('0-3,64');
    expect(task.member('nr_cpus_allowed')).toBe(5n);
    expect(task.member('real_parent')).toBe(machine.current.address);
    expect(task.member('group_leader')).toBe(task.address);
    const mask = machine.tasks.struct.find('cpus_mask');
    expect(task.member('cpus_ptr')).toBe(task.address + BigInt(mask?.offset ?? 0));
    expect([task.member('prio'), task.member('usage.refs.counter')]).toEqual([120n, 1n]);
    expect(task.member('mm')).not.toBe(0n);
    expect(machine.tasks.create({ pid: 501, kthread: true }).member('mm')).toBe(0n);
  });

  it('threads share the memory of their process', () => {
    const machine = boot();
    const thread = machine.tasks.create({ pid: 2, tgid: 1 });
    expect(thread.member('mm')).toBe(machine.current.member('mm'));
    expect(thread.member('group_leader')).toBe(machine.current.address);
  });

  it('keep the affinity that fork gives them', () => {
    const machine = boot({ cpus: 8 });
    machine.current.setAffinity(CpuMask.of(1, 2));
    const child = machine.tasks.fork(machine.current);
    machine.current.setAffinity('5');
    expect([child.pid, child.affinity.toString(), child.comm]).toEqual([2, '1-2', 'init']);
  });

  it('refuse affinities without a CPU, and pids that are taken', () => {
    const machine = boot({ cpus: 4 });
    expect(() => machine.current.setAffinity([7])).toThrow('no CPU of the machine is in it');
    expect(() => machine.tasks.create({ pid: 1 })).toThrow('another task');
    expect(() => machine.tasks.create({ pid: 0 })).toThrow('is no pid');
    expect(() => machine.current.member('no_such_member')).toThrow('has no member no_such_member');
  });
});

describe('tracepoints', () => {
  it('have the parameters of the kernel that has them', () => {
    const { btf } = profile;
    for (const row of tracepoints) {
      const typedef = btf.type(btf.find(`btf_trace_${row.name}`, 'typedef'));
      expect(typedef.kind, row.name).toBe('typedef');
      const proto = typedef.kind === 'typedef' ? btf.type(btf.skipMods(typedef.type)) : typedef;
      const target = proto.kind === 'ptr' ? btf.type(proto.type) : proto;
      // The first parameter is the tracepoint's own data.
      const params = target.kind === 'func_proto' ? target.params.length - 1 : -1;
      expect([row.name, row.params.length]).toEqual([row.name, params]);
      if (row.event) expect(btf.find(`trace_event_raw_${row.event.name}`, 'struct'), row.name).toBeGreaterThan(0);
    }
  });

  it('run what is attached to them, with the arguments given', () => {
    const machine = boot({ cpus: 2 });
    const loaded = machine.load(object('test/objects/globals.bpf.o'));
    const next = machine.tasks.create({ pid: 42, comm: 'next' });
    const attachment = machine.attach(loaded.program('on_switch'));
    const fired = machine.fire('sched_switch', { cpu: 1, args: { next } });
    expect(fired.map(({ run }) => run.fault)).toEqual([null]);
    expect(loaded.globals.get('number')).toBe(1042);
    attachment.detach();
    expect(machine.fire('sched_switch')).toEqual([]);
  });

  it('refuse unknown names and parameters', () => {
    const machine = boot();
    expect(() => machine.fire('mm_page_alloc')).toThrow(NotSupported);
    expect(() => machine.fire('sched_switch', { args: { nxt: 1 } })).toThrow(
      'has no parameter nxt; it has preempt, prev, next',
    );
  });
});

describe('programs and globals', () => {
  it('are told by name', () => {
    const machine = boot();
    const loaded = machine.load(object('test/objects/globals.bpf.o'), { set: { limit: 7n, 'shorts[1]': -9 } });
    expect(loaded.globals.get('shorts[1]')).toBe(-9);
    expect(loaded.program('read_all').run().retval).toBe(115);
    expect(machine.drainPrintk().map(({ text, cpu, pid }) => [text, cpu, pid])).toEqual([['limit 7 on CPU 0', 0, 1]]);
    expect(machine.drainPrintk()).toEqual([]);
    loaded.globals.set('hidden', 0);
    expect(loaded.program('read_all').run({ cpu: 3 }).retval).toBe(104);
    expect(() => loaded.globals.set('limit', 1)).toThrow('is a constant once loaded');
    expect(() => loaded.globals.get('nothing')).toThrow('no global variable "nothing"');
    expect(() => loaded.program('nothing')).toThrow('it has read_all, on_switch, packet');
    expect(() => loaded.map('nothing')).toThrow('the object has none of that name');
  });

  it('run only when the verifier has accepted them', () => {
    const machine = boot();
    const loaded = machine.load(object('test/data/verdicts/obj/life_leak.bpf.o'));
    const program = loaded.program('never_released');
    expect(program.verdict?.verdict).toBe('reject');
    expect(() => program.run()).toThrow('was rejected by the verifier: BPF_EXIT instruction in main prog');
  });

  it('show locks, lists and trees as zero, as user space reads them', () => {
    const machine = boot({ cpus: 2 });
    const loaded = machine.load(object('test/objects/stash.bpf.o'), { set: { pid: 1 } });
    expect(loaded.program('tree_in_order').run().retval).toBe(0);
    const section = loaded.maps.find((map) => map.spec.section?.sectionName === '.bss.TREE');
    const [at, size] = [section?.valueOffset(0) ?? 0, section?.valueSize ?? 0];
    expect(machine.memory.read(at, size).some((byte) => byte !== 0)).toBe(true);
    expect(loaded.globals.get('tree')).toEqual({ opaque: [0, 0] });
    expect(loaded.globals.get('tree.opaque[1]')).toBe(0);
    // Kptrs are told.
    const slots = machine.load(object('test/objects/slots.bpf.o'), { set: { pid: 1, nr_cpus: 2 } });
    slots.program('global_one').run();
    expect(JSON.stringify(slots.globals.all())).toContain('"type":"bpf_cpumask"');
  });

  it('take a context or a packet only where there is one', () => {
    const machine = boot({ cpus: 2 });
    const loaded = machine.load(object('test/objects/globals.bpf.o'));
    expect(() => loaded.program('on_switch').run({ ctx: new Uint8Array(8) })).toThrow('takes neither');
    expect(() => loaded.program('read_all').run({ data: new Uint8Array(64) })).toThrow('get no packet');
    expect(() => loaded.program('packet').run({ data: new Uint8Array(3) })).toThrow('a packet has 14 to');
    expect(() => loaded.program('packet').run({ cpu: 2 })).toThrow('this machine has CPUs 0-1');
    expect(loaded.program('packet').run({ data: new Uint8Array(20) }).data).toHaveLength(20);
  });

  it('stop when their budget is used up', () => {
    const machine = boot();
    const program = machine.load(object('test/objects/globals.bpf.o')).program('read_all');
    expect(program.run({ budget: 5 }).fault?.kind).toBe('budget');
    expect(program.run().fault).toBe(null);
  });

  it.each(['interp', 'jit'] as const)('stop when their time is up, %s', (engine) => {
    const machine = boot({ cpus: 2, engine });
    const program = machine.load(object('test/objects/parallel.bpf.o')).program('hang');
    const { fault, insns } = program.run({ timeLimitMs: 20 });
    expect(fault?.kind).toBe('time-limit');
    expect(insns).toBeGreaterThan(0);
    // The budget is looked at first.
    expect(program.run({ timeLimitMs: 20_000, budget: 1000 }).fault?.kind).toBe('budget');
    machine.rcu.synchronize();
  });

  it('stop when a tracepoint runs them, too', () => {
    const machine = boot({ cpus: 2 });
    const program = machine.load(object('test/objects/globals.bpf.o')).program('on_switch');
    expect(program.run({ timeLimitMs: 1000 }).fault).toBe(null);
    expect(program.run({ budget: 1 }).fault?.kind).toBe('budget');
    expect(() => program.run({ timeLimitMs: 0 })).toThrow('timeLimitMs');
  });

  it.each([Number.NaN, 1.5, -1, 0, 2 ** 60])('take no budget of %d', (budget) => {
    const program = boot().load(object('test/objects/globals.bpf.o')).program('read_all');
    expect(() => program.run({ budget })).toThrow(InputError);
    expect(() => program.run({ budget })).toThrow('give a whole number of instructions, from 1 on');
  });

  it.each([Number.NaN, 0.5, -5, 0, 2 ** 40, Number.POSITIVE_INFINITY])('take no time limit of %d ms', (timeLimitMs) => {
    const program = boot().load(object('test/objects/globals.bpf.o')).program('read_all');
    expect(() => program.run({ timeLimitMs })).toThrow(InputError);
    expect(() => program.run({ timeLimitMs })).toThrow('give milliseconds from 1 to');
  });

  it('leave nothing behind when their object is unloaded', () => {
    const machine = boot({ cpus: 4 });
    const loaded = machine.load(object('test/objects/slots.bpf.o'), { set: { pid: 1, nr_cpus: 4 } });
    loaded.program('global_arrays').run();
    expect(loaded.globals.get('err')).toBe(0);
    expect(machine.liveObjects()).toHaveLength(4);
    loaded.dispose();
    machine.rcu.synchronize();
    expect(machine.liveObjects()).toEqual([]);
    expect(machine.objects).toEqual([]);
  });
});

describe('leaks', () => {
  it('are told from what maps and globals keep', () => {
    const machine = boot({ cpus: 4 });
    const loaded = machine.load(object('test/objects/slots.bpf.o'), { set: { pid: 1, nr_cpus: 4 } });
    loaded.program('map_nested').run();
    loaded.program('global_one').run();
    expect(machine.liveObjects()).toHaveLength(3);
    expect(machine.leaks()).toEqual([]);
    // wipe the pointer, as only a bug of ours could
    const global = loaded.maps.find((map) => map.spec.section?.sectionName === '.bss.MASK');
    machine.memory.write(global?.valueOffset(0) ?? 0, new Uint8Array(8));
    expect(machine.leaks()).toHaveLength(1);
  });
});

it('frees a mask only after a grace period', () => {
  const machine = createMachine({ cpus: 2 });
  const mask = machine.kfuncs.bpf_cpumask_create();
  machine.cpu(1).rcuReadLock();
  machine.kfuncs.bpf_cpumask_release(mask);
  expect(machine.memory.isLive(mask)).toBe(true);
  machine.cpu(1).rcuReadUnlock();
  machine.rcu.synchronize();
  expect(machine.memory.isLive(mask)).toBe(false);
});
