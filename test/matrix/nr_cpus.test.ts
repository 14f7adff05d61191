import { beforeAll, expect, it } from 'vitest';
import { readAsset } from '../../src/platform/node/assets.ts';
import { initRange } from '../../src/verifier/index.ts';
import { readCorpus } from '../verdicts/corpus.ts';
import { compareKernel, type MatrixRow, matrixProfile, readMatrix } from './compare.ts';

const SLOW = new Set(['loop_complex.branch_explosion', 'more_ptype_net.raw_tp_iter_num', 'caps_loops.bounded_loop']);

/** The kernel with NR_CPUS 48 was built without INET, cgroup BPF, mitigations and a JIT for exceptions. */
const OTHER_CONFIG = new Set([
  'caps_loops.stack_variable_index',
  'more_ptype_net.sysctl_create',
  'ptype_net.cgroup_skb_create',
  'ptype_struct_ops_args.cm_avoid',
  'run_exceptions.thrown_from_below',
]);

beforeAll(() => initRange(readAsset('dist/verifier.wasm')));

it('6.18 with NR_CPUS 256, made of the BTF with 8192, says what 6.18.44 with 256 said', { timeout: 120_000 }, () => {
  const rows = readCorpus().map(({ file, program, verdict, errno, message }): MatrixRow => {
    return { file, program, kernels: { '6.18.44': { verdict, errno, message } } };
  });
  const asked = { name: '6.18.44', release: '6.18', ownBtf: false } as const;
  const cells = [...compareKernel(asked, matrixProfile('6.18', 256), (name) => !SLOW.has(name), rows)];
  expect(cells.length).toBeGreaterThan(430);
  expect(cells.filter(({ errnoOk, messageOk }) => !errnoOk || !messageOk)).toEqual([]);
});

it('7.2 with NR_CPUS 48 says what 7.2.12 with 48 said', { timeout: 120_000 }, () => {
  const asked = { name: '7.2.12-nr48', release: '7.2', ownBtf: false } as const;
  const pass = (name: string): boolean => !SLOW.has(name) && !OTHER_CONFIG.has(name);
  const cells = [...compareKernel(asked, matrixProfile('7.2', 48), pass, readMatrix())];
  expect(cells.length).toBeGreaterThan(430);
  expect(cells.filter(({ errnoOk }) => !errnoOk)).toEqual([]);
});
