import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { cli, cliWith, json } from './run_cli.ts';

const MASKS = 'test/objects/masks.bpf.o';
const SLOTS = 'test/objects/slots.bpf.o';
const FAILURES = 'test/objects/failures.bpf.o';
const GLOBALS = 'test/objects/globals.bpf.o';

describe('objects written as tests for a kernel run unchanged', () => {
  const programs: readonly (readonly [string, readonly string[]])[] = [
    [MASKS, ['lifetime', 'bits', 'whole', 'algebra', 'of_task', 'populate']],
    [SLOTS, ['map_leave', 'map_replace', 'map_nested', 'global_one', 'global_arrays', 'global_tree']],
  ];
  const rows = programs.flatMap(([object, names]) =>
    names.flatMap((name) => [2, 130].map((cpus) => [object, name, cpus] as const)),
  );
  it.each(rows)('%s %s with %i CPUs', (object, name, cpus) => {
    const result = cli(
      ...['run', object, '--prog', name, '--pid', '77', '--set', 'pid=77', '--set', `nr_cpus=${cpus}`],
      ...['--cpus', `${cpus}`, '--json'],
    );
    expect(result.stderr).toBe('');
    expect(result.status).toBe(0);
    const [report] = json(result);
    expect(report).toMatchObject({ program: name, fault: null, warnings: [], globals: { err: 0, pid: 77 } });
    expect(report?.objects).toMatchObject({ leaked: [] });
    // Had it not taken itself for the test's task, it would have returned at once.
    expect(report?.insns).toBeGreaterThan(20);
  });

  it('does nothing in a task that is not the test', () => {
    const [report] = json(cli('run', MASKS, '--prog', 'bits', '--pid', '78', '--set', 'pid=77', '--json'));
    expect(report?.insns).toBeLessThan(20);
  });
});

describe('run --json', () => {
  it('has the fields of the contract', () => {
    const [report] = json(cli('run', 'examples/affinity/affinity.bpf.o', '--cpus', '8', '--affinity', '1-5', '--json'));
    expect(report).toMatchObject({
      object: 'affinity',
      program: 'record_new_task',
      section: 'tp_btf/task_newtask',
      type: 'tracing',
      engine: 'jit',
      retval: 0,
      printk: [],
      globals: { reserved: 3, recorded: 1, failed: 0, in_use: { type: 'bpf_cpumask', cpus: '1-5', refs: 1 } },
      maps: [
        {
          name: 'tasks',
          type: 'hash',
          entries: [
            {
              key: '02000000',
              // kptrs read as zero; then nr_allowed 5, first_choice 2, "init"
              value: `${'00'.repeat(16)}0500000002000000696e6974${'00'.repeat(12)}`,
              kptrs: [
                { offset: 0, type: 'bpf_cpumask', cpus: '1-5', refs: 1 },
                { offset: 8, type: 'bpf_cpumask', cpus: '2-5', refs: 1 },
              ],
            },
          ],
        },
      ],
      objects: { live: 3, leaked: [] },
      warnings: [],
    });
    expect(report?.insns).toBeGreaterThan(100);
    expect(report?.durationNs).toBeGreaterThan(0);
  });

  it('shows variables of every type by name', () => {
    const reports = json(
      cli(
        'run',
        GLOBALS,
        '--set',
        'number=41',
        '--set',
        'point.y=9',
        '--set',
        'text=xyz',
        '--set',
        'read_all.calls=6',
        '--json',
      ),
    );
    expect(reports.map((report) => report.program)).toEqual(['read_all', 'on_switch', 'packet']);
    expect(reports[0]).toMatchObject({
      printk: ['limit 1000 on CPU 0'],
      globals: {
        enabled: true,
        flag: true,
        byte: 200,
        negative: -5,
        shorts: [1, -2, 3],
        number: 42,
        huge: '18446744073709551615',
        small_number: -9000000000,
        mood: 2,
        point: { x: 1, y: 9, tag: 0x6968, name: 'hi' },
        text: 'xyz',
        grid: [
          [1, 2],
          [3, 4],
        ],
        bits: { low: 5, high: 300 },
        hidden: 115,
        'read_all.calls': 7,
      },
    });
    // sched_switch from init (1) to the idle task (0)
    expect(reports[1]?.globals).toMatchObject({ number: 1000 });
    expect(reports[2]?.retval).toBe(2);
  });

  it('repeats, fires another tracepoint, and counts', () => {
    const args = [
      'run',
      'examples/confine/confine.bpf.o',
      '--prog',
      'count_switch',
      '--cpu',
      '5',
      '--times',
      '7',
      '--json',
    ];
    expect(json(cli(...args))[0]).toMatchObject({ times: 7, cpu: 5, globals: { acted: 7, ignored: 0 } });
    const fired = json(cli(...args, '--fire', 'sched_process_exit'))[0];
    expect(fired).toMatchObject({ globals: { acted: 7 } });
  });

  it('gives a syscall program its context, and the context back', () => {
    const ctx = `0f${'00'.repeat(127)}`;
    const [report] = json(
      cli('run', 'examples/confine/confine.bpf.o', '--prog', 'install_policy', '--ctx', ctx, '--json'),
    );
    expect(report).toMatchObject({ retval: 0, ctx, globals: { policy_weight: 4, policy: { cpus: '0-3' } } });
    const short = cli('run', 'examples/confine/confine.bpf.o', '--prog', 'install_policy', '--ctx', '0f');
    expect([short.status, short.stderr]).toEqual([2, expect.stringContaining('looks at 128 bytes of its context')]);
  });

  it('is the same for the same seed', () => {
    const strip = (reports: Record<string, unknown>[]) => reports.map((report) => ({ ...report, durationNs: 0 }));
    const once = () => strip(json(cli('run', GLOBALS, '--seed', '7', '--json')));
    expect(once()).toEqual(once());
  });
});

