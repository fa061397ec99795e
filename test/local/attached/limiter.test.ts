import { describe, expect, test } from 'vitest';
import { ClosedError, createLimiter } from '../../../lib/local/attached/limiter.ts';

/** Tasks that the test ends. */
function tasks() {
  const started: number[] = [];
  const ends: (() => void)[] = [];
  return {
    started,
    end: (index: number) => ends[index]?.(),
    task: (index: number) => () =>
      new Promise<number>((resolve) => {
        started.push(index);
        ends[index] = () => resolve(index);
      }),
  };
}

describe('a limiter', () => {
  test('runs up to the bound concurrently, and the others in order of arrival', async () => {
    const { started, end, task } = tasks();
    const limiter = createLimiter(2);
    const results = [0, 1, 2, 3].map((index) => limiter.run(task(index)));
    expect(started).toEqual([0, 1]);
    end(1);
    await results[1];
    expect(started).toEqual([0, 1, 2]);
    end(0);
    await results[0];
    expect(started).toEqual([0, 1, 2, 3]);
    end(2);
    end(3);
    expect(await Promise.all(results)).toEqual([0, 1, 2, 3]);
  });

  test('continues after a task that fails', async () => {
    const limiter = createLimiter(1);
    const failing = limiter.run(() => Promise.reject(new Error('failed')));
    const next = limiter.run(async () => 'ran');
    await expect(failing).rejects.toThrow('failed');
    expect(await next).toBe('ran');
  });

  test('when closed, rejects waiting tasks and waits for running ones', async () => {
    const { started, end, task } = tasks();
    const limiter = createLimiter(1);
    const running = limiter.run(task(0));
    const waiting = limiter.run(task(1));
    let isClosed = false;
    const closed = limiter.close().then(() => {
      isClosed = true;
    });
    await expect(waiting).rejects.toThrow(ClosedError);
    await expect(limiter.run(task(2))).rejects.toThrow(ClosedError);
    expect(isClosed).toBe(false);
    end(0);
    expect(await running).toBe(0);
    await closed;
    expect(started).toEqual([0]);
  });
});
