/** Calls a function before the browser paints next; a hidden tab does not paint. */
export function onNextFrame(run: () => void): void {
  requestAnimationFrame(run);
}
