/** How much of the orders was tried, in words: nothing is called all that is not. */
import type { Exploration } from '../explore/explore.ts';
import { plural, thousands } from './table.ts';

export type Extent = Pick<Exploration, 'bounds' | 'exhausted' | 'stopped' | 'tooLong' | 'cut' | 'redundant'>;

const STOPPED: Readonly<Record<NonNullable<Extent['stopped']>, (bounds: Extent['bounds']) => string>> = {
  limit: ({ limit }) => `the limit of ${plural(limit, 'schedule')} was reached`,
  findings: () => 'more findings are not looked for',
  interrupted: () => 'it was interrupted',
  parts: () => 'its shards found other memory to be shared, and need not add up',
};

/** `every order with at most 2 preemptions and 1 failed allocation` */
function boundsText({ preemptions, failures, reduce }: Extent['bounds']): string {
  const failed = failures === 0 ? 'no failed allocation' : plural(failures, 'failed allocation');
  if (preemptions !== null) {
    const join = failures === 0 ? ', ' : ' and ';
    return `every order with at most ${plural(preemptions, 'preemption')}${join}${failed}`;
  }
  return `every order${reduce ? ' that differs,' : ''} with ${failures === 0 ? '' : 'at most '}${failed}`;
}

/** What was tried of the orders within the bounds, and if that is not all, why. */
export function extentText({ bounds, exhausted, stopped, tooLong, cut, redundant }: Extent, share: string): string {
  const reasons = [
    ...(stopped ? [STOPPED[stopped](bounds)] : []),
    ...(tooLong > 0 ? [`${plural(tooLong, 'path')} left, too long to go back on`] : []),
  ];
  const again = redundant > 0 ? `, ${thousands(redundant)} left early` : '';
  const callbacks = cut ? `, of at most ${plural(bounds.callbacks, 'callback')} of each timer and work item` : '';
  const why = reasons.length > 0 ? `: ${reasons.join('; ')}` : '';
  return `${exhausted ? '' : 'not '}${boundsText(bounds)}${share}${callbacks}${again}${why}`;
}
