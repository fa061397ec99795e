import type { Context } from '../../core/context.ts';
import type { Rule, RuleKey } from '../../core/rules.ts';

/** The rules as workers see them. */
export interface RuleDefinitions {
  /**
   * @param isFresh whether it must be as it is now; otherwise it may be 5 s old.
   * @returns undefined when the rule or its tenant no longer exists.
   */
  read(key: RuleKey, isFresh?: boolean): Promise<RuleDefinition | undefined>;
  pause(key: RuleKey): Promise<void>;
}

export interface RuleDefinition {
  readonly rule: Rule;
  /** The rule is paused or its tenant suspended: records wait, however long. */
  readonly isHeld: boolean;
}

const cachedMs = 5_000;
/** More are in use at once only where that many rules fire within the time of the cache. */
const maxCached = 1_000;

/** Reads rules and the status of their tenants, and remembers them for 5 s. */
export function createRuleDefinitions(
  context: Pick<Context, 'tenants' | 'rules' | 'clock'>,
): RuleDefinitions {
  const cache = new Map<string, { readonly untilMs: number; readonly value: RuleDefinition }>();

  async function load(key: RuleKey, consistent: boolean): Promise<RuleDefinition | undefined> {
    const [stored, live] = await Promise.all([
      context.rules.read(key.tenant, key.rule, consistent),
      context.tenants.readLive(key.tenant, consistent),
    ]);
    if (stored === undefined || live === undefined) return undefined;
    const { rule } = stored;
    return { rule, isHeld: rule.status === 'paused' || live.status === 'suspended' };
  }

  return {
    async read(key, isFresh = false) {
      const name = `${key.tenant}/${key.rule}`;
      const nowMs = context.clock.nowMs();
      const cached = cache.get(name);
      if (!isFresh && cached !== undefined && nowMs < cached.untilMs) return cached.value;
      // A rule that seems to be missing may be new: its records are dropped only if it is not.
      const value = (isFresh ? undefined : await load(key, false)) ?? (await load(key, true));
      cache.delete(name);
      if (value === undefined) return undefined;
      cache.set(name, { untilMs: nowMs + cachedMs, value });
      for (const oldest of cache.keys()) {
        if (cache.size <= maxCached) break;
        cache.delete(oldest);
      }
      return value;
    },

    async pause(key) {
      cache.delete(`${key.tenant}/${key.rule}`);
      await context.rules.setStatus(key.tenant, key.rule, 'paused');
    },
  };
}
