/** Loaded before the script of a measured process: tells its parent its memory on each message. */
process.on('message', () => {
  global.gc?.();
  global.gc?.();
  process.send?.(process.memoryUsage());
});
