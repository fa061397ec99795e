/** Watches one client's keep-alive. */
export interface SilenceWatch {
  /** Begins, or goes on with another keep-alive. 0 seconds: none. */
  watch(keepAliveSeconds: number): void;
  /** A packet has come, or the bridge has begun to read again. */
  heard(): void;
  stop(): void;
}

/**
 * Calls `onSilent` once when no packet has come for 1.5 times the keep-alive. One timer per client,
 * set again only when it fires. While the bridge does not read from the client, it cannot say that
 * the client is silent.
 *
 * [MQTT-3.1.2-22 v5, MQTT-3.1.2-24 v3]
 */
export function watchSilence(isRead: () => boolean, onSilent: () => void): SilenceWatch {
  let timer: NodeJS.Timeout | undefined;
  let graceMs = 0;
  let heardAtMs = performance.now();
  const arm = (ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const leftMs = isRead() ? heardAtMs + graceMs - performance.now() : graceMs;
      if (leftMs <= 0) onSilent();
      else arm(leftMs);
    }, Math.ceil(ms));
  };
  return {
    watch(keepAliveSeconds) {
      graceMs = keepAliveSeconds * 1500;
      heardAtMs = performance.now();
      if (graceMs > 0) arm(graceMs);
    },
    heard() {
      heardAtMs = performance.now();
    },
    stop() {
      clearTimeout(timer);
    },
  };
}