describe('run for people', () => {
  it('shows masks as cpulists, and entries as a table', () => {
    const { stdout } = cli(
      'run',
      'examples/affinity/affinity.bpf.o',
      '--cpus',
      '8',
      '--affinity',
      '1-5',
      '--times',
      '2',
    );
    expect(stdout.replace(/ in .* \(jit\)/, ' (jit)')).toBe(`record_new_task  tp_btf/task_newtask  returned 0
  2 times, 975 instructions on CPU 0 (jit)

globals
  reserved  3
  failed    0
  recorded  2
  in_use    {1-5}

map tasks
  hash, 2 of 1,024 entries
  key  allowed  unreserved  nr_allowed  first_choice  comm
  2    {1-5}    {2-5}       5           2             "init"
  3    {1-5}    {2-5}       5           2             "init"
`);
  });

  it('says why a program does not run', () => {
    const result = cli('run', 'test/data/verdicts/obj/life_leak.bpf.o');
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(
      /never_released: rejected by the verifier \(errno 22\): BPF_EXIT instruction in main prog would lead/,
    );
    expect(result.stderr).toMatch(/\n {2}Unreleased reference id=\d+ alloc_insn=\d+\n/);
    expect(result.stderr).toMatch(/src\/life_leak\.bpf\.c:\d+: /);
  });
});

