import { describe, expect, it } from 'vitest';
import { flatTopology, parseTopology } from './topology.ts';

describe('parseTopology', () => {
  it.each([
    ['pu:4', 4, 3, { node: 0, package: 0, llc: 0, core: 3, thread: 0 }],
    ['numa:2 l3:2 core:4 pu:2', 32, 0, { node: 0, package: 0, llc: 0, core: 0, thread: 0 }],
    ['numa:2 l3:2 core:4 pu:2', 32, 31, { node: 1, package: 0, llc: 3, core: 15, thread: 1 }],
    ['numa:2 l3:2 core:4 pu:2', 32, 17, { node: 1, package: 0, llc: 2, core: 8, thread: 1 }],
    ['pack:2 [numa] L3Cache:1(size=32MB) core:3', 6, 4, { node: 1, package: 1, llc: 1, core: 4, thread: 0 }],
    ['pack:2 l2:2 l1d:1 core:1 pu:2', 8, 5, { node: 0, package: 1, llc: 2, core: 2, thread: 1 }],
  ])('%s has %i CPUs; CPU %i is where it should be', (text, cpus, cpu, place) => {
    const topology = parseTopology(text, 8192);
    expect(topology.cpus).toHaveLength(cpus);
    expect(topology.cpus[cpu]).toEqual(place);
  });

  it.each([
    ['', 'is no level'],
    ['core', '"core" is no level'],
    ['socket:0', 'at least one'],
    ['nume:2 pu:2', '"nume:2" is no level'],
    ['pu:2 core:2', 'must be last'],
    ['core:2 core:2', 'a second time'],
    ['numa:100 core:100', 'more than 8192 CPUs'],
  ])('refuses "%s"', (text, problem) => {
    expect(() => parseTopology(text, 8192)).toThrow(problem);
  });

  it('makes a flat machine of a count', () => {
    expect(flatTopology(3).cpus.map((cpu) => cpu.core)).toEqual([0, 1, 2]);
    expect(parseTopology(flatTopology(3).description, 8192).cpus).toEqual(flatTopology(3).cpus);
  });
});
