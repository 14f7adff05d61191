import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Log } from './log_buffer.ts';

describe('Log', () => {
  it('is a string that can be cut back', () => {
    const steps = fc.array(
      fc.record({ text: fc.string({ maxLength: 300 }), times: fc.integer({ min: 1, max: 300 }), cut: fc.nat(40_000) }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(steps, (list) => {
        const log = new Log(0);
        let model = '';
        for (const { text, times, cut } of list) {
          for (let i = 0; i < times; i++) log.write(text);
          model += text.repeat(times);
          const length = Math.max(0, model.length - cut);
          if (cut % 3 === 0) {
            log.reset(length);
            model = model.slice(0, length);
          }
          expect(log.length).toBe(model.length);
          expect(log.since(length)).toBe(model.slice(length));
        }
        expect(log.text()).toBe(model);
      }),
    );
  });

  it('keeps the end of what is too long', () => {
    const size = 100_000;
    const log = new Log(0, size);
    let model = '';
    for (let i = 0; i < 50_000; i++) {
      log.write(`${i}: line\n`);
      model += `${i}: line\n`;
    }
    expect(log.length).toBe(model.length);
    expect(log.text()).toBe(model.slice(-size));
    log.reset(model.length - 70_000);
    expect(log.length).toBe(model.length - 70_000);
    expect(model.slice(0, -70_000).endsWith(log.text())).toBe(true);
    log.reset(7);
    expect([log.length, log.text()]).toEqual([7, '']);
  });
});