describe('failing on purpose, and the ledger', () => {
  const SHARE = ['run', 'examples/share/share.bpf.o', '--prog', 'publish'];

  it('gives NULL for the allocation that is named', () => {
    const [report] = json(cli(...SHARE, '--fail', 'create:1', '--json'));
    expect(report?.retval).toBe(-12 >>> 0);
    expect(json(cli(...SHARE, '--fail-rate', '1', '--json'))[0]?.retval).toBe(-12 >>> 0);
  });

  it.each([
    ['obj:1', 'none was asked for'],
    ['create:99', 'only 1 was asked for'],
  ])('says that %s was not reached, on stderr', (plan, said) => {
    const result = cli(...SHARE, '--fail', plan, '--json');
    expect(json(result)[0]?.retval).toBe(1);
    expect(result.stderr).toBe(`--fail ${plan} was not reached: ${said}\n`);
  });

  it('fails what is no mask, by kind, and lists the kinds', () => {
    const [report] = json(cli('run', FAILURES, '--prog', 'grows_insert', '--fail', 'elem:1', '--json'));
    expect(report).toMatchObject({ globals: { got: -12 } });
    expect(cli('run', '--help').stdout).toMatch(/^ {2}ringbuf +record of a ring buffer +NULL/m);
    const points = cli('explore', FAILURES, '--cpu', '0=grows_insert', '--faults').stdout.split('\n');
    expect(points.slice(1, 4)).toEqual([
      expect.stringMatching(/^nothing +0 +fine$/),
      expect.stringMatching(/^full +\S+failures\.bpf\.c:\d+ +0 +fine$/),
      expect.stringMatching(/^elem +\S+failures\.bpf\.c:\d+ +0 +fine$/),
    ]);
  });

  it.each([
    [['--fail', 'creat:1'], /names nothing that can fail; .*, ringbuf, any/],
    [['--fail-rate', '2'], /no share from 0 to 1/],
    [['--memory-limit', '1'], /whole number from 4/],
    [['--budget', '0'], /whole number from 1/],
    [['--time-limit', '0'], /no time in seconds, from 0.001/],
  ] as const)('refuses %j in one line', (args, message) => {
    const result = cli(...SHARE, ...args);
    expect(result.status).toBe(2);
    expect(result.stderr).toMatch(message);
  });

  it('tells the life of each object, as text and as JSON', () => {
    const text = cli(...SHARE, '--ledger').stdout;
    expect(text).toMatch(/^ledger\n {2}#\d+ bpf_cpumask \{0\}, 2 references: in slots\[0\], slots\[1\]$/m);
    expect(text).toMatch(/created +CPU 0 {2}\S+share\.bpf\.c:\d+: mask = bpf_cpumask_create\(\);/);
    const [, last] = json(cli(...SHARE, '--ledger', 'json', '--json'));
    expect(last?.ledger).toMatchObject([
      {
        type: 'bpf_cpumask',
        refs: 2,
        leaked: false,
        places: ['slots[0]', 'slots[1]'],
        events: [
          { op: 'create', program: 'publish', cpu: 0 },
          { op: 'acquire' },
          { op: 'put', place: 'slots[0]' },
          { op: 'put', place: 'slots[1]' },
        ],
      },
    ]);
  });
});

describe('run --setup and --check', () => {
  const object = 'examples/claim/claim.bpf.o';

  it('run alone and once, whatever runs between them', () => {
    const result = cli('run', object, '--setup', 'set_up', '--prog', 'claim_cpu', '--times', '3', '--json');
    const reports = json(result);
    expect(reports.map(({ program, times }) => [program, times])).toEqual([['claim_cpu', 3]]);
    expect(reports[0]?.globals).toMatchObject({ claims: 3, refusals: 0 });
    // Without --prog they are not among those that run by themselves.
    const others = cli('run', object, '--setup', 'set_up', '--check', 'set_up', '--json');
    expect(json(others).map(({ program }) => program)).toEqual(['claim_cpu', 'set_up']);
    expect(others.status).toBe(0);
  });

  it('a check that does not return 0 fails the run', () => {
    const result = cli('run', object, '--setup', 'set_up', '--prog', 'claim_cpu', '--check', 'claim_cpu');
    expect(result.status).toBe(1);
    expect(result.stderr).toBe('check failed: claim_cpu returned 1\n');
    // What all did is shown once, at the end.
    expect(result.stdout.match(/^globals$/gm)).toHaveLength(1);
  });

  it('a set-up that returns an error is told, and failures are injected behind it', () => {
    const claim = cli('run', object, '--setup', 'claim_cpu', '--prog', 'set_up', '--fail', 'create:1', '--json');
    expect(claim.stderr).toContain('claim_cpu returned -1; the rest runs after that');
    expect(json(claim).map(({ retval }) => Number(retval) | 0)).toEqual([-12]);
    const fine = cli('run', object, '--setup', 'set_up', '--prog', 'claim_cpu', '--fail', 'create:1', '--json');
    expect(json(fine).map(({ retval }) => retval)).toEqual([0]);
  });

  it('a set-up that the verifier refuses ends it, as the program itself would', () => {
    const corpus = 'test/data/verdicts/obj/life_leak.bpf.o';
    const result = cli('run', corpus, '--setup', 'never_released', '--prog', 'never_released', '--json');
    expect(result.status).toBe(1);
    expect(json(result)).toEqual([expect.objectContaining({ program: 'never_released', verdict: 'reject' })]);
  });
});

describe('lost references', () => {
  const LATE = ['run', 'test/objects/late.bpf.o', '--kernel', '6.17'];

  it('are told once for each line that made their objects, and fail the run', () => {
    const { stdout, status } = cli(...LATE, '--prog', 'hash_put_all');
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /^leaked\n {2}64 x bpf_cpumask \{0\} with 1 reference each, made by hash_put_all at \S+:\d+: /m,
    );
    expect(stdout).toMatch(
      /^ledger\n {2}#\d+ bpf_cpumask \{0\}, 1 reference: nothing leads to it \(and 63 others like it\)$/m,
    );
    expect(stdout.match(/created/g)).toHaveLength(1);
    const [report] = json(cli(...LATE, '--prog', 'hash_put_all', '--json'));
    expect(report?.objects).toMatchObject({ live: 64, leakedCount: 64 });
    expect(report?.objects).not.toHaveProperty('lines');
  });

  it('are found of objects that maps still hold', () => {
    const { stdout, status } = cli(...LATE, '--prog', 'hash_share');
    expect(status).toBe(1);
    expect(stdout).toContain('  bpf_cpumask {0}: 1 of 2 references is held by no map, made by hash_share at ');
    expect(stdout).toMatch(/^ {2}#\d+ bpf_cpumask \{0\}, 2 references: 1 of 2 is lost; in shared$/m);
    const [report] = json(cli(...LATE, '--prog', 'hash_share', '--json'));
    expect(report?.objects).toMatchObject({ leaked: [{ refs: 2, lost: 1, unreachable: false }], leakedCount: 1 });
  });

  it('are none where the kernel releases them', () => {
    const { stdout, status } = cli('run', 'test/objects/late.bpf.o', '--prog', 'hash_share', '--ledger');
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /2 references: in shared, a deleted element of elements$|in a deleted element of elements, shared$/m,
    );
  });
});

