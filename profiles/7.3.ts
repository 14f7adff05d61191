import type { ReleaseFile } from './release.ts';

export default {
  release: '7.3',
  version: [7, 3, 4],
  asked: '7.3.4',
  btf: '7.2',
  features: {
    memory_arguments_by_prototype: {
      part: 'verifier',
      summary:
        'What a pointer argument of a kfunc has to be follows from the prototype alone: a kernel struct passed as memory is read as such.',
      evidence: 'measured',
      source: '7.2.12 and 7.3.4 on populate_sizes_var.populate_from_mask',
    },
    constant_size_einval: {
      part: 'verifier',
      summary: 'A size that has to be constant and is not is EINVAL; before, EACCES.',
      evidence: 'measured',
      source: '7.2.12 and 7.3.4 on gen_ringbuf.event_size_variable',
    },
  },
  words: {
    notKnownConstant: {
      is: (regno) => `R${regno} is not a const`,
      evidence: 'measured',
      source: '7.2.12 and 7.3.4',
    },
  },
} as const satisfies ReleaseFile;