describe('run --parallel', () => {
  const object = 'test/objects/parallel.bpf.o';

  it('runs each program on a CPU of its own, at the same time, between set-up and check', () => {
    const programs = ['--setup', 'set_up', '--prog', 'exchange', '--prog', 'exchange', '--check', 'total'];
    const result = cli('run', object, '--parallel', ...programs, '--cpu', '1', '--times', '3', '--json');
    expect({ status: result.status, stderr: result.stderr }).toEqual({ status: 0, stderr: '' });
    const reports = json(result);
    expect(reports.map(({ program, cpu, times, died }) => [program, cpu, times, died])).toEqual([
      ['exchange', 1, 3, null],
      ['exchange', 2, 3, null],
      ['total', 1, 1, undefined],
    ]);
  });

  it('sets up what the programs share before they run', () => {
    const claim = ['--prog', 'claim_cpu', '--prog', 'claim_cpu', '--setup', 'set_up'];
    const [, last] = json(
      cli('run', 'examples/claim/claim.bpf.o', ...claim, '--parallel', '--times', '1000', '--json'),
    );
    expect(last?.globals).toMatchObject({ claims: 8, refusals: 1992, claimed: { cpus: '0-7' } });
  });

  it('has a line for a CPU whose thread died, and fails', () => {
    const preload = fileURLToPath(new URL('../support/dying_thread.cjs', import.meta.url));
    const programs = ['--setup', 'set_up', '--prog', 'claim', '--prog', 'claim'];
    const env = { NODE_OPTIONS: `--require ${preload}` };
    const result = cliWith(env, 'run', object, '--parallel', ...programs, '--json');
    expect(result.status).toBe(1);
    const gone = { program: 'claim', retval: null, times: null, insns: null, fault: null };
    expect(json(result)).toEqual(
      [0, 1].map((cpu) => expect.objectContaining({ ...gone, cpu, died: 'its thread ended with status 7' })),
    );
    const text = cliWith(env, 'run', object, '--parallel', ...programs);
    expect(text.status).toBe(1);
    expect(text.stdout).toMatch(/^claim {2}syscall {2}its thread ended with status 7\n {2}on CPU 0 \(jit\)\n/);
  });

  it('says when there are not enough CPUs', () => {
    const result = cli('run', object, '--parallel', '--prog', 'claim', '--prog', 'claim', '--cpus', '1');
    expect(result.stderr.trim()).toBe('bpf-cpumask: --parallel: 2 programs need CPU 1; give --cpus 2');
    expect(result.status).toBe(2);
  });
});

describe('bounds', () => {
  const HANG = ['run', 'test/objects/parallel.bpf.o', '--prog', 'hang'];
  const CLAIM = ['run', 'examples/claim/claim.bpf.o', '--prog', 'claim_cpu', '--times', '1000000000'];

  it.each(['interp', 'jit'])('--budget and --time-limit stop a run, %s', (engine) => {
    const byBudget = cli(...HANG, '--engine', engine, '--budget', '100000', '--json');
    expect(byBudget.status).toBe(1);
    expect(json(byBudget)[0]).toMatchObject({ retval: null, fault: { kind: 'budget' } });
    const byTime = cli(...HANG, '--engine', engine, '--time-limit', '.1', '--json');
    expect(byTime.status).toBe(1);
    expect(json(byTime)[0]).toMatchObject({ retval: null, stopped: null, fault: { kind: 'time-limit' } });
  });

  it.each([[[]], [['--parallel']]])('--time-limit ends repetitions, %j', (args) => {
    const result = cli(...CLAIM, ...args, '--time-limit', '0.1', '--json');
    expect(result.status).toBe(1);
    const [report] = json(result);
    expect(report).toMatchObject({ fault: null, stopped: 'time-limit' });
    expect(report?.times).toBeGreaterThan(0);
    expect(cli(...CLAIM, ...args, '--time-limit', '0.1').stdout).toMatch(
      /^claim_cpu {2}syscall {2}returned -?\d+, then stopped by/,
    );
  });

  it('takes a ledger of what ran, and none of what ran long', () => {
    const short = cli(...HANG, '--budget', '100000', '--ledger');
    expect(short.stdout).toMatch(/^ledger$/m);
    const long = cli(...HANG, '--budget', '70000000', '--ledger');
    expect(long.stdout).not.toMatch(/^ledger$/m);
    expect(long.stderr).toMatch(
      /^no ledger: it runs 70,0\d\d,\d{3} instructions again, .*; give --budget or --times less\n$/,
    );
  });

  it.each(['2048', '4095'])('--memory-limit %s', (limit) => {
    expect(cli(...CLAIM.slice(0, 4), '--memory-limit', limit)).toMatchObject({ status: 0, stderr: '' });
  });
});
